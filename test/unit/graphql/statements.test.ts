/** The schema over a real Postgres: what a query costs there, and that it finds what it should. */
import { graphql } from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readConfig } from '../../../src/config/config.ts';
import type { Principal } from '../../../src/core/principal.ts';
import { createDatabase, type Database } from '../../../src/db/client.ts';
import { createServices, type GatewayServices } from '../../../src/gateway/services.ts';
import { createContext } from '../../../src/graphql/context.ts';
import { schema } from '../../../src/graphql/schema.ts';
import { createLog } from '../../../src/observability/log.ts';
import { createMetrics } from '../../../src/observability/metrics.ts';
import { ensureAuditWorkspace } from '../../../src/record/audit.ts';
import { createTestDatabase } from '../../kit/database.ts';
import { ROOT } from './kit.ts';

const statements: string[] = [];
let services: GatewayServices;
let principal: Principal;
let release: () => Promise<void>;

/** Notes the text of every statement of the lane for reads. */
function noting(db: Database): Database {
  const { read } = db;
  const query: Database['read']['query'] = (text, params, options) => {
    statements.push(text);
    return read.query(text, params, options);
  };
  return { ...db, read: { ...read, query, hold: use => read.hold(use), stop: () => read.stop() } };
}

beforeAll(async () => {
  const database = await createTestDatabase();
  const db = createDatabase({ url: database.url });
  const log = createLog('fatal');
  const metrics = createMetrics('1.2.3');
  await ensureAuditWorkspace(db.write);
  services = await createServices({ db: noting(db), config: readConfig({}), log, metrics });
  await services.start();
  const [key] = await db.write.query<{ id: number }>(
    `insert into api_keys (name, prefix, hash, scopes)
     values ('root', 'slc_root', '\\x00', '{ADMIN}') returning id`,
  );
  principal = { ...ROOT, keyId: Number(key?.id) };
  release = async () => {
    await services.stop();
    await db.stop();
    await database[Symbol.asyncDispose]();
  };
});
afterAll(() => release());

/** How many there were, but for the look-up of the workspace, which access keeps for a second. */
const count = () => statements.filter(text => !/\bfrom workspaces\b/.test(text)).length;

async function run(source: string, variableValues: Record<string, unknown> = {}) {
  statements.length = 0;
  const contextValue = createContext({
    principal,
    access: services.access,
    services,
    call: new AbortController(),
  });
  const result = await graphql({ schema, source, contextValue, variableValues });
  expect(result.errors).toBeUndefined();
  return result.data as Record<string, never>;
}

async function workspaceOf(slug: string, eventCount: number): Promise<void> {
  await run(
    'mutation ($s: String!) { createWorkspace(input: { slug: $s }) { workspace { id } } }',
    {
      s: slug,
    },
  );
  const events = Array.from({ length: eventCount }, (_, at) => ({
    id: `e${at}`,
    type: `type.${at % 7}`,
    parentId: at === 0 ? null : `e${Math.floor(at / 3)}`,
    groupId: `g${at % 5}`,
    properties: [{ long: { name: 'n', value: '9223372036854775807' } }],
  }));
  await run(
    `mutation ($input: RecordEventsInput!) { recordEvents(input: $input) { recordedCount } }`,
    { input: { workspace: slug, events } },
  );
}

const NESTED = `query ($w: String!) { events(workspace: $w, first: 100) {
  liveCursor
  nodes {
    id payload properties { type values }
    workspace { slug headPosition tailPosition }
    definition { name workspace { slug } }
    parent { eventId definition { name } parent { eventId } }
    children(first: 2) {
      totalCount
      nodes { eventId parent { eventId } children(first: 2) { totalCount nodes { id } } }
    }
    groupEvents(first: 3) { totalCount nodes { eventId } }
  }
} }`;

describe('a nested query', () => {
  test('runs as many statements for 100 events as for 25', async () => {
    await workspaceOf('few', 25);
    await workspaceOf('many', 100);
    await run(NESTED, { w: 'few' });
    const few = count();
    const data = await run(NESTED, { w: 'many' });
    const { nodes } = data['events'] as unknown as { nodes: object[] };
    expect(nodes).toHaveLength(100);
    expect(nodes.at(-1)).toMatchObject({
      payload: { n: '9223372036854775807' },
      properties: [{ type: 'LONG', values: ['9223372036854775807'] }],
      workspace: { slug: 'many', headPosition: 100, tailPosition: 1 },
      parent: null,
      groupEvents: {
        totalCount: 20,
        nodes: [{ eventId: 'e0' }, { eventId: 'e5' }, { eventId: 'e10' }],
      },
    });
    expect(count(), statements.join('\n')).toBeLessThanOrEqual(few);
    expect(few).toBeLessThanOrEqual(16);
  });

  test('counts of what is in a page are made together', async () => {
    const source = `query ($w: String!) { eventDefinitions(workspace: $w) { nodes {
      name eventCount
      events(first: 1) { totalCount nodes { eventId } }
      late: events(first: 1, filter: { groupIds: ["g1", "g2"] }) { totalCount }
    } } }`;
    const { nodes } = (await run(source, { w: 'many' }))['eventDefinitions'] as unknown as {
      nodes: { eventCount: number; events: { totalCount: number } }[];
    };
    expect(nodes).toHaveLength(7);
    for (const { eventCount, events } of nodes) expect(events.totalCount).toBe(eventCount);
    const counts = count();
    await run(source.replace('eventDefinitions(', 'eventDefinitions(first: 2, '), { w: 'many' });
    expect(count(), statements.join('\n')).toBe(counts);
    expect(counts).toBeLessThanOrEqual(10);
  });

  test('a batch of ids costs a statement a type', async () => {
    const page = await run('{ events(workspace: "many", first: 50) { nodes { id } } }');
    const { nodes } = page['events'] as unknown as { nodes: { id: string }[] };
    const found = await run('query ($ids: [ID!]!) { nodes(ids: $ids) { id } }', {
      ids: nodes.map(({ id }) => id),
    });
    expect(found['nodes']).toEqual(nodes);
    expect(statements).toHaveLength(1);
  });

  test('counts that nobody asks for are not counted', async () => {
    await run('{ events(workspace: "many", first: 10) { nodes { id } pageInfo { endCursor } } }');
    expect(statements.filter(text => /count\s*\(/i.test(text))).toEqual([]);
    const counted = await run('{ events(workspace: "many", first: 10) { totalCount } }');
    expect(counted['events']).toEqual({ totalCount: 100 });
  });
});
