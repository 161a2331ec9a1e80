/** A payload, and values that stand beside it in the input → one payload. */
import type { EventProblem } from '../../client/index.ts';
import { LIMITS } from '../../core/limits.ts';
import { isObject, problem } from './event-fields.ts';
import { jsonValue, membersOf, objectText, type JsonValue } from './json-members.ts';

export interface PayloadValue {
  /** In the input. */
  readonly name: string;
  /** Its keys in the payload. */
  readonly path: readonly string[];
  readonly value: JsonValue;
}

/** Values by the keys that lead to them. */
type Tree = Map<string, JsonValue | Tree>;

/** @param payload undefined or null: there is none */
export function mergedPayload(payload: JsonValue | undefined, values: readonly PayloadValue[]) {
  const problems: EventProblem[] = [];
  const tree: Tree = new Map();
  for (const { name, path, value } of values) {
    if (path.length > LIMITS.payloadDepthMax) {
      const message = `${name.slice(0, 40)}… has more than ${LIMITS.payloadDepthMax} levels.`;
      problems.push(problem('PAYLOAD_TOO_DEEP', 'payload', message));
    } else if (!plant(tree, path, value)) {
      const message = `${path.join('.')} is given twice, by ${name} the last time.`;
      problems.push(problem('GIVEN_TWICE', 'payload', message, ...path));
    }
  }
  return { payload: grafted(payload ?? NONE, tree, [], problems), problems };
}

const NONE = jsonValue(null);

/** False where another value stands in its place, or on the way to it. */
function plant(tree: Tree, path: readonly string[], value: JsonValue): boolean {
  let branch = tree;
  for (const key of path.slice(0, -1)) {
    const before = branch.get(key);
    if (before !== undefined && !(before instanceof Map)) return false;
    const next: Tree = before ?? new Map<string, JsonValue | Tree>();
    branch.set(key, next);
    branch = next;
  }
  const key = path.at(-1) as string;
  const before = branch.get(key);
  // Null is the same as absent, where there is another value.
  if (before !== undefined && value.value === null) return true;
  if (before instanceof Map) return false;
  if (before === undefined || before.value === null) branch.set(key, value);
  return before === undefined || before.value === null || before.json === value.json;
}

/** The value with the branches in it; what it holds is not replaced without a word. */
function grafted(
  value: JsonValue,
  branches: Tree,
  path: readonly string[],
  problems: EventProblem[],
): JsonValue {
  const members = value.value === null ? new Map<string, JsonValue>() : membersOf(value);
  for (const [key, branch] of branches) {
    const before = members.get(key);
    const place = [...path, key];
    const isBranch = branch instanceof Map;
    if (before !== undefined && !(isBranch && isObject(before.value))) {
      const message = `${place.join('.')} is given in the payload, and beside it.`;
      problems.push(problem('GIVEN_TWICE', 'payload', message, ...place));
    } else members.set(key, isBranch ? grafted(before ?? NONE, branch, place, problems) : branch);
  }
  const values = [...members].map(([key, { value: member }]) => [key, member] as const);
  return { value: Object.fromEntries(values), json: objectText(members) };
}
