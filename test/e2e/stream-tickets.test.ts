/** What somebody can do who finds the address of an EventSource, with its ticket in it: next to nothing. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestGateway, type TestGateway } from '../kit/gateway.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway[Symbol.asyncDispose]());

const EVENTS = 'subscription { events(start: BEGINNING) { kind cursor } }';
const CREATE = 'mutation { createApiKey(input: { name: "stolen", scopes: [ADMIN] }) { secret } }';
const TICKET = `mutation($input: CreateStreamTicketInput) {
  createStreamTicket(input: $input) { ticket } }`;

async function ticketFor(input: object = {}): Promise<string> {
  const made = await gateway.data<{ createStreamTicket: { ticket: string } }>(TICKET, {
    input: { workspace: 'default', ...input },
  });
  return made.createStreamTicket.ticket;
}

function addressOf(ticket: string, query: string): string {
  return `${gateway.url}/graphql?${new URLSearchParams({ ticket, query })}`;
}

const SSE = { accept: 'text/event-stream' };

/** The status, and the first message or the whole body where it is no stream. */
async function ask(address: string, init: RequestInit = {}) {
  const response = await fetch(address, { headers: SSE, ...init });
  if (!response.headers.get('content-type')?.startsWith('text/event-stream')) {
    return { status: response.status, body: await response.text() };
  }
  let body = '';
  for await (const chunk of response.body!) {
    body += Buffer.from(chunk as Uint8Array).toString();
    if (body.includes('data: ')) break;
  }
  return { status: response.status, body };
}

test.each([
  ['POST', { accept: 'text/event-stream' }],
  ['POST', { accept: 'application/json' }],
  ['GET', { accept: 'application/json' }],
])('a ticket makes no key by %s with %j', async (method, accept) => {
  const ticket = await ticketFor();
  const address = method === 'POST' ? `${gateway.url}/graphql?ticket=${ticket}` : null;
  const { status, body } = await ask(address ?? addressOf(ticket, CREATE), {
    method,
    headers: { ...accept, 'content-type': 'application/json' },
    ...(method === 'POST' && { body: JSON.stringify({ query: CREATE }) }),
  });
  expect(status).toBe(400);
  expect(body).toContain('BAD_REQUEST');
  expect(await keysNamed('stolen')).toBe(0);
  // It was not looked at: its stream may still be opened.
  expect((await ask(addressOf(ticket, EVENTS))).status).toBe(200);
});

test.each([CREATE, '{ viewer { scopes } }', '{ apiKeys { nodes { name } } }'])(
  'a ticket opens a subscription, and nothing else: %s',
  async query => {
    const { body } = await ask(addressOf(await ticketFor(), query));
    expect(body).toMatch(/BAD_REQUEST/);
    expect(body).not.toContain('"data":{');
    expect(await keysNamed('stolen')).toBe(0);
  },
);

async function keysNamed(name: string): Promise<number> {
  const [row] = await gateway.db.read.query<{ n: number }>(
    'select count(*)::int as n from api_keys where name = $1',
    [name],
  );
  return row!.n;
}

test('a ticket of a key of all workspaces reads in the one that it was made for', async () => {
  const [one, other] = [await gateway.workspace(), await gateway.workspace()];
  const of = (slug: string) =>
    `subscription { events(workspace: "${slug}", start: BEGINNING) { kind } }`;
  const opened = await ask(addressOf(await ticketFor({ workspace: one.slug }), of(one.slug)));
  expect(opened.body).toContain('CAUGHT_UP');
  const foreign = await ask(addressOf(await ticketFor({ workspace: one.slug }), of(other.slug)));
  expect(foreign.body).toContain('NOT_FOUND');
});

test('a ticket that was made for a subscription opens no other', async () => {
  const ticket = await ticketFor({ query: EVENTS });
  const another = 'subscription { events(start: NOW) { cursor } }';
  expect((await ask(addressOf(ticket, another))).status).toBe(401);
  expect((await ask(addressOf(ticket, EVENTS))).status).toBe(200);
});

test('a used ticket opens nothing again, whatever Last-Event-ID says, but its own stream', async () => {
  const ticket = await ticketFor();
  const first = await ask(addressOf(ticket, EVENTS));
  const cursor = /^id: (.*)$/m.exec(first.body)![1]!;
  const again = (id: string, query: string) =>
    ask(addressOf(ticket, query), { headers: { ...SSE, 'last-event-id': id } });
  for (const id of ['x', '', 'cDoxOng6MTow']) {
    expect((await again(id, EVENTS)).status).toBe(401);
  }
  expect((await again(cursor, 'subscription { events(start: NOW) { kind } }')).status).toBe(401);
  expect((await again(cursor, CREATE)).status).toBe(401);
  expect((await again(cursor, EVENTS)).status).toBe(200);
});

test('a ticket that was used without a stream resumes none', async () => {
  const { slug } = await gateway.workspace();
  const ticket = await ticketFor({ workspace: slug });
  const query = 'subscription { events(workspace: "default", start: BEGINNING) { kind cursor } }';
  expect((await ask(addressOf(ticket, query))).body).toContain('NOT_FOUND');
  const read = await gateway.data<{ workspace: { headCursor: string } }>(
    `{ workspace(slug: "${slug}") { headCursor } }`,
  );
  const headers = { ...SSE, 'last-event-id': read.workspace.headCursor };
  expect((await ask(addressOf(ticket, query), { headers })).status).toBe(401);
});

test('a key that may not read makes no ticket', async () => {
  const { createApiKey } = await gateway.data<{ createApiKey: { secret: string } }>(
    'mutation { createApiKey(input: { name: "w", scopes: [EVENTS_WRITE] }) { secret } }',
  );
  const { errors } = await gateway.graphql(TICKET, {}, createApiKey.secret);
  expect(errors?.[0]?.extensions['code']).toBe('FORBIDDEN');
});
