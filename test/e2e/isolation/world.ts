/** Two workspaces on one gateway: `mine` asks, and must learn nothing of `theirs`. */
import { startTestGateway, type GraphqlResult, type TestGateway } from '../../kit/gateway.ts';

/** Stands in everything that theirs holds: it must never leave the gateway for a key of mine. */
export const SECRET = 'theirs-alone';

/** Ids of events, in the form that every door takes. */
export const MINE = '0197a000-0000-7000-8000-000000000001';
const THEIRS = '0197a000-0000-7000-8000-000000000002';

/** Everything by which something of a workspace can be named. */
export interface Place {
  readonly slug: string;
  readonly eventId: string;
  readonly type: string;
  /** By the type of the node. */
  readonly ids: Readonly<Record<string, string>>;
  /** By the field that gave them out. */
  readonly cursors: Readonly<Record<string, string>>;
}

export type KeyName =
  'all' | 'read' | 'write' | 'consume' | 'define' | 'metrics' | 'revoked' | 'expired';

export interface World extends AsyncDisposable {
  readonly gateway: TestGateway;
  readonly mine: Place;
  readonly theirs: Place;
  /** As theirs, but nothing of it was ever there. */
  readonly nowhere: Place;
  /** Of mine, by what they may do; `metrics` is of all workspaces. */
  readonly keys: Readonly<Record<KeyName, string>>;
  /** The answer to an operation; of a subscription its first message. */
  ask(source: string, key: string | null): Promise<GraphqlResult<Record<string, unknown>>>;
}

const SCOPES: Readonly<Record<KeyName, string>> = {
  all: 'EVENTS_READ, EVENTS_WRITE, EVENTS_CONSUME, DEFINITIONS_WRITE, ADMIN',
  read: 'EVENTS_READ',
  write: 'EVENTS_WRITE',
  consume: 'EVENTS_CONSUME',
  define: 'DEFINITIONS_WRITE',
  metrics: 'METRICS',
  revoked: 'ADMIN',
  expired: 'ADMIN',
};

export async function createWorld(): Promise<World> {
  // Every test here sends wrong keys, from one address.
  const gateway = await startTestGateway({ config: { wrongKeysPerMinute: 1_000_000 } });
  const mine = await furnish(gateway, 'mine', 'mine-alone');
  const theirs = await furnish(gateway, 'theirs', SECRET);
  const removed = await furnish(gateway, 'removed', SECRET);
  await gateway.data(
    'mutation { deleteWorkspace(input: { slug: "removed", confirmSlug: "removed" }) { deletedSlug } }',
  );
  const keys = await makeKeys(gateway, mine.slug);
  return {
    ...{ gateway, mine, theirs, keys },
    nowhere: { ...removed, slug: 'missing' },
    ask: (source, key) => ask(gateway, source, key),
    [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose](),
  };
}

/** One thing of every kind, each with a text that tells whose it is. */
async function furnish(gateway: TestGateway, slug: string, mark: string): Promise<Place> {
  const eventId = slug === 'mine' ? MINE : THEIRS;
  const made = await gateway.data<{
    createWorkspace: { workspace: { id: string } };
    createApiKey: { apiKey: { id: string } };
  }>(`mutation {
    createWorkspace(input: { slug: "${slug}", name: "${mark}" }) { workspace { id } }
    createApiKey(input: { name: "${mark}", workspace: "${slug}", scopes: [ADMIN] }) { apiKey { id } }
    defineEvent(input: {
      workspace: "${slug}", name: "${mark}.strict", title: "${mark}", validation: QUARANTINE
      payloadSchema: { required: ["n"] }
    }) { definition { id } }
    recordEvents(input: { workspace: "${slug}", events: [
      { id: "${eventId}", type: "${mark}", source: "${mark}", groupId: "g", payload: { text: "${mark}" } }
      { id: "${slug}-2", type: "${mark}", source: "${mark}", parentId: "${THEIRS}", groupId: "g" }
      { type: "${mark}.strict", payload: {} }
    ] }) { recordedCount }
    createConsumer(input: {
      workspace: "${slug}", name: "worker", description: "${mark}", from: { start: BEGINNING }
    }) { consumer { id } }
    createWebhook(input: {
      workspace: "${slug}", name: "hook", url: "https://receiver.invalid/${mark}"
      headers: [{ name: "x-mark", value: "${mark}", secret: false }]
    }) { consumer { id } }
    createNotificationRule(input: {
      workspace: "${slug}", name: "tell", filter: { types: ["${mark}.never"] }
      channels: [{ webhook: { url: "https://receiver.invalid/${mark}", format: SLACK } }]
    }) { rule { id } }
    createMeter(input: {
      workspace: "${slug}", name: "meter", filter: { sources: ["${mark}"] }, groupBy: [{ dimension: ACTOR }]
    }) { meter { id } }
  }`);
  const parked = await park(gateway, slug);
  const edge = 'edges { cursor node { id } }';
  const read = await gateway.data<
    Record<string, { edges: { cursor: string; node: { id: string } }[] }>
  >(`{
    Event: events(workspace: "${slug}", first: 1) { ${edge} }
    EventDefinition: eventDefinitions(workspace: "${slug}", first: 1) { ${edge} }
    QuarantinedEvent: quarantinedEvents(workspace: "${slug}", first: 1) { ${edge} }
    EventAggregate: eventAggregates(workspace: "${slug}", input: { timeframe: { last: "PT1H" } }) { ${edge} }
    ApiKey: apiKeys(first: 1) { ${edge} }
    Workspace: workspaces(first: 1) { ${edge} }
    NotificationRule: notificationRules(workspace: "${slug}", first: 1) { ${edge} }
    Consumer: consumers(workspace: "${slug}", first: 1) { ${edge} }
    Meter: meters(workspace: "${slug}", first: 1) { ${edge} }
  }`);
  const first = (type: string) => read[type]!.edges[0]!;
  const of = (pick: (type: string) => string) =>
    Object.fromEntries(Object.keys(read).map(type => [type, pick(type)]));
  return {
    slug,
    eventId,
    type: mark,
    ids: {
      ...of(type => first(type).node.id),
      ApiKey: made.createApiKey.apiKey.id,
      Workspace: made.createWorkspace.workspace.id,
      ParkedDelivery: parked.node.id,
    },
    cursors: { ...of(type => first(type).cursor), ParkedDelivery: parked.cursor },
  };
}

