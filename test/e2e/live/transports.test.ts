import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestGateway, type TestGateway } from '../../kit/gateway.ts';
import {
  CLIENTS,
  EVENTS,
  openEventSource,
  type Step,
  type StreamFault,
} from '../../unit/live/clients.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway[Symbol.asyncDispose]());

async function record(key: string, count: number, type = 'test.step'): Promise<void> {
  const events = Array.from({ length: count }, () => ({ type }));
  const query = `mutation ($events: [EventInput!]!) {
    recordEvents(input: { events: $events }) { receipts { status } } }`;
  await gateway.data(query, { events }, key);
}

async function take(stream: AsyncGenerator<Step>, count: number): Promise<Step[]> {
  const taken: Step[] = [];
  while (taken.length < count) {
    const { done, value } = await stream.next();
    if (done === true) break;
    taken.push(value);
  }
  return taken;
}

const positionsOf = (steps: readonly Step[]) =>
  steps.filter(({ kind }) => kind === 'EVENT').map(({ position }) => position);

describe.each(CLIENTS)('%s', (_, read) => {
  test('reads history and what is live, and resumes after any cursor it was given', async () => {
    const { key } = await gateway.workspace();
    await record(key, 3);
    const asked = { url: gateway.url, key, query: EVENTS };
    const stream = read({ ...asked, variables: { start: 'BEGINNING' } });
    const first = await take(stream, 4);
    expect(first.map(({ kind, position }) => [kind, position])).toEqual([
      ['EVENT', 1],
      ['EVENT', 2],
      ['EVENT', 3],
      ['CAUGHT_UP', 3],
    ]);
    await record(key, 2);
    expect(positionsOf(await take(stream, 2))).toEqual([4, 5]);
    await stream.return(undefined);
    const again = read({ ...asked, variables: { after: first[1]!.cursor } });
    expect(positionsOf(await take(again, 4))).toEqual([3, 4, 5]);
    await again.return(undefined);
  });

  test('is told the code, and the cursor to resume at, when its key is revoked', async () => {
    const { key } = await gateway.workspace();
    await record(key, 2);
    const stream = read({
      url: gateway.url,
      key,
      query: EVENTS,
      variables: { start: 'BEGINNING' },
    });
    const steps = await take(stream, 3);
    await gateway.db.write.query(
      'update api_keys set revoked_at = now() where id = (select max(id) from api_keys)',
    );
    const fault = await stream.next().catch((error: unknown) => error as StreamFault);
    expect(fault).toMatchObject({
      extensions: { code: 'KEY_REVOKED', cursor: steps.at(-1)!.cursor },
    });
  });

  test('is refused where it would have more held for the stream than a filter needs', async () => {
    const { key } = await gateway.workspace();
    const ask = (chars: number) =>
      read({
        url: gateway.url,
        key,
        query: EVENTS,
        variables: { start: 'NOW', unused: 'x'.repeat(chars) },
      });
    const fault = await ask(131_072)
      .next()
      .catch((error: unknown) => error as StreamFault);
    expect(fault).toMatchObject({ extensions: { code: 'PAYLOAD_TOO_LARGE' } });
    const stream = ask(100_000);
    expect(await take(stream, 1)).toMatchObject([{ kind: 'CAUGHT_UP' }]);
    await stream.return(undefined);
  });

  test('is told why a stream does not begin', async () => {
    const [one, other] = [await gateway.workspace(), await gateway.workspace()];
    await record(one.key, 1);
    const stream = read({
      url: gateway.url,
      key: one.key,
      query: EVENTS,
      variables: { start: 'BEGINNING' },
    });
    const [step] = await take(stream, 1);
    await stream.return(undefined);
    const variables = { after: step!.cursor };
    const refused = read({ url: gateway.url, key: other.key, query: EVENTS, variables });
    await expect(refused.next()).rejects.toMatchObject({
      extensions: { code: 'CURSOR_INVALID' },
    });
  });
});

async function ticketFor(key: string): Promise<string> {
  const query = 'mutation { createStreamTicket { ticket } }';
  const made = await gateway.data<{ createStreamTicket: { ticket: string } }>(query, {}, key);
  return made.createStreamTicket.ticket;
}

