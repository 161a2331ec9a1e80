import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startChildGateway } from '../../kit/child-gateway.ts';
import { startTestGateway, type TestGateway } from '../../kit/gateway.ts';
import { CLIENTS, EVENTS, type Step, type StreamFault } from '../../unit/live/clients.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway[Symbol.asyncDispose]());

async function record(key: string, count: number, payload = {}): Promise<void> {
  const events = Array.from({ length: count }, () => ({ type: 'test.step', payload }));
  const query = `mutation ($events: [EventInput!]!) {
    recordEvents(input: { events: $events }) { receipts { status } } }`;
  await gateway.data(query, { events }, key);
}

const AGGREGATES = `subscription {
  events: eventAggregates(input: { timeframe: { last: "PT1H" } }) { cursor } }`;
const [[, overWebSocket], [, overSse]] = CLIENTS as [(typeof CLIENTS)[0], (typeof CLIENTS)[0]];

const DELETE = `mutation ($slug: String!) {
  deleteWorkspace(input: { slug: $slug, confirmSlug: $slug }) { deletedSlug } }`;

async function endOf(stream: AsyncGenerator<Step>): Promise<StreamFault | null> {
  try {
    while ((await stream.next()).done !== true);
    return null;
  } catch (error) {
    return error as StreamFault;
  }
}

describe('the streams of a workspace that is deleted', () => {
  test.each([
    ['of its key', true],
    ['of a key of all workspaces', false],
  ])('%s end with NOT_FOUND, those of others live on', async (_, isOwn) => {
    const [doomed, other] = [await gateway.workspace(), await gateway.workspace()];
    await record(doomed.key, 1);
    const key = isOwn ? doomed.key : await keyOfAll();
    const ask = (query: string, slug: string) =>
      query
        .replace('events(', `events(workspace: "${slug}", `)
        .replace('eventAggregates(', `eventAggregates(workspace: "${slug}", `);
    const streams = [overWebSocket, overSse].flatMap(read =>
      [EVENTS, AGGREGATES].map(query =>
        read({ url: gateway.url, key, query: ask(query, doomed.slug) }),
      ),
    );
    for (const stream of streams) expect((await stream.next()).done).toBe(false);
    const spared = overSse({ url: gateway.url, key: other.key, query: EVENTS });
    await spared.next();
    await gateway.data(DELETE, { slug: doomed.slug });
    for (const stream of streams) {
      const { extensions } = (await endOf(stream))!;
      expect(extensions).toMatchObject({ code: 'NOT_FOUND' });
      expect(extensions).not.toHaveProperty('cursor');
    }
    await record(other.key, 1);
    expect((await spared.next()).value).toMatchObject({ kind: 'EVENT', position: 1 });
    await spared.return(undefined);
  });

  async function keyOfAll(): Promise<string> {
    const made = await gateway.data<{ createApiKey: { secret: string } }>(
      'mutation { createApiKey(input: { name: "all", scopes: [EVENTS_READ] }) { secret } }',
    );
    return made.createApiKey.secret;
  }
});

test('a stream ends with the scope that it needs, whatever others its key keeps', async () => {
  const { slug, key: writing } = await gateway.workspace();
  const create = `mutation { createConsumer(input: {
    workspace: "${slug}", name: "c", from: { start: BEGINNING } }) { consumer { name } } }`;
  await gateway.data(create);
  await record(writing, 1);
  const { createApiKey } = await gateway.data<{
    createApiKey: { secret: string; apiKey: { prefix: string } };
  }>(
    `mutation ($w: String) { createApiKey(input: {
      name: "k", workspace: $w, scopes: [EVENTS_READ, EVENTS_CONSUME] }) {
      secret apiKey { prefix } } }`,
    { w: slug },
  );
  const { secret: key, apiKey } = createApiKey;
  const deliveries = 'subscription { events: deliveries(consumer: "c") { position: attempt } }';
  const [reading, consuming] = [EVENTS, deliveries].map(query =>
    overSse({ url: gateway.url, key, query }),
  ) as [AsyncGenerator<Step>, AsyncGenerator<Step>];
  await reading.next();
  await consuming.next();
  const keep = (scope: string) =>
    gateway.db.write.query('update api_keys set scopes = array[$2::text] where prefix = $1', [
      apiKey.prefix,
      scope,
    ]);
  await keep('EVENTS_CONSUME');
  expect((await endOf(reading))!.extensions).toMatchObject({ code: 'KEY_REVOKED' });
  await record(writing, 1);
  expect((await consuming.next()).done).toBe(false);
  await keep('EVENTS_READ');
  expect((await endOf(consuming))!.extensions).toMatchObject({ code: 'KEY_REVOKED' });
});

describe('a gateway that stops', () => {
  test('tells a reader that is far behind where to go on, and nothing is missing', async () => {
    const { key } = await gateway.workspace();
    // Of a weight that makes many pages of it.
    for (let batches = 0; batches < 10; batches++) await record(key, 1_000, { a: 'x'.repeat(900) });
    await using child = await startChildGateway(gateway.databaseUrl);
    const asked = { url: child.url, key, query: EVENTS, variables: { start: 'BEGINNING' } };
    let begun = 0;
    const reading = CLIENTS.map(async ([name, read]) => {
      const steps: Step[] = [];
      const stream = read(asked);
      try {
        for await (const step of stream) if (steps.push(step) === 1) begun++;
      } catch (error) {
        return { name, steps, fault: error as StreamFault };
      }
      return { name, steps, fault: null };
    });
    await expect.poll(() => begun).toBe(CLIENTS.length);
    const ended = once(child.process, 'exit');
    child.process.kill('SIGTERM');
    const read = await Promise.all(reading);
    for (const { name, steps, fault } of read) {
      expect(fault, name).not.toBeNull();
      const events = steps.filter(({ kind }) => kind === 'EVENT');
      expect(events.map(({ position }) => position)).toEqual(events.map((_, index) => index + 1));
      const { cursor } = steps.at(-1)!;
      expect(fault!.extensions, name).toMatchObject({ code: 'GOING_AWAY', cursor });
    }
    expect(Math.min(...read.map(({ steps }) => steps.length))).toBeLessThan(10_000);
    expect((await ended)[0]).toBe(0);
  });
});
