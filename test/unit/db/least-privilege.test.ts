/** A gateway whose role owns nothing, set up as docs/operating.md says. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { createDatabase, type Database } from '../../../src/db/client.ts';
import { GRANTS } from '../../../src/db/grants.ts';
import { analyzeLog, ensurePartitions, quarterOf } from '../../../src/db/partitions.ts';
import { verify } from '../../../src/db/verify.ts';
import { type KeySweep, sweepKeys } from '../../../src/upkeep/retention-keys.ts';
import { removePartitions } from '../../../src/upkeep/retention-partitions.ts';
import { purgeDeleted } from '../../../src/upkeep/upkeep-purge.ts';
import { sluice } from '../../e2e/cli/run.ts';
import { withDatabase } from '../../kit/database-url.ts';
import { startTestGateway, type TestGateway } from '../../kit/gateway.ts';
import { backdate, foldAll, makePastQuarters, partitionsOf } from '../../kit/past.ts';
import { anEvent, startRecording } from '../../kit/recording.ts';

const suffix = randomBytes(4).toString('hex');
const database = `sluice_${suffix}`;
const [owner, role] = [`sluice_owner_${suffix}`, `sluice_gateway_${suffix}`];
let admin: Database;
let owning: Database;
/** The gateway's role. */
let lowly: Database;
let urls: { readonly owner: string; readonly role: string };
let gateway: TestGateway;

