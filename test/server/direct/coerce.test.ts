import fc from 'fast-check';
import { coerceInputValue, isInputType, parse, type GraphQLInputType } from 'graphql';
import { expect, test } from 'vitest';
import { schema } from '../../../src/graphql/schema.ts';
import { coercerOf, NotDirect } from '../../../src/server/direct/coerce.ts';
import { planOf } from '../../../src/server/direct/plan.ts';

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

function direct(value: unknown, type: GraphQLInputType): unknown {
  try {
    return coercerOf(type)(value);
  } catch (error) {
    if (error instanceof NotDirect) return undefined;
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

test('what is coerced directly is what graphql-js makes of it, and faults are left to it', () => {
  const type = inputType('RecordEventsInput');
  fc.assert(
    fc.property(input, given => {
      const value: unknown = JSON.parse(JSON.stringify(given));
      const coerced = direct(value, type);
      const reference = byReference(value, type);
      if (coerced !== undefined) expect(coerced).toEqual(reference);
      if (reference === undefined) expect(coerced).toBeUndefined();
    }),
    { numRuns: 500 },
  );
});

test('plain events are coerced directly, and names of Object.prototype are no fields', () => {
  const type = inputType('RecordEventsInput');
  const value = {
    events: [{ type: 't', payload: { a: [1] }, occurredAt: '2026-01-01T00:00:00Z' }],
  };
  expect(direct(value, type)).toEqual({
    atomic: false,
    events: [{ type: 't', payload: { a: [1] }, occurredAt: new Date('2026-01-01T00:00:00Z') }],
  });
  expect(direct(JSON.parse('{"events":[{"type":"t","__proto__":{}}]}'), type)).toBeUndefined();
  expect(direct({ events: [{ type: 't', toString: 'x' }] }, type)).toBeUndefined();
  expect(direct({ events: [{ type: 't', properties: [{}] }] }, type)).toBeUndefined();
});

const SELECTION = '{ recordedCount receipts { index status problems { code } } }';

test.each([
  `mutation ($input: RecordEventsInput!) { recordEvents(input: $input) ${SELECTION} }`,
  `mutation Named($e: [EventInput!]!) { made: recordEvents(input: { events: $e }) ${SELECTION} }`,
  `mutation ($w: String, $e: [EventInput!]!, $atomic: Boolean!) {
     recordEvents(input: { workspace: $w, events: $e, atomic: $atomic }) { recordedCount } }`,
  `mutation ($e: EventInput!) {
     recordEvent(input: { workspace: "w", event: $e }) { receipt { eventId cursor position } } }`,
  `mutation ($t: String!) { recordEvent(input: { event: { type: $t } }) { receipt { status } } }`,
  `{ events { nodes { id payload } liveCursor } }`,
  `query ($t: [String!], $n: Int!, $a: String) {
     events(filter: { types: $t, not: { notify: true } }, first: $n, after: $a) {
       edges { cursor node { ...E } } pageInfo { hasNextPage endCursor } __typename } }
   fragment E on Event { eventId ... on Event { door } }`,
])('this goes the short way: %s', source => {
  expect(planOf(schema, parse(source), 1_000_000)).not.toBeNull();
});

test.each([
  `query { viewer { id } }`,
  `mutation ($e: [EventInput!]!) { recordEvents(input: { events: $e }) { recordedCount }
     again: recordEvents(input: { events: $e }) { recordedCount } }`,
  `mutation ($e: EventInput!) { recordEvent(input: { event: $e }) { receipt { event { id } } } }`,
  `mutation ($e: EventInput!) { recordEvent(input: { event: $e }) { receipt { ...R } } }
     fragment R on EventReceipt { status }`,
  `mutation ($e: EventInput!, $s: Boolean!) {
     recordEvent(input: { event: $e }) { receipt { status @skip(if: $s) } } }`,
  `mutation ($e: EventInput = { type: "t" }) { recordEvent(input: { event: $e }) { __typename } }`,
  `mutation ($e: EventInput!) { recordEvent(input: { event: $e }) { receipt { status status } } }`,
  `mutation ($e: EventInput!) { recordEvents(input: { events: [$e] }) { recordedCount } }`,
  `mutation { recordEvent(input: { event: { type: "t", payload: { a: 1 } } }) { __typename } }`,
  `{ events { nodes { type } totalCount } }`,
  `{ events { nodes { properties { name } } } }`,
  `{ events { nodes { ... on Node { id } } } }`,
  `query ($s: Boolean!) { events { nodes { type @skip(if: $s) } } }`,
  `query ($n: Int = 5) { events(first: $n) { nodes { type } } }`,
  `{ events { nodes { type } } viewer { __typename } }`,
  `mutation ($s: String!) { createWorkspace(input: { slug: $s }) { workspace { slug } } }`,
])('this goes the long way: %s', source => {
  expect(planOf(schema, parse(source), 1_000_000)).toBeNull();
});