function addressOf(ticket: string, variables: Record<string, unknown>): string {
  const address = new URL(`${gateway.url}/graphql`);
  address.searchParams.set('query', EVENTS);
  address.searchParams.set('variables', JSON.stringify(variables));
  address.searchParams.set('ticket', ticket);
  return address.href;
}

/** Passes bytes on until it cuts every connection. */
async function startCuttingProxy(target: string) {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer(incoming => {
    connections++;
    const outgoing = connect(Number(port), hostname);
    for (const socket of [incoming, outgoing]) {
      sockets.add(socket);
      socket.on('error', () => undefined).once('close', () => sockets.delete(socket));
    }
    incoming.pipe(outgoing).pipe(incoming);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut,
    get connections() {
      return connections;
    },
    async [Symbol.asyncDispose]() {
      cut();
      server.close();
    },
  };
}

describe('a plain EventSource', () => {
  test('reads with a ticket, and each message carries its cursor as its id', async () => {
    const { key } = await gateway.workspace();
    await record(key, 2);
    using reader = openEventSource(addressOf(await ticketFor(key), { start: 'BEGINNING' }));
    await expect.poll(() => reader.seen.length).toBe(3);
    expect(reader.seen.map(({ id }) => id)).toEqual(reader.seen.map(({ step }) => step!.cursor));
  });

  test('carries the cursor as its id where the document asks for none', async () => {
    const { key } = await gateway.workspace();
    await record(key, 1);
    const address = new URL(addressOf(await ticketFor(key), {}));
    address.searchParams.set('query', 'subscription { events(start: BEGINNING) { kind } }');
    using reader = openEventSource(address.href);
    await expect.poll(() => reader.seen.length).toBe(2);
    expect(reader.seen[0]!.id).toMatch(/^[\w-]{20,}$/);
  });

  test('that is cut resumes by itself, without a gap and without a repeat', async () => {
    const { key } = await gateway.workspace();
    await record(key, 5);
    // Each time its connection is cut, as a proxy does; it comes back with what it saw last.
    await using cutting = await startCuttingProxy(gateway.url);
    const address = addressOf(await ticketFor(key), { start: 'BEGINNING' });
    using reader = openEventSource(address.replace(gateway.url, cutting.url));
    for (let rounds = 1; rounds <= 2; rounds++) {
      await expect.poll(() => reader.seen.at(-1)?.step?.position).toBe(5 * rounds);
      await expect.poll(() => reader.seen.at(-1)?.step?.kind !== undefined).toBe(true);
      cutting.cut();
      await record(key, 5);
    }
    await expect.poll(() => reader.seen.at(-1)?.step?.position).toBe(15);
    const steps = reader.seen.map(({ step }) => step!);
    expect(positionsOf(steps)).toEqual(Array.from({ length: 15 }, (_, index) => index + 1));
    expect(cutting.connections).toBe(3);
  });

  test('begins only once with a ticket, and not without one', async () => {
    const { key } = await gateway.workspace();
    const ticket = await ticketFor(key);
    using first = openEventSource(addressOf(ticket, { start: 'BEGINNING' }));
    await expect.poll(() => first.seen.length).toBe(1);
    for (const other of [ticket, 'made-up']) {
      using refused = openEventSource(addressOf(other, { start: 'BEGINNING' }));
      await expect.poll(() => refused.statuses).toEqual([401]);
      expect(refused.source.readyState).toBe(refused.source.CLOSED);
    }
  });

  test('is refused with a Last-Event-ID that is no cursor of the stream', async () => {
    const { key } = await gateway.workspace();
    const address = addressOf(await ticketFor(key), { start: 'BEGINNING' });
    const headers = { accept: 'text/event-stream', 'last-event-id': 'bogus' };
    const text = await (await fetch(address, { headers })).text();
    expect(text).toContain('"code":"CURSOR_INVALID"');
  });
});

test('an event stream tells proxies not to hold it back, and says that it lives', async () => {
  const { key } = await gateway.workspace();
  const headers = { accept: 'text/event-stream', authorization: `Bearer ${key}` };
  const address = `${gateway.url}/graphql?query=${encodeURIComponent(EVENTS)}`;
  const response = await fetch(address, { headers });
  expect(response.headers.get('x-accel-buffering')).toBe('no');
  expect(response.headers.get('cache-control')).toMatch(/no-store|no-cache/);
  const { value } = await response.body!.getReader().read();
  expect(Buffer.from(value!).toString()).toMatch(/^:/);
});