/** The statements of the page, with names that nobody else has. */
function statementsOfTheDocs(): string[] {
  const docs = readFileSync(new URL('../../../docs/operating.md', import.meta.url), 'utf8');
  const [, section] = docs.split('## A role that owns nothing');
  const [, sql] = /```sql\n([^`]+)```/.exec(section ?? '') ?? [];
  return (sql ?? '')
    .replace(/sluice_owner|sluice_gateway/g, name => `${name}_${suffix}`)
    .replace(/database sluice\b/g, `database ${database}`)
    .split(';\n')
    .filter(statement => statement.trim() !== '');
}

function urlOf(user: string, password: string): string {
  const url = new URL(withDatabase(inject('adminUrl'), database));
  [url.username, url.password] = [user, password];
  return url.href;
}

const migrateAs = (url: string, ...args: string[]) =>
  sluice(['migrate', ...args], { DATABASE_URL: url });

beforeAll(async () => {
  admin = createDatabase({ url: inject('adminUrl') });
  for (const each of statementsOfTheDocs()) await admin.upkeep.query(each, [], { script: true });
  urls = { owner: urlOf(owner, 'secret-1'), role: urlOf(role, 'secret-2') };
  owning = createDatabase({ url: urls.owner });
  lowly = createDatabase({ url: urls.role });
});
afterAll(async () => {
  await Promise.all([lowly.stop(), owning.stop()]);
  await admin.upkeep.query(`drop database ${database} with (force)`);
  for (const each of [role, owner]) await admin.upkeep.query(`drop role ${each}`);
  await admin.stop();
});

describe('a role that was granted nothing', () => {
  test('is refused before there are tables, and after, with what to do', async () => {
    const start = () => startTestGateway({ databaseUrl: urls.role });
    await expect(start()).rejects.toThrow(`"sluice migrate --role ${role}"`);
    expect((await migrateAs(urls.owner)).err).toBe('');
    await expect(start()).rejects.toThrow(
      new RegExp(`the role ${role} may not select on .*: run "sluice migrate --role ${role}"`),
    );
  });

  test.each([
    ['a role that is not there', 'nobody_at_all', '', 'there is no role nobody_at_all'],
    ['the owner of the tables', owner, '', 'may make tables in the schema'],
    [
      'a role that may make temporary tables',
      role,
      `grant temporary on database ${database} to ${role};
       revoke temporary on database ${database} from ${role}`,
      'may make temporary tables in the database',
    ],
    [
      'a member of the owner',
      role,
      `grant ${owner} to ${role}; revoke ${owner} from ${role}`,
      owner,
    ],
    [
      'a superuser',
      role,
      `alter role ${role} superuser; alter role ${role} nosuperuser`,
      'superuser',
    ],
  ])('is granted nothing where it is %s', async (_, name, changes, reason) => {
    const [change = '', undo = ''] = changes.split(';');
    await admin.upkeep.query(change === '' ? 'select' : change);
    const { code, err } = await migrateAs(urls.owner, '--role', name);
    await admin.upkeep.query(undo === '' ? 'select' : undo);
    expect(err).toContain(reason);
    expect(code).not.toBe(0);
  });
});

const RECORD = `mutation ($events: [EventInput!]!) {
  recordEvents(input: { events: $events }) { receipts { status position } } }`;
const READ = `{
  events(first: 10) { nodes { position } }
  eventAggregates(input: { timeframe: { last: "P1D" } }) { nodes { count } }
}`;

/** Everything that a role of Postgres could do to a database or a server, and a gateway need not. */
const ATTACKS: readonly (readonly [what: string, statement: string])[] = [
  ['make a table', 'create table mine (a int)'],
  ['make a temporary table', 'create temporary table workspaces (a int)'],
  ['make a schema', 'create schema mine'],
  ['make a function', 'create function mine() returns int language sql as $$ select 1 $$'],
  ['make a view', 'create view mine as select hash from api_keys'],
  ['make an extension', 'create extension dblink'],
  ['make a role', 'create role mine superuser'],
  ['make a publication', 'create publication mine for table events'],
  ['drop the log', 'drop table events'],
  ['drop a partition', 'drop table $now'],
  ['drop a schema', 'drop schema public cascade'],
  ['truncate the log', 'truncate events'],
  ['change a table', 'alter table events add column mine int'],
  ['detach a partition', 'alter table events detach partition $now'],
  ['make an index', 'create index on events (door)'],
  [
    'add a trigger',
    'create trigger mine before insert on events execute function suppress_redundant_updates_trigger()',
  ],
  ['disable triggers', 'alter table api_keys disable trigger all'],
  ['pass by triggers', 'set session_replication_role = replica'],
  ['turn row security off for a table', 'alter table events disable row level security'],
  [
    'replace a function of the owner',
    'create or replace function analyze_log(part text) returns void language sql as $$ $$',
  ],
  ['change a function of the owner', 'alter function analyze_log(text) reset search_path'],
  ['become the owner', 'set role $owner'],
  ['become a superuser', 'alter role $role superuser'],
  ['change the server', `alter system set fsync = off`],
  ['read password hashes', 'select rolpassword from pg_authid'],
  ['read passwords of foreign servers', 'select * from pg_user_mapping'],
  ['read a file of the server', `select pg_read_file('/etc/passwd')`],
  ['run a program on the server', `copy (select 1) to program 'true'`],
  ['write a file of the server', `copy workspaces to '/tmp/mine'`],
  ['read another schema', 'select * from private.secrets'],
  ['read another table of its schema', 'select * from other_secrets'],
  ['read a partition beside the log', 'select * from $now'],
  ['write to a partition beside the log', 'delete from $now'],
  ['delete a key', 'delete from api_keys'],
  ['change the history of migrations', 'delete from schema_migrations'],
  ['change the secret that seals tokens', `update installation set sealing_secret = 'x'`],
  ['make cursors of before valid', `update installation set epoch = 'x'`],
  ['add an installation', `insert into installation (id, epoch) values (1, 'x')`],
  ['rewrite a head', 'update workspace_heads set head = 0'],
  ['end sessions of the owner', 'select pg_terminate_backend($pid)'],
];

/** With the rights of the owner, as it were: they do the one thing that they are there for. */
const ABUSES: readonly (readonly [call: string, reason: string])[] = [
  ['make_partition(5)', 'a partition is made 0 to 4 quarters ahead'],
  ['make_partition(-1)', 'a partition is made 0 to 4 quarters ahead'],
  ['make_partition(null)', 'a partition is made 0 to 4 quarters ahead'],
  [`remove_partition('events')`, 'no partition of a quarter that is over'],
  [`remove_partition('$now')`, 'no partition of a quarter that is over'],
  [`remove_partition('api_keys')`, 'no partition of a quarter that is over'],
  [
    `remove_partition('events_2020q1; drop table events')`,
    'no partition of a quarter that is over',
  ],
  [`remove_partition('events_2020q2')`, 'no partition of a quarter that is over'],
  [`remove_partition(null)`, 'no partition of a quarter that is over'],
  [`analyze_log('pg_authid')`, 'only events and event_keys are analysed'],
  [`analyze_log(null)`, 'only events and event_keys are analysed'],
];

const run = (db: Database, statement: string) => db.upkeep.query(statement, [], { script: true });

describe('a role that was granted what a gateway needs', () => {
  beforeAll(async () => {
    expect((await migrateAs(urls.owner, '--role', role)).out).toContain('and nothing else');
    gateway = await startTestGateway({ databaseUrl: urls.role });
    await run(owning, 'create table other_secrets (a int); create schema private');
    await run(owning, 'create table private.secrets (a int)');
    // Looks like a partition, and is a table of somebody's.
    await run(owning, 'create schema past; create table past.events_2020q2 (a int)');
  });
  afterAll(() => gateway[Symbol.asyncDispose]());

  test('records, reads, counts, redacts and deletes', async () => {
    const { slug, key } = await gateway.workspace();
    const events = [1, 2, 3].map(n => ({
      id: `e-${n}`,
      type: 'signup',
      actor: 'joe',
      payload: { n },
    }));
    const recorded = await gateway.data<{
      recordEvents: { receipts: { status: string; position: number }[] };
    }>(RECORD, { events }, key);
    expect(recorded.recordEvents.receipts).toEqual(
      [1, 2, 3].map(position => ({ status: 'RECORDED', position })),
    );
    expect(await gateway.data(READ, {}, key)).toMatchObject({
      events: { nodes: [{}, {}, {}] },
      eventAggregates: { nodes: [{ count: 3 }] },
    });
    const redact = `mutation ($workspace: String!) {
      redactEvents(input: { workspace: $workspace, actor: "joe" }) { redactedCount } }`;
    expect(await gateway.data(redact, { workspace: slug })).toEqual({
      redactEvents: { redactedCount: 3 },
    });
    const remove = `mutation ($slug: String!) {
      deleteWorkspace(input: { slug: $slug, confirmSlug: $slug }) { __typename } }`;
    await gateway.data(remove, { slug });
    await purgeDeleted(lowly.upkeep);
    const [left] = await owning.upkeep.query(
      `select from event_keys k where not exists (select from workspaces w where w.id = k.workspace_id)`,
    );
    expect(left).toBeUndefined();
  });

  test.each(ATTACKS)('cannot %s', async (_, statement) => {
    const { name } = quarterOf(new Date());
    const [session] = await owning.upkeep.query<{ pid: number }>('select pg_backend_pid() as pid');
    const attack = statement
      .replaceAll('$now', `events_${name}`)
      .replaceAll('$owner', owner)
      .replaceAll('$role', role)
      .replaceAll('$pid', String(session?.pid));
    await expect(run(lowly, attack)).rejects.toMatchObject({ code: '42501' });
  });

  test.each(ABUSES)('cannot abuse %s', async (call, reason) => {
    const { name } = quarterOf(new Date());
    const attack = `set search_path = past, public; select ${call.replaceAll('$now', `events_${name}`)}`;
    await expect(run(lowly, attack)).rejects.toThrow(reason);
  });

  test('makes partitions and statistics, and removes what is no longer kept', async () => {
    await run(owning, `drop table events_${quarterOf(new Date(), 4).name}`);
    expect(await ensurePartitions(lowly.upkeep)).toEqual([
      `events_${quarterOf(new Date(), 4).name}`,
    ]);
    await analyzeLog(lowly.upkeep);
    const [analyzed] = await owning.upkeep.query<{ at: Date | null }>(
      `select last_analyze as at from pg_stat_user_tables where relname = 'events'`,
    );
    expect(analyzed?.at).not.toBeNull();

    const [recent, oldest] = await makePastQuarters(owning, 2);
    await using recording = await startRecording(urls.role);
    const workspace = await recording.workspace({ retentionDays: 1 });
    const record = () =>
      recording.record({ workspace, door: 'GRAPHQL', events: [anEvent()], atomic: false });
    for (let n = 0; n < 4; n++) await record();
    await foldAll(lowly);
    await backdate(owning, workspace.id, 2, 100);
    await backdate(owning, workspace.id, 1, 200);
    const kept = lowly.upkeep.query<{ removed: boolean }>(
      'select remove_partition($1) as removed',
      [oldest as string],
    );
    expect(await kept).toEqual([{ removed: false }]);

    // A dump holds the log: the tails have moved, what is left is for later, and nobody waits long.
    const dump = createDatabase({ url: urls.owner });
    await dump.upkeep.hold(async connection => {
      await connection.query('begin isolation level repeatable read read only');
      await connection.query('lock table events in access share mode');
      let isWaiting = true;
      const removal = removePartitions(lowly.upkeep).finally(() => (isWaiting = false));
      while (isWaiting) {
        const startedMs = performance.now();
        expect(await record()).toMatchObject([{ status: 'RECORDED' }]);
        expect(performance.now() - startedMs).toBeLessThan(2_000);
      }
      expect(await removal).toMatchObject({ partitions: 0 });
      await connection.query('rollback');
    });
    await dump.stop();
    expect(await removePartitions(lowly.upkeep)).toMatchObject({ partitions: 2 });
    expect(await partitionsOf(owning)).not.toContain(oldest);
    expect(await partitionsOf(owning)).not.toContain(recent);

    await owning.upkeep.query(
      `update event_keys set recorded_at = now() - interval '1 year'
       where workspace_id = $1 and position = 1`,
      [workspace.id],
    );
    let at: KeySweep | null = { partition: 0, block: 0 };
    while (at !== null) at = await sweepKeys(lowly.upkeep, at);
    const keys = 'select from event_keys where workspace_id = $1';
    expect(await owning.upkeep.query(keys, [workspace.id])).not.toHaveLength(0);
    const gone = `${keys} and position = 1`;
    expect(await owning.upkeep.query(gone, [workspace.id])).toHaveLength(0);
    expect((await verify(lowly.upkeep)).violations).toEqual([]);
  });

  test('migrates nothing, and is told who may, when a newer gateway starts', async () => {
    const version = Math.max(...(await versions()));
    await run(owning, `delete from schema_migrations where version = ${version}`);
    await expect(startTestGateway({ databaseUrl: urls.role })).rejects.toThrow(
      `the role ${role} may not do it: run "sluice migrate --role ${role}" of this version`,
    );
    await run(owning, `insert into schema_migrations values (${version}, 'again')`);
  });
});

async function versions(): Promise<number[]> {
  const rows = await owning.upkeep.query<{ version: number }>(
    'select version from schema_migrations',
  );
  return rows.map(({ version }) => version);
}

test('each table that migrations make is granted, or is one that gateways do not touch', async () => {
  const rows = await owning.upkeep.query<{ relname: string }>(
    `select relname from pg_class where relnamespace = 'public'::regnamespace
       and relkind in ('r', 'p') and not relispartition and relname <> 'other_secrets'`,
  );
  expect(rows.map(({ relname }) => relname).sort()).toEqual(Object.keys(GRANTS).sort());
});
