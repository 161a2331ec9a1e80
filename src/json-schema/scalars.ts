/** Keywords for values of any kind, for numbers and for strings. */
import type { ExactJson } from '../core/exact-json.ts';
import { compareNumbers, type ExactNumber } from '../core/exact-number.ts';
import type { Json } from '../core/json.ts';
import { FORMATS } from './formats.ts';
import type { Keywords } from './keywords.ts';
import type { Check } from './run.ts';
import {
  isInteger,
  isMultipleOf,
  kindOf,
  lengthOf,
  textOf,
  type Kind,
  type Texts,
} from './values.ts';
import { shown } from './work-budget.ts';

/** What `type` leaves to look at in values of this kind: nothing, or all of them are wrong. */
export function typeChecks({ schema: { type } }: Keywords, kind: Kind): Check[] {
  if (type === undefined) return [];
  const types = [type].flat() as string[];
  if (types.includes(kind)) return [];
  const message = `must be of type ${types.join(' or ')}`;
  if (kind === 'number' && types.includes('integer')) {
    return [(value, run) => isInteger(value as number | ExactNumber) || run.fail(message)];
  }
  return [(_value, run) => run.fail(message)];
}

export function valueChecks(keywords: Keywords): Check[] {
  const { const: constant, enum: values } = keywords.schema;
  const checks: Check[] = [];
  if (constant !== undefined) {
    checks.push(oneOfValues([constant], keywords, `must be ${shownJson(constant)}`));
  }
  if (values !== undefined) {
    const message = `must be one of ${shownJson(values)}`;
    checks.push(oneOfValues(values as readonly Json[], keywords, message));
  }
  return checks;
}

function shownJson(value: Json): string {
  return shown(JSON.stringify(value));
}

function oneOfValues(values: readonly Json[], { budget }: Keywords, message: string): Check {
  const texts: Texts = new Map();
  const plain = new Set<ExactJson>(
    values.filter(value => typeof value !== 'object' || value === null),
  );
  const allowed = new Set(values.map(value => textOf(value, texts, budget)));
  const kinds = new Set(values.map(kindOf));
  return (value, run) => {
    if (plain.has(value)) return true;
    // Only a list, an object or a long number may still be equal, if there is one of its kind.
    const isOne =
      typeof value === 'object' &&
      value !== null &&
      kinds.has(kindOf(value)) &&
      allowed.has(textOf(value, run.texts, run.budget));
    return isOne || run.fail(message);
  };
}

export function numberChecks({ schema }: Keywords): Check[] {
  const checks: Check[] = [];
  const add = (keyword: string, words: string, holds: (comparison: number) => boolean) => {
    const bound = schema[keyword];
    if (bound === undefined) return;
    checks.push(
      (value, run) =>
        holds(
          typeof value === 'number'
            ? value - (bound as number)
            : compareNumbers(value as ExactNumber, bound as number),
        ) || run.fail(`must be ${words} ${String(bound)}`),
    );
  };
  add('minimum', 'at least', c => c >= 0);
  add('maximum', 'at most', c => c <= 0);
  add('exclusiveMinimum', 'above', c => c > 0);
  add('exclusiveMaximum', 'below', c => c < 0);
  const step = schema['multipleOf'] as number | undefined;
  if (step !== undefined) {
    checks.push(
      (value, run) =>
        isMultipleOf(value as number | ExactNumber, step, run.budget) ||
        run.fail(`must be a multiple of ${step}`),
    );
  }
  return checks;
}

export function stringChecks(keywords: Keywords): Check[] {
  const { schema, document, place } = keywords;
  const checks: Check[] = [];
  const { minLength: min, maxLength: max } = schema as { minLength?: number; maxLength?: number };
  if (min !== undefined) {
    checks.push(
      textCheck(
        (text, run) =>
          lengthOf(text, run.budget) >= min || run.fail(`must have at least ${min} characters`),
      ),
    );
  }
  if (max !== undefined) {
    // A text has no more characters than code units.
    checks.push(
      textCheck(
        (text, run) =>
          text.length <= max ||
          lengthOf(text, run.budget) <= max ||
          run.fail(`must have at most ${max} characters`),
      ),
    );
  }
  const pattern = schema['pattern'] as string | undefined;
  if (pattern !== undefined) {
    const automaton = document.pattern(pattern, `${place.pointer}/pattern`);
    const message = `must match the pattern ${shown(pattern)}`;
    checks.push(textCheck((text, run) => automaton.test(text, run.budget) || run.fail(message)));
  }
  const name = schema['format'] as string | undefined;
  const format = name === undefined ? undefined : FORMATS.get(name);
  if (format !== undefined) {
    const message = `must have the format ${name}`;
    checks.push(textCheck((text, run) => format(text, run.budget) || run.fail(message)));
  }
  return checks;
}

function textCheck(check: (text: string, run: Parameters<Check>[1]) => boolean): Check {
  return (value: ExactJson, run) => check(value as string, run);
}
