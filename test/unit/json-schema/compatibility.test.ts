import { expect, test } from 'vitest';
import type { Json, JsonObject } from '../../../src/core/json.ts';
import { narrowings } from '../../../src/json-schema/compatibility.ts';
import { Evaluator } from '../../../src/json-schema/evaluate.ts';
import { seeded } from '../../kit/random.ts';

const NAMES = { from: 'the present schema', to: 'the new schema' };
const found = (from: Json, to: Json) =>
  narrowings(from, to, NAMES).map(
    ({ pointer, isCertain }) => `${pointer} ${isCertain ? 'broken' : 'unsure'}`,
  );

const OPEN = { type: 'object', properties: { total: { type: 'number' } } };

test.each<[string, Json, Json, string[]]>([
  ['the same', OPEN, OPEN, []],
  ['a required property', OPEN, { ...OPEN, required: ['total'] }, ['/required broken']],
  ['no longer required', { ...OPEN, required: ['total'] }, OPEN, []],
  ['a narrower type', { type: ['string', 'null'] }, { type: 'string' }, ['/type broken']],
  ['integers of numbers', { type: 'number' }, { type: 'integer' }, ['/type broken']],
  ['numbers of integers', { type: 'integer' }, { type: 'number' }, []],
  ['fewer values', { enum: ['a', 'b'] }, { enum: ['a'] }, ['/enum broken']],
  ['more values', { enum: ['a'] }, { enum: ['a', 'b'] }, []],
  ['a tighter bound', { minimum: 1 }, { minimum: 2 }, ['/minimum broken']],
  ['an exclusive bound', { maximum: 2 }, { exclusiveMaximum: 2 }, ['/exclusiveMaximum broken']],
  ['a looser bound', { minimum: 2 }, { minimum: 1 }, []],
  ['a bound that does not matter', { type: 'string' }, { type: 'string', minimum: 3 }, []],
  ['a shorter text', { maxLength: 9 }, { maxLength: 8 }, ['/maxLength broken']],
  ['another pattern', { pattern: '^a' }, { pattern: '^ab' }, ['/pattern unsure']],
  [
    'a closed object',
    OPEN,
    { ...OPEN, additionalProperties: false },
    ['/additionalProperties broken'],
  ],
  [
    'a property less of a closed object',
    { ...OPEN, additionalProperties: false },
    { type: 'object', additionalProperties: false },
    ['/additionalProperties broken'],
  ],
  [
    'a new property of an open object, which may have had any value',
    OPEN,
    { type: 'object', properties: { ...OPEN.properties, at: { type: 'string' } } },
    ['/properties/at unsure'],
  ],
  [
    'a new property of a closed object',
    { ...OPEN, additionalProperties: false },
    {
      type: 'object',
      properties: { ...OPEN.properties, at: { type: 'string' } },
      additionalProperties: false,
    },
    [],
  ],
  [
    'through a reference',
    { properties: { a: { $ref: '#/$defs/a' } }, $defs: { a: { type: ['string', 'null'] } } },
    { properties: { a: { $ref: '#/$defs/a' } }, $defs: { a: { type: 'string' } } },
    ['/properties/a/type broken'],
  ],
  ['what combines schemas', { type: 'string' }, { not: { const: 'x' } }, ['/not unsure']],
  ['any schema beside none', true, OPEN, ['/type broken', '/properties/total unsure']],
  ['none beside any schema', OPEN, true, []],
])('%s', (_name, from, to, expected) => {
  expect(found(from, to)).toEqual(expected);
});

