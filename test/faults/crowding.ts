/**
 * One key that asks for all it can get, and another that asks for little: what the other has of the
 * gateway beside it. Used by `npm run fairness` and by `crowding.test.ts`.
 */
import { createClient } from 'graphql-ws';
import { performance } from 'node:perf_hooks';
import { WebSocket } from 'ws';
import type { ChildGateway } from '../kit/child-gateway.ts';

export interface Rate {
  readonly perSecond: number;
  /** Answers with an error, by code. */
  readonly errors: Record<string, number>;
}

export interface Caller {
  readonly key: string;
  readonly slug: string;
}

interface Answer {
  readonly data?: Record<string, unknown> | null;
  readonly errors?: readonly { readonly extensions: { readonly code: string } }[];
}

/** Where it is asked. */
export type Target = Pick<ChildGateway, 'url'>;

export async function ask(
  { url }: Target,
  key: string,
  query: string,
  variables: object = {},
): Promise<Answer> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify({ query, variables }),
  });
  return (await response.json()) as Answer;
}

let callers = 0;

/** A workspace of its own with a key. */
export async function newCaller(gateway: ChildGateway): Promise<Caller> {
  const slug = `crowd-${process.pid}-${(callers += 1)}`;
  const made = await gateway.graphql<{ createApiKey: { secret: string } }>(
    `mutation($slug: String!) {
      createWorkspace(input: { slug: $slug }) { workspace { id } }
      createApiKey(input: { name: "k", workspace: $slug, scopes: [EVENTS_READ, EVENTS_WRITE] }) {
        secret
      }
    }`,
    { slug },
  );
  return { slug, key: made.data!.createApiKey.secret };
}

const RECORD = `mutation($events: [EventInput!]!) {
  recordEvents(input: { events: $events }) { recordedCount }
}`;
const PAGE = '{ events(first: 20) { nodes { eventId type } } }';
const SEARCH = `query($filter: EventFilter!) {
  events(first: 100, filter: $filter) { nodes { eventId } }
}`;
const STREAM = 'subscription($filter: EventFilter!) { events(filter: $filter) { kind cursor } }';

export const WORK = {
  records: (gateway: Target, { key }: Caller) =>
    ask(gateway, key, RECORD, { events: [{ type: 'quiet', payload: { n: 1 } }] }),
  reads: (gateway: Target, { key }: Caller) => ask(gateway, key, PAGE),
};

const batch = (size: number, text: string) =>
  Array.from({ length: size }, (_, n) => ({ type: 'busy', payload: { n, text } }));

export const CROWDS = {
  writes: (gateway: Target, { key }: Caller) =>
    ask(gateway, key, RECORD, { events: batch(200, 'some text') }),
  reads: (gateway: Target, { key }: Caller) =>
    ask(gateway, key, SEARCH, { filter: { search: `none${Math.random()}` } }),
  /** Large events into streams that search for many words. */
  live: (gateway: Target, { key }: Caller) =>
    ask(gateway, key, RECORD, { events: batch(1, 'a'.repeat(200_000)) }),
};

/** Streams that search for many words each, all of them different. */
export function watch({ url }: Target, { key }: Caller, streams: number): () => void {
  const client = createClient({
    url: `${url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: { authorization: key },
    retryAttempts: 0,
  });
  for (let n = 0; n < streams; n++) {
    const search = Array.from({ length: 20 }, (_, m) => `aa${n.toString(36)}x${m}`).join(' ');
    client.subscribe(
      { query: STREAM, variables: { filter: { search } } },
      { next() {}, error() {}, complete() {} },
    );
  }
  return () => void client.dispose();
}

/** How often some work is done in a time by so many at once, and what it failed with. */
export async function rateOf(
  work: () => Promise<Answer>,
  { atOnce, seconds }: { atOnce: number; seconds: number },
): Promise<Rate> {
  const errors: Record<string, number> = {};
  const startedMs = performance.now();
  const untilMs = startedMs + seconds * 1_000;
  let done = 0;
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (performance.now() < untilMs) {
        const answer = await work().catch((error: unknown) => ({
          errors: [{ extensions: { code: String(error) } }],
        }));
        for (const { extensions } of answer.errors ?? []) {
          errors[extensions.code] = (errors[extensions.code] ?? 0) + 1;
        }
        if (answer.errors === undefined) done += 1;
      }
    }),
  );
  return { perSecond: (done * 1_000) / (performance.now() - startedMs), errors };
}
