/** Conditions on payload values as people write them: `total >= 100`, `customer.tier = gold`. */
import type { EventFilter } from './documents.ts';

type PropertyFilter = NonNullable<NonNullable<EventFilter['payload']>[number]>;
type Operator = Exclude<keyof PropertyFilter, 'path'>;

/** Longer signs first, so that `>=` is not read as `>`. */
const SIGNS: readonly (readonly [string, Operator])[] = [
  ['>=', 'greaterThanOrEqual'],
  ['<=', 'lessThanOrEqual'],
  ['!=', 'notEquals'],
  ['^=', 'startsWith'],
  ['>', 'greaterThan'],
  ['<', 'lessThan'],
  ['=', 'equals'],
  ['~', 'contains'],
];
const TAKES_TEXT = new Set<Operator>(['startsWith', 'contains']);

export const CONDITION_HINT =
  'A path, a sign (= != > >= < <= ~ contains, ^= begins with) and a value; a path alone asks whether it is there.';

/** Null for what is no condition. A number, true, false or null is that; `"5"` is text. */
export function parseCondition(text: string): PropertyFilter | null {
  const found = firstSign(text);
  const path = text
    .slice(0, found?.at ?? text.length)
    .trim()
    .split('.');
  if (path.some(step => step === '')) return null;
  if (!found) return /\s/.test(text.trim()) ? null : { path, exists: true };
  const value = text.slice(found.at + found.sign.length).trim();
  if (value === '') return null;
  return { path, [found.operator]: TAKES_TEXT.has(found.operator) ? value : valueOf(value) };
}

function firstSign(text: string) {
  let first: { at: number; sign: string; operator: Operator } | undefined;
  for (const [sign, operator] of SIGNS) {
    const at = text.indexOf(sign);
    if (at !== -1 && (!first || at < first.at)) first = { at, sign, operator };
  }
  return first;
}

function valueOf(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? text : value;
  } catch {
    return text;
  }
}
