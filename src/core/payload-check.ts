import type { EventInput, EventProblem } from './event.ts';
import type { Json } from './json.ts';
import { isJsonObject } from './json.ts';
import { LIMITS } from './limits.ts';
import { isStorableText, isWithinBytes, TEXT_INVALID } from './text.ts';
import type { MergedProperties } from './typed-properties.ts';

/** More would only bury the first ones. */
const PROBLEMS_MAX = 20;

/** What keeps a payload, and the properties to be merged into it, from being stored as sent. */
export function payloadProblems(
  { payload, properties }: EventInput,
  members: MergedProperties['members'],
): EventProblem[] {
  const walk: Walk = { problems: [], keys: members.length, path: [] };
  properties?.forEach(({ name, values }, index) => {
    checkKey(walk, name, () => `/properties/${index}/name`);
    for (const value of values) checkText(walk, value, () => `/properties/${index}/value`);
  });
  if (payload == null) return walk.problems;
  for (const [name] of members) {
    if (Object.hasOwn(payload, name)) {
      report(walk, 'PROPERTY_CONFLICT', 'This name stands in both payload and properties.', [name]);
    }
  }
  checkValue(walk, payload);
  return walk.problems;
}

interface Walk {
  readonly problems: EventProblem[];
  keys: number;
  /** To the value that is looked at. */
  readonly path: string[];
}

function checkValue(walk: Walk, value: Json): void {
  if (walk.problems.length >= PROBLEMS_MAX) return;
  if (typeof value === 'string') checkText(walk, value, () => pointerOf(walk.path));
  else if (typeof value === 'number') checkNumber(walk, value);
  else if (Array.isArray(value) || isJsonObject(value)) checkChildren(walk, value as object);
}

function checkChildren(walk: Walk, parent: object): void {
  if (walk.path.length >= LIMITS.payloadDepthMax) {
    report(walk, 'PAYLOAD_TOO_DEEP', `At most ${LIMITS.payloadDepthMax} levels are kept.`);
    return;
  }
  const isObject = !Array.isArray(parent);
  for (const key of Object.keys(parent)) {
    walk.path.push(key);
    if (isObject) {
      walk.keys += 1;
      if (walk.keys > LIMITS.payloadKeysMax) {
        report(walk, 'PAYLOAD_TOO_LARGE', `At most ${LIMITS.payloadKeysMax} keys are kept.`, []);
        walk.problems.length = Math.min(walk.problems.length, PROBLEMS_MAX);
        return;
      }
      checkKey(walk, key, () => pointerOf(walk.path));
    }
    checkValue(walk, (parent as Record<string, Json>)[key] as Json);
    walk.path.pop();
    if (walk.problems.length >= PROBLEMS_MAX) return;
  }
}

function checkNumber(walk: Walk, value: number): void {
  if (Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value))) return;
  const message =
    'This number may have lost digits on its way: send integers beyond 2^53 as a long property, ' +
    'and other large numbers as a double property, in `properties`.';
  report(walk, 'NUMBER_NOT_EXACT', message);
}

function checkKey(walk: Walk, key: string, pointer: () => string): void {
  checkText(walk, key, pointer);
  if (key !== '' && isWithinBytes(key, LIMITS.payloadKeyBytesMax)) return;
  const message = `A key has 1 to ${LIMITS.payloadKeyBytesMax} bytes.`;
  walk.problems.push({ severity: 'ERROR', code: 'KEY_INVALID', message, pointer: pointer() });
}

function checkText(walk: Walk, text: string, pointer: () => string): void {
  if (isStorableText(text)) return;
  const problem = { severity: 'ERROR', code: 'TEXT_INVALID', message: TEXT_INVALID } as const;
  walk.problems.push({ ...problem, pointer: pointer() });
}

function report(walk: Walk, code: string, message: string, path = walk.path): void {
  walk.problems.push({ severity: 'ERROR', code, message, pointer: pointerOf(path) });
}

/** RFC 6901: ~ and / are escaped. */
function pointerOf(path: readonly string[]): string {
  const steps = path.map(step => step.replaceAll('~', '~0').replaceAll('/', '~1'));
  return ['/payload', ...steps].join('/');
}
