/**
 * JSON Schema 2020-12 for payloads, by ajv. A schema is somebody's program, run on everybody's
 * event loop: so patterns run on a linear-time engine (RE2), nothing is fetched, its size is
 * bounded, and every subschema that is entered counts against a budget of steps, which stops what
 * multiplies (`allOf` of `$ref`s to `allOf`s) or never ends (a `$ref` to itself).
 */
import formats from 'ajv-formats';
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import { RE2JS } from 're2js';
import { canonicalJson } from '../core/canonical-json.ts';
import { GatewayError } from '../core/errors.ts';
import type { EventProblem } from '../core/event.ts';
import { isJsonObject, type Json, type JsonObject } from '../core/json.ts';
import { LIMITS } from '../core/limits.ts';

/** What is wrong with a payload by its schema; empty when nothing is. */
export type CheckPayload = (payload: unknown) => EventProblem[];

const STEPS_MAX = 50_000;
const PROBLEMS_MAX = 20;
const FORMAT_CHARS_MAX = 2_048;
const STEP = 'x-sluice-step';

/**
 * @throws GatewayError BAD_USER_INPUT with the place of the fault (a JSON Pointer), for a schema
 * that is invalid, refers to another document or asks for too much.
 */
export function compilePayloadSchema(schema: JsonObject): CheckPayload {
  if (JSON.stringify(schema).length > LIMITS.schemaCharsMax) {
    throw invalid('', `it may have ${LIMITS.schemaCharsMax} characters as JSON`);
  }
  const budget = { steps: 0 };
  const ajv = createAjv(budget);
  checkSchema(ajv, schema);
  const validate = compile(ajv, counted(schema, '') as JsonObject);
  return payload => {
    budget.steps = 0;
    try {
      return validate(payload) ? [] : problemsOf(validate.errors ?? []);
    } catch (error) {
      if (error instanceof TooCostly || error instanceof RangeError) return [TOO_COSTLY];
      throw error;
    }
  };
}

class TooCostly extends Error {}

function createAjv(budget: { steps: number }): Ajv2020 {
  const ajv = new Ajv2020({
    strict: false,
    ownProperties: true,
    multipleOfPrecision: 9,
    allErrors: true,
    logger: false,
    code: { regExp: linearRegExp() },
  });
  boundFormats(ajv);
  ajv.addKeyword({
    keyword: STEP,
    validate: () => {
      budget.steps += 1;
      if (budget.steps > STEPS_MAX) throw new TooCostly();
      return true;
    },
  });
  addEquality(ajv);
  // Ajv compares every pair.
  ajv.removeKeyword('uniqueItems');
  ajv.addKeyword({
    keyword: 'uniqueItems',
    type: 'array',
    schemaType: 'boolean',
    validate: (isUnique: boolean, items: readonly unknown[]) =>
      !isUnique || new Set(items.map(canonicalJson)).size === items.length,
    error: { message: 'must NOT have duplicate items' },
  });
  return ajv;
}

/** The formats' own patterns run on the backtracking engine: on short text alone. */
function boundFormats(ajv: Ajv2020): void {
  formats.default(ajv);
  for (const name of Object.keys(ajv.formats)) {
    const format = ajv.formats[name];
    const test = testOf(format);
    if (test !== null) {
      ajv.addFormat(name, text => text.length <= FORMAT_CHARS_MAX && test(text));
    }
  }
  // No format of JSON Schema, and takes seconds for some texts.
  Reflect.deleteProperty(ajv.formats, 'url');
}

/** How a format tests text; null for those of numbers. */
function testOf(format: Ajv2020['formats'][string]): ((text: string) => boolean) | null {
  if (format instanceof RegExp) return text => format.test(text);
  if (typeof format === 'function') return format as (text: string) => boolean;
  if (typeof format !== 'object' || format.type === 'number' || format.async === true) return null;
  return testOf(format.validate as Ajv2020['formats'][string]);
}

/** Equality of JSON values by their canonical form: ajv's own calls methods that a payload may name. */
function addEquality(ajv: Ajv2020): void {
  ajv.removeKeyword('const');
  ajv.removeKeyword('enum');
  ajv.addKeyword({
    keyword: 'const',
    compile: (value: unknown) => {
      const expected = canonicalJson(value);
      return (payload: unknown) => canonicalJson(payload) === expected;
    },
    error: { message: 'must be equal to constant' },
  });
  ajv.addKeyword({
    keyword: 'enum',
    schemaType: 'array',
    compile: (values: readonly unknown[]) => {
      const expected = new Set(values.map(canonicalJson));
      return (payload: unknown) => expected.has(canonicalJson(payload));
    },
    error: { message: 'must be equal to one of the allowed values' },
  });
}

