import { describe, expect, test } from 'vitest';
import { encodeId } from '../../../src/graphql/global-id.ts';
import { AT, createApi, event, key } from './kit.ts';

const WRITER = key(1, 'EVENTS_WRITE', 'EVENTS_READ');
const RECORD = 'mutation ($input: RecordEventsInput!) { recordEvents(input: $input) ';

describe('recordEvents', () => {
  test('answers one receipt for each event, in the order given, and counts them', async () => {
    const statuses = ['RECORDED', 'DUPLICATE', 'CONFLICT', 'QUARANTINED', 'REJECTED'] as const;
    const { run } = createApi({ receipt: (_input, at) => ({ status: statuses[at % 5]! }) });
    const events = Array.from({ length: 6 }, (_, at) => ({ type: 't', id: `e${at}` }));
    const { data } = await run(
      `${RECORD} { recordedCount duplicateCount conflictCount quarantinedCount rejectedCount
         receipts { index status eventId } } }`,
      WRITER,
      { input: { events } },
    );
    expect(data!['recordEvents']).toEqual({
      ...{ recordedCount: 2, duplicateCount: 1, conflictCount: 1, quarantinedCount: 1 },
      rejectedCount: 1,
      receipts: events.map(({ id }, index) => ({
        index,
        status: statuses[index % 5],
        eventId: id,
      })),
    });
  });

  test('hands events on as they came: absent stays absent, instants are instants', async () => {
    const { run, recorded } = createApi();
    const at = '2026-01-01T01:00:00+01:00';
    const plain = { type: 't', occurredAt: at, payload: { a: [1, { b: null }] }, notify: true };
    const typed = { type: 't', properties: [{ long: { name: 'n', value: '5' } }] };
    const { errors } = await run(`${RECORD} { recordedCount } }`, WRITER, {
      input: { events: [plain, typed, { type: 't', properties: null }] },
    });
    expect(errors).toBeUndefined();
    expect({ ...recorded[0] }).toEqual({ ...plain, occurredAt: new Date(at) });
    expect(recorded[1]!.properties).toEqual([{ name: 'n', type: 'LONG', values: ['5'] }]);
    expect(recorded[2]!.properties).toBeUndefined();
  });

  test.each([
    [0, 'BAD_USER_INPUT'],
    [10_001, 'PAYLOAD_TOO_LARGE'],
  ])('refuses %d events with %s', async (count, code) => {
    const { run, recorded } = createApi();
    const { errors } = await run(`${RECORD} { recordedCount } }`, WRITER, {
      input: { events: Array.from({ length: count }, () => ({ type: 't' })) },
    });
    expect(errors?.[0]?.originalError).toMatchObject({ code });
    expect(errors?.[0]?.message).toContain(`expects 1 to 10,000 events, but got ${count}`);
    expect(recorded).toEqual([]);
  });

  test.each([
    [{ type: 't', properties: [{}] }],
    [
      {
        type: 't',
        properties: [{ long: { name: 'a', value: '1' }, string: { name: 'b', value: '' } }],
      },
    ],
    [{ type: 't', properties: [{ long: null }] }],
    [{ type: 't', unknown: 1 }],
    [{}],
  ])('refuses the malformed %j before anything is recorded', async malformed => {
    const { run, recorded } = createApi();
    const { errors } = await run(`${RECORD} { recordedCount } }`, WRITER, {
      input: { events: [malformed] },
    });
    expect(errors).toHaveLength(1);
    expect(recorded).toEqual([]);
  });

  test('shows a receipt’s stored event, all of a batch with one look-up', async () => {
    const { run, calls } = createApi({
      events: [event(1), event(2)],
      receipt: (_input, at) =>
        at === 2 ? { status: 'REJECTED', position: null, recordedAt: null } : {},
    });
    const { data } = await run(
      `${RECORD} { receipts { position cursor event { position cursor } } } }`,
      WRITER,
      { input: { events: [{ type: 't' }, { type: 't' }, { type: 't' }] } },
    );
    const { receipts } = data!['recordEvents'] as unknown as {
      receipts: { event: object | null }[];
    };
    expect(receipts[1]).toMatchObject({ position: 2, event: { position: 2 } });
    expect(receipts[2]).toEqual({ position: null, cursor: null, event: null });
    expect(calls.filter(call => call === 'events.byPlaces')).toHaveLength(1);
  });
});

describe('what was kept aside', () => {
  const uuid = (n: number) => `0197a000-0000-7000-8000-00000000000${n}`;
  const ids = [1, 2].map(n => encodeId('QuarantinedEvent', 1, uuid(n)));

  test('is submitted again with one receipt for each id', async () => {
    const { data } = await createApi().run(
      'mutation ($ids: [ID!]!) { resubmitQuarantinedEvents(input: { ids: $ids }) { receipts { index eventId status } } }',
      WRITER,
      { ids: [...ids, ids[0]] },
    );
    expect(data!['resubmitQuarantinedEvents']).toEqual({
      receipts: [1, 2].map((n, index) => ({ index, eventId: uuid(n), status: 'RECORDED' })),
    });
  });

  test('shows as it came', async () => {
    const { data } = await createApi().run(
      'query ($id: ID!) { node(id: $id) { ... on QuarantinedEvent { receivedAt event } } }',
      WRITER,
      { id: ids[0] },
    );
    expect(data!['node']).toEqual({
      receivedAt: AT.toISOString(),
      event: { type: 't', n: '9007199254740993' },
    });
  });

  test.each([[[]], [['x']], [[encodeId('Workspace', 1)]]])('refuses the ids %j', async given => {
    const { errors } = await createApi().run(
      'mutation ($ids: [ID!]!) { discardQuarantinedEvents(input: { ids: $ids }) { discardedCount } }',
      key(1, 'ADMIN'),
      { ids: given },
    );
    expect(errors?.[0]?.originalError).toMatchObject({ code: 'BAD_USER_INPUT' });
  });
});
