import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestGateway, type TestGateway } from '../kit/gateway.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway[Symbol.asyncDispose]());

async function aggregates<Node>(key: string, input: Record<string, unknown>, fields: string) {
  const data = await gateway.data<{
    eventAggregates: { nodes: Node[]; source: string; totalCount: number };
  }>(
    `query($input: EventAggregateInput!) {
      eventAggregates(input: $input, first: 100) { nodes { ${fields} } source totalCount }
    }`,
    { input },
    key,
  );
  return data.eventAggregates;
}

test('days are local, sums exact, and both come from rollups once they are folded', async () => {
  const { key } = await gateway.workspace();
  await gateway.data(
    `mutation {
      defineEvent(input: { name: "order", category: "shop", measures: ["total"] }) {
        definition { measures }
      }
    }`,
    {},
    key,
  );
  // The clocks of Vienna go forward in the night to 31 March 2024: that day has 23 hours.
  const times = [
    '2024-03-30T22:59:59.999Z',
    '2024-03-30T23:00:00Z',
    '2024-03-31T21:59:59.999Z',
    '2024-03-31T22:00:00Z',
  ];
  await gateway.data(
    `mutation($e: [EventInput!]!) { recordEvents(input: { events: $e }) { recordedCount } }`,
    {
      e: times.map((occurredAt, i) => ({
        type: 'order',
        occurredAt,
        payload: { total: 0.1 * (i + 1) },
      })),
    },
    key,
  );
  const input = {
    timeframe: { between: { from: '2024-03-01T00:00:00Z', to: '2024-05-01T00:00:00Z' } },
    granularity: 'DAY',
    timeZone: 'Europe/Vienna',
    groupBy: [{ dimension: 'CATEGORY' }],
    measures: [{ function: 'SUM', payloadPath: ['total'] }],
  };
  const fields = 'start end count group { key value } measures { function text }';
  const expected = [
    ['2024-03-29T23:00:00.000Z', '2024-03-30T23:00:00.000Z', 1, '0.1'],
    ['2024-03-30T23:00:00.000Z', '2024-03-31T22:00:00.000Z', 2, '0.5'],
    ['2024-03-31T22:00:00.000Z', '2024-04-01T22:00:00.000Z', 1, '0.4'],
  ].map(([start, end, count, text]) => ({
    ...{ start, end, count },
    group: [{ key: 'CATEGORY', value: 'shop' }],
    measures: [
      { function: 'SUM', text: expect.stringMatching(new RegExp(`^${text}0*`)) as string },
    ],
  }));
  // Exact before and after the fold.
  expect((await aggregates(key, input, fields)).nodes).toEqual(expected);
  await expect.poll(async () => (await aggregates(key, input, fields)).source).not.toBe('EVENTS');
  expect((await aggregates(key, input, fields)).nodes).toEqual(expected);
});

test('what rollups do not know is counted from the events', async () => {
  const { key } = await gateway.workspace();
  await gateway.data(
    `mutation($e: [EventInput!]!) { recordEvents(input: { events: $e }) { recordedCount } }`,
    {
      e: Array.from({ length: 20 }, (_, i) => ({
        ...{ type: 'visit', actor: `a-${i % 3}`, occurredAt: '2024-06-01T12:00:00Z' },
        payload: { page: `/p/${i % 2}`, ms: i },
      })),
    },
    key,
  );
  const { nodes, source } = await aggregates(
    key,
    {
      timeframe: { between: { from: '2024-06-01T00:00:00Z', to: '2024-06-02T00:00:00Z' } },
      groupBy: [{ payloadPath: ['page'] }],
      measures: [
        { function: 'UNIQUE', dimension: 'ACTOR' },
        { function: 'P50', payloadPath: ['ms'] },
        { function: 'AVG', payloadPath: ['ms'] },
      ],
    },
    'count group { value } measures { function value }',
  );
  expect(source).toBe('EVENTS');
  const measures = (median: number) => [
    { function: 'UNIQUE', value: 3 },
    { function: 'P50', value: median },
    { function: 'AVG', value: median },
  ];
  expect(nodes).toEqual([
    { count: 10, group: [{ value: '/p/0' }], measures: measures(9) },
    { count: 10, group: [{ value: '/p/1' }], measures: measures(10) },
  ]);
});

test('a timeframe without an end, or upside down, is refused', async () => {
  for (const between of [
    { from: '2024-01-01T00:00:00Z' },
    { from: '2024-02-01T00:00:00Z', to: '2024-01-01T00:00:00Z' },
  ]) {
    const { errors } = await gateway.graphql(
      'query($t: TimeframeInput!) { eventAggregates(workspace: "default", input: { timeframe: $t }) { totalCount } }',
      { t: { between } },
    );
    expect(errors?.[0]?.extensions['code']).toBe('BAD_USER_INPUT');
  }
});

test('a result beyond the range of a float has every digit in its text', async () => {
  const { key } = await gateway.workspace();
  await gateway.data(
    `mutation($e: [EventInput!]!) { recordEvents(input: { events: $e }) { recordedCount } }`,
    { e: [1, 2].map(() => ({ type: 'huge', payload: { a: 1.7e308, b: -1.7e308 } })) },
    key,
  );
  const measure = (name: string, path: string) => ({ function: name, payloadPath: [path] });
  const { nodes } = await aggregates<{ measures: { value: number | null; text: string }[] }>(
    key,
    {
      timeframe: { last: 'P1D' },
      measures: [
        measure('SUM', 'a'),
        measure('SUM', 'b'),
        measure('AVG', 'a'),
        measure('MIN', 'b'),
      ],
    },
    'measures { value text }',
  );
  const digits = (head: string) =>
    expect.stringMatching(new RegExp(`^${head}0{307}(\\.0+)?$`)) as string;
  expect(nodes).toEqual([
    {
      measures: [
        { value: null, text: digits('34') },
        { value: null, text: digits('-34') },
        { value: 1.7e308, text: digits('17') },
        { value: -1.7e308, text: digits('-17') },
      ],
    },
  ]);
});