function anySchema(random: () => number, depth: number): Json {
  const pick = <T>(of: readonly T[]) => of[Math.floor(random() * of.length)] as T;
  const inner = () =>
    depth === 0 ? pick<Json>([true, {}, { type: 'integer' }]) : anySchema(random, depth - 1);
  const names = ['a', 'b', 'c'];
  const some = () => names.filter(() => random() < 0.4);
  const keywords: Record<string, () => Json> = {
    type: () =>
      pick<Json>([
        'integer',
        'number',
        'string',
        'object',
        ['string', 'null'],
        ['object', 'array'],
      ]),
    enum: () => [0, 1, 2, 'a', 'bb', null].filter(() => random() < 0.5),
    const: () => pick<Json>([1, 'a', null]),
    minimum: () => pick([0, 1, 2]),
    exclusiveMinimum: () => pick([0, 1, 2]),
    maximum: () => pick([1, 2, 3]),
    multipleOf: () => pick([0.5, 1, 2]),
    minLength: () => pick([0, 1, 2]),
    maxLength: () => pick([1, 2, 3]),
    pattern: () => pick(['^a', 'b', '']),
    uniqueItems: () => random() < 0.5,
    minItems: () => pick([0, 1, 2]),
    items: inner,
    prefixItems: () => [inner(), inner()],
    contains: inner,
    minContains: () => pick([0, 1, 2]),
    required: some,
    minProperties: () => pick([0, 1, 2]),
    properties: () => Object.fromEntries(some().map(name => [name, inner()])),
    patternProperties: () => ({ [pick(['^a', '^b'])]: inner() }),
    additionalProperties: () => pick<Json>([true, false, inner()]),
    propertyNames: () => ({ maxLength: pick([1, 2]) }),
    unevaluatedProperties: () => false,
    dependentRequired: () => ({ a: some() }),
    allOf: () => [inner(), inner()],
    anyOf: () => [inner(), inner()],
    not: inner,
    if: inner,
    then: inner,
    else: inner,
  };
  const chosen = Object.keys(keywords).filter(() => random() < 0.12);
  return Object.fromEntries(chosen.map(name => [name, (keywords[name] as () => Json)()]));
}

/** Mostly a small change of it: two schemas of chance rarely have anything to do with each other. */
function changed(random: () => number, schema: JsonObject): JsonObject {
  const other = anySchema(random, 2) as JsonObject;
  const kept = Object.entries(schema).filter(() => random() < 0.8);
  const added = Object.entries(other).filter(() => random() < 0.4);
  return Object.fromEntries([...kept, ...added]);
}

const SCALARS: Json[] = [null, true, 0, 0.5, 1, 2, 3, 'a', 'bb', 'ab', ''];
const VALUES: Json[] = [
  ...SCALARS,
  [],
  ...SCALARS.map(each => [each]),
  ...[[1, 2], [1, 1], ['a', 1, null], [{}]],
  {},
  ...['a', 'b', 'c', 'ab', 'zz'].flatMap(name => SCALARS.map(each => ({ [name]: each }))),
  ...[{ a: 1, b: 2 }, { a: 1, b: 'a', c: null }, { a: { b: 1 } }, { b: [1] }, { a: 1, zz: 1 }],
];

test('nothing is called compatible that refuses a value of before', () => {
  const evaluator = new Evaluator({ compileUnits: 1e7, checkUnits: 1e7, ms: 5_000 });
  const random = seeded(19);
  let [compatible, narrower] = [0, 0];
  for (let round = 0; round < 3_000; round++) {
    const from = anySchema(random, 2) as JsonObject;
    const to = changed(random, from);
    const fits = (schema: JsonObject, value: Json) => {
      const answer = evaluator.evaluate(JSON.stringify(schema), JSON.stringify(value));
      return answer.kind === 'CHECKED' && answer.mismatches.length === 0;
    };
    const findings = narrowings(from, to, NAMES);
    const lost = VALUES.filter(value => fits(from, value) && !fits(to, value));
    if (findings.length === 0) compatible += 1;
    if (lost.length > 0) narrower += 1;
    if (findings.length === 0) {
      expect(lost, `from ${JSON.stringify(from)} to ${JSON.stringify(to)}`).toEqual([]);
    }
  }
  // Both happen often enough to show something.
  expect(compatible).toBeGreaterThan(300);
  expect(narrower).toBeGreaterThan(300);
});
