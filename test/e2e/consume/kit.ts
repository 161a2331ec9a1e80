/** What tests of consumers say to a gateway, through its API. */
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { startTestGateway, type GraphqlResult, type TestGateway } from '../../kit/gateway.ts';

export interface Delivery {
  readonly token: string;
  readonly attempt: number;
  readonly leasedUntil: string;
  readonly cursor: string;
  readonly event: {
    readonly eventId: string;
    readonly position: number;
    readonly type: string;
    readonly subject: string | null;
    readonly payload: Record<string, unknown>;
  };
}

export interface ConsumerState {
  readonly name: string;
  readonly status: 'ACTIVE' | 'PAUSED';
  readonly pausedReason: string | null;
  readonly settledPosition: number;
  readonly cursor: string;
  readonly lagEvents: number;
  readonly gonePosition: number | null;
  readonly inFlightCount: number;
  readonly retryingCount: number;
  readonly parkedCount: number;
}

export const STATE = `name status pausedReason settledPosition cursor lagEvents gonePosition
  inFlightCount retryingCount parkedCount`;
const DELIVERY = 'token attempt leasedUntil cursor event { eventId position type subject payload }';

export type Input = Readonly<Record<string, unknown>>;

/** One workspace with its keys, on one of perhaps several gateways. */
export interface Bench {
  readonly gateway: TestGateway;
  readonly slug: string;
  /** Of the workspace, with ADMIN. */
  readonly key: string;
  on(gateway: TestGateway): Bench;
  record(events: readonly Input[]): Promise<void>;
  create(name: string, input?: Input): Promise<ConsumerState>;
  state(name: string): Promise<ConsumerState>;
  tryPull(name: string, input?: Input, key?: string): Promise<GraphqlResult<unknown>>;
  pull(name: string, input?: Input): Promise<Delivery[]>;
  acknowledge(name: string, deliveries: readonly Delivery[]): Promise<Settled>;
  release(name: string, deliveries: readonly Delivery[], input?: Input): Promise<Settled>;
  extend(name: string, deliveries: readonly Delivery[], input?: Input): Promise<Settled>;
  /** A mutation on one consumer, by its input; its whole answer. */
  change(field: string, name: string, input?: Input, select?: string): Promise<Input>;
}

export interface Settled {
  readonly count: number;
  readonly expired: readonly string[];
}

export async function startBench(options?: Parameters<typeof startTestGateway>[0]) {
  const gateway = await startTestGateway(options);
  return {
    gateway,
    bench: () => newBench(gateway),
    [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose](),
  };
}

let workspaces = 0;

export async function newBench(gateway: TestGateway): Promise<Bench> {
  const slug = `c${process.pid}-${(workspaces += 1)}`;
  const { createApiKey } = await gateway.data<{ createApiKey: { secret: string } }>(
    `mutation($slug: String!) {
      createWorkspace(input: { slug: $slug }) { workspace { id } }
      createApiKey(input: { name: "test", workspace: $slug, scopes: [ADMIN] }) { secret }
    }`,
    { slug },
  );
  return benchOn(gateway, slug, createApiKey.secret);
}

function benchOn(gateway: TestGateway, slug: string, key: string): Bench {
  async function run(field: string, input: Input, select: string): Promise<Input> {
    const type = `${field[0]!.toUpperCase()}${field.slice(1)}Input!`;
    const data = await gateway.data<Record<string, Input>>(
      `mutation($input: ${type}) { ${field}(input: $input) { ${select} } }`,
      { input },
      key,
    );
    return data[field] as Input;
  }

  const settle =
    (field: string, count: string) =>
    async (name: string, deliveries: readonly Delivery[], input: Input = {}): Promise<Settled> => {
      const tokens = deliveries.map(({ token }) => token);
      const answer = await run(
        field,
        { consumer: name, tokens, ...input },
        `${count} expiredTokens`,
      );
      return { count: answer[count] as number, expired: answer['expiredTokens'] as string[] };
    };

  const pullDocument = `mutation($input: PullEventsInput!) {
    pullEvents(input: $input) { deliveries { ${DELIVERY} } }
  }`;

  const self: Bench = {
    ...{ gateway, slug, key },
    on: other => benchOn(other, slug, key),
    async record(events) {
      for (let at = 0; at < events.length; at += 5_000) {
        const part = events.slice(at, at + 5_000);
        await run('recordEvents', { events: part }, 'recordedCount');
      }
    },
    async create(name, input = {}) {
      const answer = await run('createConsumer', { name, ...input }, `consumer { ${STATE} }`);
      return answer['consumer'] as unknown as ConsumerState;
    },
    async state(name) {
      const { consumer } = await gateway.data<{ consumer: ConsumerState }>(
        `query($name: String!) { consumer(name: $name) { ${STATE} } }`,
        { name },
        key,
      );
      return consumer;
    },
    tryPull: (name, input = {}, as = key) =>
      gateway.graphql(pullDocument, { input: { consumer: name, ...input } }, as),
    async pull(name, input = {}) {
      const data = await gateway.data<{ pullEvents: { deliveries: Delivery[] } }>(
        pullDocument,
        { input: { consumer: name, ...input } },
        key,
      );
      return data.pullEvents.deliveries;
    },
    acknowledge: settle('acknowledgeDeliveries', 'acknowledgedCount'),
    release: settle('releaseDeliveries', 'releasedCount'),
    extend: settle('extendDeliveries', 'extendedCount'),
    change: (field, name, input = {}, select = `consumer { ${STATE} }`) =>
      run(field, { consumer: name, ...input }, select),
  };
  return self;
}

export const positions = (deliveries: readonly Delivery[]) =>
  deliveries.map(({ event }) => event.position);

/** So many events of a type, with ids by their number. */
export function someEvents(count: number, event: Input = {}): Input[] {
  return Array.from({ length: count }, (_, at) => ({
    ...{ type: 'made', payload: { n: at + 1 } },
    ...event,
  }));
}

export const firstError = (result: GraphqlResult<unknown>) =>
  result.errors?.[0]?.extensions['code'];

export interface DeliveryStream extends AsyncDisposable {
  next(): Promise<Delivery | 'DONE'>;
}

/** The subscription `deliveries`, over a WebSocket. It throws the code of the error that ends it. */
export function subscribe(
  { gateway, key }: Pick<Bench, 'gateway' | 'key'>,
  consumer: string,
  window = 100,
): DeliveryStream {
  const client = createClient({
    url: `${gateway.url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: { authorization: `Bearer ${key}` },
    retryAttempts: 0,
  });
  const steps = client.iterate<{ deliveries: Delivery }>({
    query: `subscription($consumer: String!, $window: Int) {
      deliveries(consumer: $consumer, window: $window) { ${DELIVERY} }
    }`,
    variables: { consumer, window },
  });
  return {
    async next() {
      const step = await steps.next().catch((error: unknown) => {
        // The client throws the errors of an `error` message as they came.
        const [first] = error as [{ extensions?: Record<string, unknown> }];
        throw new Error(String(first.extensions?.['code']));
      });
      if (step.done) return 'DONE';
      const { data, errors } = step.value;
      if (errors?.[0] !== undefined) throw new Error(String(errors[0].extensions?.['code']));
      return data!.deliveries;
    },
    async [Symbol.asyncDispose]() {
      await steps.return?.();
      await client.dispose();
    },
  };
}
