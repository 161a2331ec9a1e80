import { afterAll, beforeAll, expect, test } from 'vitest';
import { LIMITS } from '../../src/core/limits.ts';
import { ADMIN_KEY, startTestGateway, type TestGateway } from '../kit/gateway.ts';

let gateway: TestGateway;
beforeAll(async () => {
  // Planned once for each searched word, the statement took half a minute on a quiet machine.
  gateway = await startTestGateway({ config: { readTimeoutMs: 15_000 } });
});
afterAll(() => gateway[Symbol.asyncDispose]());

/** As many words as fit, none of them twice. */
const WORDS = Array.from({ length: LIMITS.searchCharsMax / 2 }, (_, at) =>
  String.fromCodePoint(0x4e00 + at),
);

test('a filter as full of searched words as may be is answered as any other', async () => {
  const { slug, key } = await gateway.workspace();
  await gateway.data(
    `mutation($workspace: String!, $all: JSONObject!) {
      recordEvents(input: { workspace: $workspace, events: [
        { id: "all", type: "said", payload: $all }, { id: "none", type: "said" }
      ] }) { recordedCount }
    }`,
    { workspace: slug, all: { words: WORDS.join('') } },
    key,
  );
  const or = Array.from({ length: LIMITS.filterNodesMax - 1 }, (_, at) => ({
    search: [...WORDS.slice(at % WORDS.length), ...WORDS.slice(0, at % WORDS.length)].join(' '),
  }));
  const query = `query($workspace: String!, $filter: EventFilter!, $none: EventFilter!) {
    some: events(workspace: $workspace, filter: $filter) { totalCount nodes { eventId } }
    others: events(workspace: $workspace, filter: { not: $filter }) { nodes { eventId } }
    none: events(workspace: $workspace, filter: $none) { nodes { eventId } }
  }`;
  const none = { search: [...WORDS.slice(1), '龥'].join(' ') };
  expect(
    await gateway.data(query, { workspace: slug, filter: { or: or.slice(1) }, none }, key),
  ).toEqual({
    some: { totalCount: 1, nodes: [{ eventId: 'all' }] },
    others: { nodes: [{ eventId: 'none' }] },
    none: { nodes: [] },
  });
});

test('a stream searches for no more words than a filter may have conditions', async () => {
  const words = (count: number) =>
    Array.from({ length: count / 50 }, () => ({ not: { search: WORDS.slice(0, 50).join(' ') } }));
  expect(await firstOf({ or: words(LIMITS.filterNodesMax) })).toContain('CAUGHT_UP');
  const refusal = await firstOf({ or: words(LIMITS.filterNodesMax), search: 'more' });
  expect(refusal).toContain('at most 200 search words in all, but got 201');
  expect(refusal).toContain('BAD_USER_INPUT');
});

/** What a stream says first, of deliveries and errors. */
async function firstOf(filter: object): Promise<string> {
  const query =
    'subscription($filter: EventFilter) { events(workspace: "default", filter: $filter, start: NOW) { kind } }';
  const left = new AbortController();
  const { body } = await fetch(`${gateway.url}/graphql`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'text/event-stream',
      authorization: `Bearer ${ADMIN_KEY}`,
    },
    body: JSON.stringify({ query, variables: { filter } }),
    signal: left.signal,
  });
  let said = '';
  for await (const text of body!.pipeThrough(new TextDecoderStream())) {
    said += text;
    if (said.includes('data: {')) break;
  }
  left.abort();
  return said;
}
