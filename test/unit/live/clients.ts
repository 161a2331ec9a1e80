/** The published clients of GraphQL streams, each as an iterator of what `events` hands out. */
import { Client, fetchExchange, subscriptionExchange } from '@urql/core';
import { EventSource } from 'eventsource';
import { createClient as createSseClient } from 'graphql-sse';
import { createClient as createWsClient } from 'graphql-ws';
import { WebSocket } from 'ws';

export interface Step {
  readonly kind: 'EVENT' | 'CAUGHT_UP' | 'CHECKPOINT';
  readonly position: number;
  readonly cursor: string;
  readonly node: { readonly eventId: string; readonly type: string } | null;
}

interface Fault {
  readonly message: string;
  readonly extensions: Record<string, unknown>;
}

/** A stream ended with errors: their first. */
export class StreamFault extends Error {
  readonly extensions: Record<string, unknown>;
  constructor({ message, extensions }: Fault) {
    super(message);
    this.extensions = extensions;
  }
}

export interface Asked {
  readonly url: string;
  readonly key: string;
  readonly query: string;
  readonly variables?: Record<string, unknown>;
}

type Read = (asked: Asked) => AsyncGenerator<Step>;

interface Result {
  readonly data?: { readonly events?: Step } | null | undefined;
  readonly errors?: readonly Fault[] | undefined;
}

export const EVENTS = `subscription ($after: String, $start: StreamStart, $filter: EventFilter) {
  events(after: $after, start: $start, filter: $filter) { kind position cursor node { eventId type } }
}`;

async function* steps(results: AsyncIterable<unknown>): AsyncGenerator<Step> {
  try {
    for await (const result of results) {
      const { data, errors } = result as Result;
      if (errors?.[0] !== undefined) throw new StreamFault(errors[0]);
      if (data?.events !== undefined) yield data.events;
    }
  } catch (error) {
    // graphql-ws throws the errors of an `error` message as they came.
    throw Array.isArray(error) ? new StreamFault(error[0] as Fault) : error;
  }
}

function wsClient({ url, key }: Asked, retryAttempts = 0) {
  return createWsClient({
    url: `${url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: { authorization: `Bearer ${key}` },
    retryAttempts,
    lazy: true,
    lazyCloseTimeout: 0,
  });
}

async function* graphqlWs(asked: Asked): AsyncGenerator<Step> {
  const client = wsClient(asked);
  try {
    yield* steps(client.iterate({ query: asked.query, variables: asked.variables ?? null }));
  } finally {
    await client.dispose();
  }
}

async function* graphqlSse(asked: Asked): AsyncGenerator<Step> {
  const client = createSseClient({
    url: `${asked.url}/graphql`,
    headers: { authorization: `Bearer ${asked.key}` },
    retryAttempts: 0,
  });
  try {
    yield* steps(client.iterate({ query: asked.query, variables: asked.variables ?? {} }));
  } catch (error) {
    // A stream that is refused as a whole never begins: the answer has the error and its status.
    const { response } = error as { response?: Response };
    if (response === undefined) throw error;
    throw new StreamFault(((await response.json()) as { errors: [Fault] }).errors[0]);
  } finally {
    client.dispose();
  }
}

/** What a callback gives, to be awaited one by one. */
function channel<T>() {
  const values: (T | undefined)[] = [];
  let wake = () => {};
  return {
    push(value: T | undefined) {
      values.push(value);
      wake();
    },
    async *[Symbol.asyncIterator](): AsyncGenerator<T> {
      for (;;) {
        if (values.length === 0) await new Promise<void>(resolve => (wake = resolve));
        const value = values.shift();
        if (value === undefined) return;
        yield value;
      }
    },
  };
}

async function* urql(asked: Asked, client: Client): AsyncGenerator<Step> {
  const results = channel<Result>();
  const subscription = client
    .subscription(asked.query, asked.variables ?? {})
    .subscribe(({ data, error, hasNext }) => {
      const errors = error?.graphQLErrors as unknown as Fault[] | undefined;
      if (data !== undefined || error !== undefined) {
        results.push({ data: data as Result['data'], ...(errors?.length && { errors }) });
      }
      if (!hasNext) results.push(undefined);
    });
  try {
    yield* steps(results);
  } finally {
    subscription.unsubscribe();
  }
}

function urqlOverSse(asked: Asked): AsyncGenerator<Step> {
  const client = new Client({
    url: `${asked.url}/graphql`,
    preferGetMethod: false,
    exchanges: [fetchExchange],
    fetchSubscriptions: true,
    fetchOptions: { headers: { authorization: `Bearer ${asked.key}` } },
  });
  return urql(asked, client);
}

async function* urqlOverWebSocket(asked: Asked): AsyncGenerator<Step> {
  const socket = wsClient(asked);
  const client = new Client({
    url: `${asked.url}/graphql`,
    preferGetMethod: false,
    exchanges: [
      subscriptionExchange({
        forwardSubscription: ({ query, variables }) => ({
          subscribe(sink) {
            const ask = { query: query ?? '', variables: variables as Record<string, unknown> };
            return { unsubscribe: socket.subscribe(ask, sink as never) };
          },
        }),
      }),
    ],
  });
  try {
    yield* urql(asked, client);
  } finally {
    await socket.dispose();
  }
}

export const CLIENTS: readonly (readonly [string, Read])[] = [
  ['graphql-ws', graphqlWs],
  ['graphql-sse', graphqlSse],
  ['urql over server-sent events', urqlOverSse],
  ['urql over a WebSocket', urqlOverWebSocket],
];

export interface Seen {
  readonly id: string;
  readonly step?: Step;
  readonly fault?: Fault;
}

/** A plain EventSource: it has an address and nothing else, and connects again by itself. */
export function openEventSource(address: string) {
  const seen: Seen[] = [];
  const statuses: (number | undefined)[] = [];
  const source = new EventSource(address);
  source.addEventListener('next', ({ data, lastEventId }) => {
    const { data: result, errors } = JSON.parse(data as string) as Result;
    const fault = errors?.[0];
    seen.push({
      id: lastEventId,
      ...(result?.events && { step: result.events }),
      ...(fault && { fault }),
    });
  });
  source.addEventListener('error', event => statuses.push(event.code));
  return { source, seen, statuses, [Symbol.dispose]: () => source.close() };
}
