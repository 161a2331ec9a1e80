import type { ChildGateway } from '../kit/child-gateway.ts';
import type { Known } from './values.ts';

const SLUGS = ['fuzz', 'default', 'FUZZ', 'fuzz-2', 'fuzz-other'];
const TYPES = ['os/cpu', 'user.signup', 'strict', 'fuzz'];

const KEY = 'k';

interface Node {
  readonly id: string;
  /** Of a key. */
  readonly name?: string;
}

/** Something of every kind, so that inputs find what they ask for. */
export async function furnish(gateway: ChildGateway): Promise<Known> {
  const events = Array.from({ length: 80 }, (_, n) => {
    const type = TYPES[n % TYPES.length]!;
    const payload = `{ total: ${n}, n: "${n}", order: { total: ${n}.5, tags: ["a", ${n}] } }`;
    return `{ id: "event-${n}", type: "${type}", source: "a", subject: "s${n % 7}", payload: ${payload} }`;
  });
  await ask(
    gateway,
    `mutation {
      createWorkspace(input: { slug: "fuzz", name: "Fuzz" }) { workspace { id } }
      other: createWorkspace(input: { slug: "fuzz-2" }) { workspace { id } }
      createApiKey(input: { name: "${KEY}", workspace: "fuzz", scopes: [ADMIN] }) { apiKey { id } }
      defineEvent(input: { workspace: "fuzz", name: "strict", validation: QUARANTINE, payloadSchema: { required: ["m"] } }) { definition { id } }
      measured: defineEvent(input: { workspace: "fuzz", name: "os/cpu", measures: ["total"] }) { definition { id } }
      createMeter(input: { workspace: "fuzz", name: "fuzz", groupBy: [{ payloadPath: ["n"] }], measures: [{ function: P99, payloadPath: ["total"] }, { function: SUM, payloadPath: ["total"] }] }) { meter { id } }
      recordEvents(input: { workspace: "fuzz", events: [${events.join('\n')}] }) { recordedCount }
    }`,
  );
  const edges = 'edges { cursor node { id } }';
  const lists = await ask<Record<string, { edges: { cursor: string; node: Node }[] }>>(
    gateway,
    `{
      byPosition: events(workspace: "fuzz", first: 5) { ${edges} }
      byTime: events(workspace: "fuzz", first: 5, order: { field: OCCURRED_AT, direction: ASC }) { ${edges} }
      eventDefinitions(workspace: "fuzz", first: 5) { ${edges} }
      quarantinedEvents(workspace: "fuzz", first: 5) { ${edges} }
      eventAggregates(workspace: "fuzz", input: { timeframe: { last: "PT1H" }, granularity: MINUTE }) { ${edges} }
      meters(workspace: "fuzz", first: 5) { ${edges} }
      apiKeys(first: 5) { edges { cursor node { id name } } }
      workspaces(first: 5) { ${edges} }
    }`,
  );
  const all = Object.values(lists).flatMap(list => list.edges);
  return {
    ...{ slugs: SLUGS, types: TYPES, eventIds: ['event-1', 'event-2', 'event-3'] },
    // Not the key that asks: whoever revokes it is answered no more.
    ids: all
      .filter(({ node }) => node.name === undefined || node.name === KEY)
      .map(({ node }) => node.id),
    cursors: all.map(({ cursor }) => cursor),
  };
}

async function ask<Data>(gateway: ChildGateway, query: string): Promise<Data> {
  const { data, errors } = await gateway.graphql<Data>(query);
  if (errors !== undefined || data == null) throw new Error(JSON.stringify(errors));
  return data;
}
