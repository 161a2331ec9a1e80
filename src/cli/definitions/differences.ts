/** What differs between two sets of definitions. */
import { pointerStep } from '../../core/isomorphic.ts';
import type { Json, JsonObject } from '../../core/json.ts';
import { DEFAULTS, FIELDS, type Definition } from './definition.ts';

/** A difference of one value: undefined where there is none. */
export interface Difference {
  /** A JSON Pointer into the definition, such as `/payloadSchema/required/1`. */
  readonly pointer: string;
  readonly before: Json | undefined;
  readonly after: Json | undefined;
}

export interface Change {
  readonly name: string;
  /** DELETE: there is no file for it. */
  readonly action: 'CREATE' | 'UPDATE' | 'DELETE';
  readonly differences: readonly Difference[];
}

/** What makes `before` into `after`, by name. */
export function changesBetween(
  before: ReadonlyMap<string, Definition>,
  after: ReadonlyMap<string, Definition>,
): Change[] {
  const changes: Change[] = [];
  for (const [name, wanted] of after) {
    const found = before.get(name);
    const differences = differencesOf(found ?? { name, ...DEFAULTS }, wanted);
    if (found === undefined) changes.push({ name, action: 'CREATE', differences });
    else if (differences.length > 0) changes.push({ name, action: 'UPDATE', differences });
  }
  for (const name of before.keys()) {
    if (!after.has(name)) changes.push({ name, action: 'DELETE', differences: [] });
  }
  return changes.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function differencesOf(before: Definition, after: Definition): Difference[] {
  const found: Difference[] = [];
  for (const field of FIELDS) compare(before[field], after[field], `/${field}`, found);
  return found;
}

/** The order of members does not matter, that of lists does. */
function compare(
  before: Json | undefined,
  after: Json | undefined,
  pointer: string,
  found: Difference[],
): void {
  const isInside =
    (Array.isArray(before) && Array.isArray(after)) || (isObject(before) && isObject(after));
  if (!isInside) {
    if (before !== after) found.push({ pointer, before, after });
    return;
  }
  const [one, other] = [before as JsonObject, after as JsonObject];
  for (const key of new Set([...Object.keys(one), ...Object.keys(other)])) {
    const next = (of: JsonObject) => (Object.hasOwn(of, key) ? of[key] : undefined);
    compare(next(one), next(other), pointer + pointerStep(key), found);
  }
}

function isObject(value: Json | undefined): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
