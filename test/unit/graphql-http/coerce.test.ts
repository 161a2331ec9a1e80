import fc from 'fast-check';
import { coerceInputValue, isInputType, type GraphQLInputType } from 'graphql';
import { expect, test } from 'vitest';
import { coercerOf, NotCoercible } from '../../../src/graphql-http/executor/coerce.ts';
import { schema } from '../../../src/graphql/schema.ts';

function inputType(name: string): GraphQLInputType {
  const type = schema.getType(name);
  if (!isInputType(type)) throw new Error(`${name} is no input type`);
  return type;
}

/** What graphql-js makes of it; undefined where it has anything to say. */
function byReference(value: unknown, type: GraphQLInputType): unknown {
  let isRefused = false;
  const coerced = coerceInputValue(value, type, () => (isRefused = true));
  return isRefused ? undefined : coerced;
}

function prepared(value: unknown, type: GraphQLInputType): unknown {
  try {
    return coercerOf(type)(value);
  } catch (error) {
    if (error instanceof NotCoercible) return undefined;
    throw error;
  }
}

const text = fc.oneof(fc.string(), fc.constantFrom('2026-01-01T00:00:00Z', '9', 'true'));
const scalar = fc.oneof(text, fc.integer(), fc.double(), fc.boolean(), fc.constant(null));
const named = (value: fc.Arbitrary<unknown>) => fc.record({ name: text, value });
const property = fc.record(
  {
    boolean: named(fc.boolean()),
    date: named(text),
    integer: named(fc.integer()),
    long: named(text),
    string: fc.oneof(named(text), scalar),
  },
  { requiredKeys: [] },
);
const strange = { constructor: scalar, __proto__x: scalar, unknown: scalar };
const event = fc.record(
  {
    ...{ id: scalar, type: text, occurredAt: text, subject: scalar, notify: fc.boolean() },
    ...{ payload: fc.oneof(fc.dictionary(text, fc.jsonValue()), scalar) },
    ...{ properties: fc.oneof(fc.array(property, { maxLength: 3 }), property) },
    ...strange,
  },
  { requiredKeys: ['type'], noNullPrototype: true },
);
const plain = fc.record(
  { id: text, type: text, subject: fc.option(text), payload: fc.dictionary(text, fc.jsonValue()) },
  { requiredKeys: ['type'], noNullPrototype: true },
);
const input = fc.record(
  { workspace: scalar, events: fc.array(fc.oneof(plain, plain, event), { maxLength: 3 }) },
  { requiredKeys: ['events'] },
);

test('a prepared coercer returns what graphql-js returns, or leaves the value to it', () => {
  const type = inputType('RecordEventsInput');
  fc.assert(
    fc.property(input, given => {
      const value: unknown = JSON.parse(JSON.stringify(given));
      const coerced = prepared(value, type);
      const reference = byReference(value, type);
      if (coerced !== undefined) expect(coerced).toEqual(reference);
      if (reference === undefined) expect(coerced).toBeUndefined();
    }),
    { numRuns: 500 },
  );
});

test('a prepared coercer takes plain events, and no names of Object.prototype as fields', () => {
  const type = inputType('RecordEventsInput');
  const value = {
    events: [{ type: 't', payload: { a: [1] }, occurredAt: '2026-01-01T00:00:00Z' }],
  };
  expect(prepared(value, type)).toEqual({
    atomic: false,
    events: [{ type: 't', payload: { a: [1] }, occurredAt: new Date('2026-01-01T00:00:00Z') }],
  });
  expect(prepared(JSON.parse('{"events":[{"type":"t","__proto__":{}}]}'), type)).toBeUndefined();
  expect(prepared({ events: [{ type: 't', toString: 'x' }] }, type)).toBeUndefined();
  expect(prepared({ events: [{ type: 't', properties: [{}] }] }, type)).toBeUndefined();
});
