import type { EventInput, EventProblem, EventProperty } from './event.ts';
import { parseExact, type ExactJson, type ExactObject } from './exact-json.ts';
import { isNumber, numberFault, plainLiteral, type ExactNumber } from './exact-number.ts';
import { pointerStep } from './isomorphic.ts';
import { LIMITS } from './limits.ts';
import { isStorableText, isWithinBytes, TEXT_INVALID } from './text.ts';
import type { MergedProperties } from './typed-properties.ts';

/** More would only bury the first ones. */
const PROBLEMS_MAX = 20;

export interface PayloadCheck {
  /** What keeps the payload, and the properties to be merged into it, from being stored as sent. */
  readonly problems: readonly EventProblem[];
  /** Characters that numbers take beyond their JSON text, once they are written without exponents. */
  readonly expandedChars: number;
}

export function checkPayload(
  { payload, properties }: EventInput,
  members: MergedProperties['members'],
): PayloadCheck {
  const walk: Walk = {
    problems: [],
    keys: members.length,
    expandedChars: 0,
    isOver: false,
    path: [],
  };
  properties?.forEach((property, index) => checkProperty(walk, property, index));
  if (walk.keys > LIMITS.payloadKeysMax) reportTooManyKeys(walk);
  if (payload == null) return walk;
  for (const [name] of members) {
    if (Object.hasOwn(payload, name)) {
      report(walk, 'PROPERTY_CONFLICT', 'This name stands in both payload and properties.', [name]);
    }
  }
  checkValue(walk, payload);
  return walk;
}

interface Walk {
  readonly problems: EventProblem[];
  keys: number;
  expandedChars: number;
  /** More keys are not looked at. */
  isOver: boolean;
  /** To the value that is looked at. */
  readonly path: string[];
}

function checkProperty(walk: Walk, { name, type, values }: EventProperty, index: number): void {
  checkKey(walk, name, () => `/properties/${index}/name`);
  for (const value of values) {
    if (type === 'JSON') checkJson(walk, name, value);
    else checkText(walk, value, () => `/properties/${index}/value`);
  }
}

/** JSON in a property: the limits of payloads hold. What is no JSON is told by its type. */
function checkJson(walk: Walk, name: string, text: string): void {
  let value: ExactJson;
  try {
    value = parseExact(text);
  } catch {
    return;
  }
  walk.path.push(name);
  checkValue(walk, value);
  walk.path.pop();
}

function checkValue(walk: Walk, value: ExactJson): void {
  if (isOver(walk)) return;
  if (typeof value === 'string') checkText(walk, value, () => pointerOf(walk.path));
  else if (isNumber(value)) checkNumber(walk, value);
  else if (typeof value === 'object' && value !== null) checkChildren(walk, value);
}

function checkChildren(walk: Walk, parent: ExactObject | readonly ExactJson[]): void {
  if (walk.path.length >= LIMITS.payloadDepthMax) {
    report(walk, 'PAYLOAD_TOO_DEEP', `At most ${LIMITS.payloadDepthMax} levels are kept.`);
    return;
  }
  const isObject = !Array.isArray(parent);
  for (const key of Object.keys(parent)) {
    walk.path.push(key);
    if (isObject) {
      walk.keys += 1;
      if (walk.keys > LIMITS.payloadKeysMax) return reportTooManyKeys(walk);
      checkKey(walk, key, () => pointerOf(walk.path));
    }
    checkValue(walk, (parent as ExactObject)[key] as ExactJson);
    walk.path.pop();
    if (isOver(walk)) return;
  }
}

function isOver(walk: Walk): boolean {
  return walk.isOver || walk.problems.length >= PROBLEMS_MAX;
}

function checkNumber(walk: Walk, value: number | ExactNumber): void {
  const fault = numberFault(value);
  if (fault !== null) {
    const message = `Expected ${fault.expected}, but got ${fault.came}.`;
    report(walk, 'NUMBER_NOT_EXACT', message);
  } else if (typeof value === 'number' && isWrittenWithExponent(value)) {
    walk.expandedChars += plainLiteral(value).length - String(value).length;
  }
}

function reportTooManyKeys(walk: Walk): void {
  report(walk, 'PAYLOAD_TOO_LARGE', `At most ${LIMITS.payloadKeysMax} keys are kept.`, []);
  walk.isOver = true;
}

/** By `String` and `JSON.stringify`. */
function isWrittenWithExponent(value: number): boolean {
  const size = Math.abs(value);
  return size >= 1e21 || (size < 1e-6 && size > 0);
}

function checkKey(walk: Walk, key: string, pointer: () => string): void {
  checkText(walk, key, pointer);
  if (isWithinBytes(key, LIMITS.payloadKeyBytesMax)) return;
  const message = `A key has at most ${LIMITS.payloadKeyBytesMax} bytes.`;
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

function pointerOf(path: readonly string[]): string {
  return `/payload${path.map(pointerStep).join('')}`;
}
