import { describe, expect, test } from 'vitest';
import { examplePayload } from '../../../src/console/pages/definitions/example.ts';
import { inferSchema } from '../../../src/console/pages/definitions/infer-schema.ts';
import { placeOf, readJson } from '../../../src/console/pages/definitions/json-text.ts';
import { samplesOf } from '../../../src/console/pages/definitions/samples.ts';
import type { JsonObject } from '../../../src/core/json.ts';
import { actionTypes, isAction } from '../../../src/doors/authentik/actions.ts';
import { INTERACTION_TYPES } from '../../../src/doors/speakeasy/wire.ts';
import { compileSchema } from '../../../src/json-schema/schema.ts';
import { WorkBudget } from '../../../src/json-schema/work-budget.ts';

describe('JSON that somebody types', () => {
  test.for([
    ['{\n  "a": 1\n  "b": 2\n}', 3, 3, ', or }'],
    ['{"a" 1}', 1, 6, ':'],
    ['{a: 1}', 1, 2, 'a name in "quotes"'],
    ['{"a": 1,}', 1, 9, 'a name in "quotes"'],
    ['[1, 2', 1, 6, ', or ]'],
    ['{\n  "a": tru\n}', 2, 8, 'a value'],
    ['{"a": 01}', 1, 8, ', or }'],
    ['{"a": "one\ntwo"}', 1, 7, 'a text on one line that ends with "'],
    ['{} {}', 1, 4, 'the end'],
    ['', 1, 1, 'a value'],
  ] as const)('%j breaks off at line %i, column %i', ([text, line, column, expected]) => {
    expect(readJson(text).fault).toMatchObject({ line, column, expected });
  });

  test('tells where the value of a pointer stands, or what is around it', () => {
    const text = '{\n  "a/b": { "~": [10, 20] },\n  "c": null\n}';
    const at = (pointer: string) => text.slice(placeOf(text, pointer).at).split(/[,\s\]]/)[0];
    expect(at('/a~1b/~0/1')).toBe('20');
    expect(at('/c')).toBe('null');
    expect(at('/c/d/e')).toBe('null');
    expect(placeOf(text, '/nothing').at).toBe(0);
  });
});

test.for([
  { required: ['total'], properties: { total: { type: 'number', exclusiveMinimum: 5 } } },
  { properties: { id: { format: 'uuid', type: 'string' }, at: { format: 'date-time' } } },
  { properties: { plan: { enum: ['free'] }, list: { items: { type: 'integer' }, minItems: 1 } } },
  {
    $defs: { n: { type: 'integer', multipleOf: 4, minimum: 9 } },
    properties: { n: { $ref: '#/$defs/n' } },
  },
  { allOf: [{ required: ['a'] }, { properties: { b: { const: null } } }] },
  { oneOf: [{ required: ['a'], properties: { a: { type: 'boolean' } } }, { required: ['c'] }] },
  { properties: { text: { type: 'string', minLength: 12, maxLength: 14 } } },
  { type: 'object', properties: { self: { $ref: '#' } } },
] as const satisfies JsonObject[])('a payload made from %j fits it', schema => {
  const unmetered = new WorkBudget(Infinity, Infinity);
  const { mismatches } = compileSchema(schema as JsonObject, unmetered);
  expect(mismatches(JSON.stringify(examplePayload(schema)), unmetered)).toEqual([]);
});

test.for([
  [[{}]],
  [[{ a: 1 }, { a: 1.5, b: [1, 'x', null] }, { a: -2, c: { d: true } }]],
  [[{ a: null }, { a: [] }, { a: { b: '2026-01-31' } }, { a: 'text' }]],
  [[{ at: '2026-01-31T12:00:00Z', id: '0d4f1a62-5c1f-4c39-8a4f-6a7a1d3f9c11' }]],
  [Array.from({ length: 20 }, (_, n) => ({ plan: n % 2 ? 'free' : 'pro', note: `note ${n}` }))],
  [Array.from({ length: 80 }, (_, n) => ({ [`key ${n}`]: n }))],
  [[JSON.parse('{"__proto__": 1}')]],
] as const)('a schema that is proposed from %j is fitted by each of them', ([payloads]) => {
  const unmetered = new WorkBudget(Infinity, Infinity);
  const { mismatches } = compileSchema(inferSchema(payloads) as JsonObject, unmetered);
  for (const payload of payloads) {
    expect(mismatches(JSON.stringify(payload), unmetered)).toEqual([]);
  }
});

test('a proposed schema says what is always there, what is one of a few, and what is none', () => {
  const payloads = Array.from({ length: 20 }, (_, n) => ({
    ...{ plan: n % 2 ? 'free' : 'pro', note: `note ${n}` },
    ...(n === 0 ? {} : { total: n / 2 }),
  }));
  expect(inferSchema(payloads)).toEqual({
    type: 'object',
    required: ['plan', 'note'],
    properties: {
      plan: { type: 'string', enum: ['free', 'pro'] },
      note: { type: 'string' },
      total: { type: 'number', minimum: 0 },
    },
  });
});

describe('samples of doors that take some types alone', () => {
  const hasSample = (door: string, type: string) =>
    samplesOf({ origin: 'http://a', workspace: 'w', type, payload: {}, at: new Date(0) }).find(
      ({ id }) => id === door,
    )?.code !== null;

  test('are there for every type that the door takes, and for no other', () => {
    const actions = [...actionTypes().map(({ component }) => component), 'custom_door'];
    const types = [...INTERACTION_TYPES, ...actions, 'user.signup', 'order'];
    expect(types.filter(type => hasSample('authentik', type))).toEqual(types.filter(isAction));
    expect(types.filter(type => hasSample('speakeasy', type))).toEqual([...INTERACTION_TYPES]);
  });
});