function linearRegExp() {
  const create = (pattern: string) => {
    const compiled = RE2JS.compile(RE2JS.translateRegExp(pattern));
    // Ajv tells patterns apart by their text.
    return { test: (text: string) => compiled.matcher(text).find(), toString: () => pattern };
  };
  // What ajv would write into generated modules, which are not used here.
  return Object.assign(create, { code: 'linearRegExp' });
}

function checkSchema(ajv: Ajv2020, schema: JsonObject): void {
  let isValid: unknown;
  try {
    isValid = ajv.validateSchema(schema);
  } catch (error) {
    throw invalid('/$schema', error instanceof Error ? error.message : String(error));
  }
  if (isValid === true) return;
  const [fault] = ajv.errors ?? [];
  throw invalid(fault?.instancePath ?? '', fault?.message ?? 'it is not a schema');
}

function compile(ajv: Ajv2020, schema: JsonObject): ValidateFunction {
  try {
    return ajv.compile(schema);
  } catch (error) {
    throw invalid('', error instanceof Error ? error.message : String(error));
  }
}

const SCHEMA_KEYWORDS = new Set([
  ...['additionalProperties', 'items', 'contains', 'not', 'if', 'then', 'else', 'propertyNames'],
  ...['unevaluatedItems', 'unevaluatedProperties', 'contentSchema'],
]);
const SCHEMA_LISTS = new Set(['allOf', 'anyOf', 'oneOf', 'prefixItems']);
const SCHEMA_MAPS = new Set([
  ...['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas'],
]);

/** The schema with a step put into each of its subschemas; their patterns are checked on the way. */
function counted(schema: Json, path: string): Json {
  if (!isJsonObject(schema)) return schema;
  const members = Object.entries(schema).map(([keyword, value]): [string, Json] => {
    const at = `${path}/${keyword}`;
    if (keyword === 'pattern') checkPattern(value, at);
    if (SCHEMA_KEYWORDS.has(keyword)) return [keyword, counted(value, at)];
    if (SCHEMA_LISTS.has(keyword) && Array.isArray(value)) {
      return [keyword, value.map((item: Json, i) => counted(item, `${at}/${i}`))];
    }
    if (SCHEMA_MAPS.has(keyword) && isJsonObject(value)) {
      return [keyword, countedMap(value, at, keyword === 'patternProperties')];
    }
    return [keyword, value];
  });
  return Object.fromEntries([...members, [STEP, true]]);
}

function countedMap(map: JsonObject, path: string, isByPattern: boolean): JsonObject {
  const members = Object.entries(map).map(([name, schema]): [string, Json] => {
    const at = `${path}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    if (isByPattern) checkPattern(name, at);
    return [name, counted(schema, at)];
  });
  return Object.fromEntries(members);
}

function checkPattern(pattern: Json, path: string): void {
  if (typeof pattern !== 'string') return;
  try {
    linearRegExp()(pattern);
  } catch {
    throw invalid(
      path,
      'the pattern is not one that runs in linear time (no look-around, no back-references)',
    );
  }
}

function invalid(path: string, fault: string): GatewayError {
  const place = path === '' ? 'The payloadSchema' : `The payloadSchema at ${path}`;
  return new GatewayError('BAD_USER_INPUT', `${place} is not usable: ${fault.slice(0, 300)}.`, {
    extensions: { pointer: `/payloadSchema${path}` },
  });
}

function problemsOf(errors: readonly ErrorObject[]): EventProblem[] {
  return errors.slice(0, PROBLEMS_MAX).map(({ instancePath, message, params }) => {
    const extra = (params as { additionalProperty?: string }).additionalProperty;
    return {
      severity: 'ERROR',
      code: 'SCHEMA_MISMATCH',
      message: `The payload ${message ?? 'does not fit its schema'}${extra === undefined ? '' : `: ${extra.slice(0, 100)}`}.`,
      pointer: `/payload${instancePath}`,
    };
  });
}

const TOO_COSTLY: EventProblem = {
  severity: 'ERROR',
  code: 'SCHEMA_TOO_COSTLY',
  message: 'Checking this payload takes more steps than an event may have: simplify the schema.',
  pointer: '/payload',
};
