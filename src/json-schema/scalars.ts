/** Keywords for values of any kind, for numbers and for strings. */
import { compareNumbers, type ExactJson, type ExactNumber } from '../core/exact-json.ts';
import type { Json } from '../core/json.ts';
import type { Keywords } from './compiler.ts';
import { shown } from './fault.ts';
import { FORMATS } from './formats.ts';
import type { Check } from './run.ts';
import { isInteger, isMultipleOf, kindOf, lengthOf, textOf, type Texts } from './values.ts';

export function anyChecks(keywords: Keywords): Check[] {
  const { type, const: constant, enum: values } = keywords.schema;
  const checks: Check[] = [];
  if (type !== undefined) checks.push(typeCheck(type as string | string[]));
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

function typeCheck(type: string | readonly string[]): Check {
  const types = new Set(typeof type === 'string' ? [type] : type);
  const takesIntegers = types.has('integer') && !types.has('number');
  const message = `must be of type ${[...types].join(' or ')}`;
  return (value, run) => {
    const kind = kindOf(value);
    if (types.has(kind)) return true;
    const isWhole = takesIntegers && kind === 'number' && isInteger(value as number | ExactNumber);
    return isWhole || run.fail(message);
  };
}

function oneOfValues(values: readonly Json[], { meter }: Keywords, message: string): Check {
  const texts: Texts = new Map();
  const allowed = new Set(values.map(value => textOf(value, texts, meter)));
  const kinds = new Set(values.map(kindOf));
  return (value, run) => {
    // Only a value of such a kind is worth a text.
    const isOne = kinds.has(kindOf(value)) && allowed.has(textOf(value, run.texts, run.meter));
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
        holds(compareNumbers(value as number | ExactNumber, bound as number)) ||
        run.fail(`must be ${words} ${String(bound)}`),
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
        isMultipleOf(value as number | ExactNumber, step, run.meter) ||
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
          lengthOf(text, run.meter) >= min || run.fail(`must have at least ${min} characters`),
      ),
    );
  }
  if (max !== undefined) {
    // A text has no more characters than code units.
    checks.push(
      textCheck(
        (text, run) =>
          text.length <= max ||
          lengthOf(text, run.meter) <= max ||
          run.fail(`must have at most ${max} characters`),
      ),
    );
  }
  const pattern = schema['pattern'] as string | undefined;
  if (pattern !== undefined) {
    const automaton = document.pattern(pattern, `${place.pointer}/pattern`);
    const message = `must match the pattern ${shown(pattern)}`;
    checks.push(textCheck((text, run) => automaton.test(text, run.meter) || run.fail(message)));
  }
  const name = schema['format'] as string | undefined;
  const format = name === undefined ? undefined : FORMATS.get(name);
  if (format !== undefined) {
    const message = `must have the format ${name}`;
    checks.push(textCheck((text, run) => format(text, run.meter) || run.fail(message)));
  }
  return checks;
}

function textCheck(check: (text: string, run: Parameters<Check>[1]) => boolean): Check {
  return (value: ExactJson, run) => check(value as string, run);
}
