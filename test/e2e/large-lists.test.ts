/** Lists whose rows are large give pages that fit an answer, and the rest on the next ones. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestGateway, type TestGateway } from '../kit/gateway.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway[Symbol.asyncDispose]());

interface Page {
  readonly nodes: readonly { readonly key: string }[];
  readonly pageInfo: {
    readonly hasNextPage: boolean;
    readonly hasPreviousPage: boolean;
    readonly startCursor: string | null;
    readonly endCursor: string | null;
  };
}

interface Listing {
  readonly list: string;
  /** Of a node, one of them called `key`. */
  readonly fields: string;
  readonly key: string;
}

/** The keys of each page, up to the last one. */
async function readPages({ list, fields, key }: Listing, size: string, from: string) {
  const query = `query ($cursor: String) { page: ${list}(${size}: 1000, ${from}: $cursor) {
    nodes { ${fields} } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`;
  const pages: string[][] = [];
  let cursor: string | null = null;
  for (;;) {
    const { page }: { page: Page } = await gateway.data<{ page: Page }>(query, { cursor }, key);
    pages.push(page.nodes.map(node => node.key));
    const { hasNextPage, hasPreviousPage, startCursor, endCursor }: Page['pageInfo'] =
      page.pageInfo;
    if (!(size === 'last' ? hasPreviousPage : hasNextPage)) return pages;
    cursor = size === 'last' ? startCursor : endCursor;
  }
}

async function expectAllInPages(listing: Listing, count: number): Promise<void> {
  const forwards = await readPages(listing, 'first', 'after');
  expect(forwards.length).toBeGreaterThan(2);
  expect(new Set(forwards.flat()).size).toBe(count);
  expect(forwards.flat()).toHaveLength(count);
  const backwards = await readPages(listing, 'last', 'before');
  expect(backwards.reverse().flat()).toEqual(forwards.flat());
}

test('a page of definitions has as many as fit an answer, and the next ones have the rest', async () => {
  const { key } = await gateway.workspace();
  const define = `mutation ($input: DefineEventInput!) {
    defineEvent(input: $input) { definition { version } } }`;
  const payloadSchema = { description: 'é'.repeat(30_000) };
  await gateway.data(define, { input: { name: 'type-0', payloadSchema } }, key);
  // Defining all of them takes long, and only reading them is looked at.
  await gateway.db.write.query(
    `insert into event_definitions (workspace_id, name, status, payload_schema)
     select workspace_id, 'type-' || n, status, payload_schema
     from event_definitions, generate_series(1, 699) n where name = 'type-0'`,
  );
  const listing = { list: 'eventDefinitions', fields: 'key: name payloadSchema', key };
  await expectAllInPages(listing, 700);
});

test('a page of quarantined events has as many as fit an answer, and the next ones have the rest', async () => {
  const { key } = await gateway.workspace();
  const input = { name: 't', validation: 'QUARANTINE', payloadSchema: { required: ['n'] } };
  const define = `mutation ($input: DefineEventInput!) {
    defineEvent(input: $input) { definition { version } } }`;
  await gateway.data(define, { input }, key);
  const record = `mutation ($events: [EventInput!]!) {
    recordEvents(input: { events: $events }) { quarantinedCount } }`;
  for (let n = 0; n < 200; n += 20) {
    const events = Array.from({ length: 20 }, (_, at) => ({
      ...{ id: `e${n + at}`, type: 't', payload: { text: 'é'.repeat(120_000) } },
    }));
    const made = await gateway.data<{ recordEvents: { quarantinedCount: number } }>(
      record,
      { events },
      key,
    );
    expect(made.recordEvents.quarantinedCount).toBe(20);
  }
  await expectAllInPages({ list: 'quarantinedEvents', fields: 'key: id event', key }, 200);
});