/** One delivery of its consumer. */
async function park(gateway: TestGateway, slug: string) {
  const name = `workspace: "${slug}", consumer: "worker"`;
  const { pullEvents } = await gateway.data<{
    pullEvents: { deliveries: { token: string }[] };
  }>(`mutation { pullEvents(input: { ${name}, first: 1 }) { deliveries { token } } }`);
  const tokens = JSON.stringify(pullEvents.deliveries.map(({ token }) => token));
  await gateway.data(
    `mutation { releaseDeliveries(input: { ${name}, tokens: ${tokens}, park: true }) { releasedCount } }`,
  );
  const { consumer } = await gateway.data<{
    consumer: { parkedDeliveries: { edges: { cursor: string; node: { id: string } }[] } };
  }>(
    `{ consumer(workspace: "${slug}", name: "worker") {
      parkedDeliveries { edges { cursor node { id } } } } }`,
  );
  return consumer.parkedDeliveries.edges[0]!;
}

async function makeKeys(gateway: TestGateway, slug: string): Promise<World['keys']> {
  const keys: Record<string, string> = {};
  for (const [name, scopes] of Object.entries(SCOPES)) {
    const { createApiKey } = await gateway.data<{
      createApiKey: { secret: string; apiKey: { id: string } };
    }>(
      `mutation($workspace: String) { createApiKey(input: {
        name: "${name}", workspace: $workspace, scopes: [${scopes}], expiresAt: "2999-01-01T00:00:00Z"
      }) { secret apiKey { id } } }`,
      { workspace: name === 'metrics' ? null : slug },
    );
    keys[name] = createApiKey.secret;
    if (name !== 'revoked') continue;
    await gateway.data(
      'mutation($id: ID!) { revokeApiKey(input: { id: $id }) { apiKey { id } } }',
      {
        id: createApiKey.apiKey.id,
      },
    );
  }
  // Its time can't be awaited, and a key that is made is not yet over.
  await gateway.db.write.query(
    `update api_keys set expires_at = now() - interval '1 second' where name = 'expired'`,
  );
  return keys as World['keys'];
}

async function ask(
  gateway: TestGateway,
  source: string,
  key: string | null,
): Promise<GraphqlResult<Record<string, unknown>>> {
  if (!source.startsWith('subscription')) return gateway.graphql(source, {}, key);
  const over = new AbortController();
  const response = await fetch(`${gateway.url}/graphql`, {
    method: 'POST',
    signal: over.signal,
    headers: {
      'content-type': 'application/json',
      accept: 'text/event-stream',
      ...(key === null ? {} : { authorization: `Bearer ${key}` }),
    },
    body: JSON.stringify({ query: source }),
  });
  let text = '';
  try {
    for await (const chunk of response.body!) {
      text += Buffer.from(chunk as Uint8Array).toString();
      const message = /^data: ?(\{.*)$/m.exec(text);
      if (message) return JSON.parse(message[1]!) as GraphqlResult<Record<string, unknown>>;
    }
  } finally {
    over.abort();
  }
  return JSON.parse(text) as GraphqlResult<Record<string, unknown>>;
}
