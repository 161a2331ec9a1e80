import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestGateway, type TestGateway } from '../kit/gateway.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway[Symbol.asyncDispose]());

const KEYS = 300_000;
const large = Object.fromEntries(Array.from({ length: KEYS }, (_, n) => [`k${n}`, n]));

/** Milliseconds until the answer, whose first error is returned as well. */
async function ask(query: string, value: unknown) {
  const startedMs = performance.now();
  const { errors } = await gateway.graphql(query, { v: value });
  return { ms: performance.now() - startedMs, message: String(errors?.[0]?.message) };
}

/** Takes any value, so it costs what reading such a body costs. */
const TAKEN = 'query ($v: JSON) { eventDefinition(name: "none") { payloadProblems: name } }';

test.for([
  ['an ID', 'query ($v: ID!) { node(id: $v) { id } }', large],
  ['a list of IDs', 'query ($v: [ID!]!) { nodes(ids: $v) { id } }', [large, large]],
  ['an Int', 'query ($v: Int) { events(first: $v) { totalCount } }', large],
  [
    'an input object',
    'query ($v: EventFilter) { events(filter: $v) { totalCount } }',
    { types: ['a'], ...large },
  ],
  [
    'a field of an input object',
    'query ($v: EventFilter) { events(filter: $v) { totalCount } }',
    { types: large },
  ],
])(
  'a large value in place of %s is refused in about the time that it takes to read',
  async ([, query, value]) => {
    // Something else may hold up the machine during one of the tries, but not during all of them.
    let isQuick = false;
    for (let tries = 0; tries < 5 && !isQuick; tries++) {
      const reading = await ask(TAKEN, value);
      const refused = await ask(query as string, value);
      expect(refused.message).toMatch(/got invalid value/);
      expect(refused.message.length).toBeLessThan(20_000);
      isQuick = refused.ms < 4 * reading.ms + 500;
    }
    expect(isQuick).toBe(true);
  },
);
