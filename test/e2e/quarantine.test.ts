import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestGateway, type TestGateway } from '../kit/gateway.ts';

let gateway: TestGateway;

beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway[Symbol.asyncDispose]());

const SCHEMA = {
  required: ['total'],
  properties: { total: { type: 'number', minimum: 0 }, currency: { enum: ['EUR', 'USD'] } },
};

/** A workspace that keeps aside what does not fit, with its key and what was sent to it. */
async function kept(...events: object[]): Promise<string> {
  const { key } = await gateway.workspace();
  await gateway.data(
    `mutation($schema: JSONObject, $events: [EventInput!]!) {
      defineEvent(input: { name: "order", payloadSchema: $schema, validation: QUARANTINE }) {
        definition { id }
      }
      recordEvents(input: { events: $events }) { quarantinedCount }
    }`,
    { schema: SCHEMA, events },
    key,
  );
  return key;
}

const order = (id: string, payload: object) => ({ type: 'order', id, payload });

interface Kept {
  readonly totalCount: number;
  readonly nodes: { id: string; event: { id: string } }[];
  readonly problems: object[];
}

async function quarantine(key: string, args = ''): Promise<Kept> {
  const { quarantinedEvents } = await gateway.data<{ quarantinedEvents: Kept }>(
    `{ quarantinedEvents(first: 1 ${args}) {
      totalCount nodes { id event } problems { type code pointer message count }
    } }`,
    {},
    key,
  );
  return quarantinedEvents;
}

describe('the quarantine', () => {
  test('counts its events, and by what is wrong with them, on all pages', async () => {
    const key = await kept(
      order('1', { total: -1, currency: 'CHF' }),
      order('2', { total: 1, currency: 'SEK' }),
      order('3', {}),
    );
    const one = { type: 'order', code: 'SCHEMA_MISMATCH' };
    const currency = {
      ...one,
      ...{ pointer: '/payload/currency', count: 2 },
      message: 'The payload must be one of ["EUR","USD"].',
    };
    const total = { ...one, pointer: '/payload/total', count: 1 };
    const all = await quarantine(key);
    expect(all).toMatchObject({
      totalCount: 3,
      problems: [currency, { ...one, pointer: '/payload', count: 1 }, total],
    });
    expect(all.nodes).toHaveLength(1);

    const some = await quarantine(key, 'code: "SCHEMA_MISMATCH", pointer: "/payload/currency"');
    expect(some).toMatchObject({
      totalCount: 2,
      nodes: [{ event: { id: '2' } }],
      problems: [currency],
    });
    expect(some.problems).toHaveLength(1);
    for (const args of ['code: "X"', 'pointer: "/payload/x"', 'type: "x"', 'code: "\\u0000"']) {
      expect(await quarantine(key, args)).toEqual({ totalCount: 0, nodes: [], problems: [] });
    }
  });

  test('records a corrected event once it fits, with every digit, and keeps it until then', async () => {
    const key = await kept(order('1', { total: -1, note: 'gone' }));
    const { nodes } = await quarantine(key);
    const resubmit = async (correction: string, ids = nodes.map(({ id }) => id)) =>
      gateway.graphql<{ resubmitQuarantinedEvents: { receipts: { status: string }[] } }>(
        `mutation($ids: [ID!]!) {
          resubmitQuarantinedEvents(input: { ids: $ids, ${correction} }) { receipts { status } }
        }`,
        { ids },
        key,
      );
    const refused = await resubmit('payload: { total: -2 }');
    expect(refused.data?.resubmitQuarantinedEvents.receipts).toEqual([{ status: 'REJECTED' }]);
    expect((await quarantine(key)).totalCount).toBe(1);

    const id = nodes[0]?.id ?? '';
    const two = await resubmit('payload: {}', [id, id.replace(/.$/, 'A')]);
    expect(two.errors?.[0]?.extensions['code']).toBe('BAD_USER_INPUT');

    const recorded = await resubmit('payload: { total: 0, n: 9007199254740993 }');
    expect(recorded.data?.resubmitQuarantinedEvents.receipts).toEqual([{ status: 'RECORDED' }]);
    const found = await gateway.data(
      '{ event(eventId: "1") { type payload } quarantinedEvents { totalCount } }',
      {},
      key,
    );
    expect(found).toEqual({
      event: { type: 'order', payload: { total: 0, n: '9007199254740993' } },
      quarantinedEvents: { totalCount: 0 },
    });
  });
});
