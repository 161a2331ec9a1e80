import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { startEdge, type LogLine } from '../graphql-http/kit/edge.ts';

const edge = await startEdge();
afterAll(() => edge[Symbol.asyncDispose]());
beforeEach(() => {
  (edge.log as LogLine[]).length = 0;
});

test.for(['{ boom }', '{ boomHard }'])(
  'an unexpected error in %s is masked and logged',
  async query => {
    const answer = await edge.post({ query }, { 'x-request-id': 'my-request-1' });
    expect(answer.codes).toEqual(['INTERNAL_SERVER_ERROR']);
    expect(answer.text).not.toMatch(/secret|postgres:|\/srv|stack/);
    expect(answer.json.errors?.[0]?.message).toContain('my-request-1');
    expect(answer.headers.get('x-request-id')).toBe('my-request-1');
    expect(edge.log).toHaveLength(1);
    expect(edge.log[0]).toMatchObject({ level: 'error', fields: { requestId: 'my-request-1' } });
    expect(String((edge.log[0]?.fields as { err: Error }).err)).toContain('secret');
  },
);

test('a value that a field may not have is our fault, not the caller’s', async () => {
  expect((await edge.post({ query: '{ bigint }' })).codes).toEqual(['INTERNAL_SERVER_ERROR']);
});

describe('the status', () => {
  test.for([
    ['partial data', '{ hello boom }', 200],
    ['nothing but a refusal', '{ denied }', 200],
    ['no data', '{ boomHard }', 500],
    ['no data for a conflict', '{ taken }', 409],
    ['nothing for want of the database', '{ away }', 503],
    ['no data for want of the database', '{ awayHard }', 503],
    ['something in spite of it', '{ hello away }', 200],
  ] as const)('of %s is that of %s → %i', async ([, query, status]) => {
    for (const accept of ['application/json', 'application/graphql-response+json']) {
      const answer = await edge.post({ query }, { accept });
      expect(answer.status).toBe(status);
      expect(answer.headers.get('retry-after')).toBe(status === 503 ? '1' : null);
      expect(answer.headers.get('content-type')).toBe(`${accept}; charset=utf-8`);
    }
  });

  test('is not in the way of the facts an error carries', async () => {
    const answer = await edge.post({ query: '{ taken }' });
    expect(answer.json.errors?.[0]).toMatchObject({
      message: 'Taken.',
      path: ['taken'],
      extensions: { code: 'CONFLICT', by: 7 },
    });
  });

  test('of a database that is away is logged with its cause, which nobody else sees', async () => {
    const answer = await edge.post({ query: '{ away }' });
    expect(answer.text).not.toContain('5432');
    expect(String((edge.log[0]?.fields as { err: Error }).err)).toContain('5432');
  });
});

describe('a message', () => {
  const huge = 'v'.repeat(100_000);
  test.for([
    { query: 'query ($v: Int) { thing(size: $v) { id } }', variables: { v: huge } },
    {
      query: 'query ($v: ThingInput) { thing(input: $v) { id } }',
      variables: { v: { name: 'a', size: huge } },
    },
    { query: 'query ($v: Even) { thing(even: $v) { id } }', variables: { v: huge } },
    { query: `{ thing(size: "${'v'.repeat(5_000)}") { id } }` },
    { query: `{ ${'v'.repeat(5_000)} }` },
    { query: `{ hello "${'v'.repeat(5_000)}" }` },
    { query: '{ hello }', [huge]: 1 },
  ])('never echoes a whole value: %#', async body => {
    const answer = await edge.post(body);
    expect(answer.codes).toHaveLength(1);
    expect(answer.text.length).toBeLessThan(700);
    expect(answer.text).not.toContain('v'.repeat(100));
  });

  test('says which variable was at fault and why', async () => {
    const query = 'query ($v: ThingInput) { thing(input: $v) { id } }';
    const { json } = await edge.post({ query, variables: { v: { name: 'a', size: 'b' } } });
    expect(json.errors?.[0]?.message).toMatch(/"\$v".*"v\.size".*Int cannot represent/);
  });

  test.for([
    { query: '{ thing(input: { name: "a", nmae: "b" }) { id } }' },
    {
      query: 'query ($v: ThingInput) { thing(input: $v) { id } }',
      variables: { v: { name: 'a', nmae: huge } },
    },
  ])('says what a mistyped field of an input may mean: %#', async body => {
    const answer = await edge.post(body);
    expect(answer.codes).toEqual(['BAD_USER_INPUT']);
    expect(answer.json.errors?.[0]?.message).toMatch(
      /Field "nmae" is not defined by type "ThingInput"\. Did you mean "name"\?$/,
    );
  });

  test.for([
    '{ helo }',
    '{ thing(sise: 1) { id } }',
    '{ thing(color: REDD) { id } }',
    '{ thing { nam } }',
  ])('suggests nothing: %s', async query => {
    const answer = await edge.post({ query });
    expect(answer.codes).toHaveLength(1);
    expect(answer.text).not.toMatch(/Did you mean|\bhello\b|"size"|RED\b|"name"/);
  });
});

test('a fault has the same code each time, whoever asks first and however', async () => {
  for (const query of ['{ again', '{ again }']) {
    const ask = () => edge.post({ query }, { accept: 'application/graphql-response+json' });
    const first = await ask();
    const second = await ask();
    expect(second.json).toEqual(first.json);
    expect(second.status).toBe(400);
  }
});
