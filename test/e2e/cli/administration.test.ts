/** Workspaces, definitions, meters, quarantine and redaction on the command line. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ADMIN_KEY, startTestGateway, type TestGateway } from '../../kit/gateway.ts';
import { sluice } from './run.ts';

let gateway: TestGateway;
const folder = mkdtempSync(join(tmpdir(), 'sluice-administration-'));
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

async function run(...args: string[]) {
  const { code, err, json } = await sluice(args, {
    SLUICE_URL: gateway.url,
    SLUICE_KEY: ADMIN_KEY,
  });
  return { code, err, lines: code === 2 ? [] : json() };
}

test('a workspace is created, changed, listed and deleted once it is confirmed', async () => {
  const created = await run('workspaces', 'create', 'Acme', '--retention-days', '30');
  expect(created.lines).toMatchObject([{ slug: 'acme', retentionDays: 30 }]);
  const changed = await run(
    ...['workspaces', 'update', 'acme', '--no-retention-days', '--name', 'ACME Inc'],
  );
  expect(changed.lines).toMatchObject([{ name: 'ACME Inc', retentionDays: null }]);
  const renamed = await run('workspaces', 'update', 'acme', '--time-zone', 'Europe/Vienna');
  expect(renamed.lines).toMatchObject([{ retentionDays: null, timeZone: 'Europe/Vienna' }]);
  expect((await run('workspaces', 'list')).lines.map(({ slug }) => slug)).toContain('acme');

  const unconfirmed = await run('workspaces', 'delete', 'acme');
  expect([unconfirmed.code, unconfirmed.err]).toEqual([
    2,
    expect.stringContaining('add --confirm acme'),
  ]);
  const deleted = await run('workspaces', 'delete', 'acme', '--confirm', 'acme');
  expect(deleted.lines).toEqual([{ deletedSlug: 'acme' }]);
  expect((await run('workspaces', 'list')).lines.map(({ slug }) => slug)).not.toContain('acme');
});

test('a type is defined from a file, shown, changed and deleted while it has no events', async () => {
  const { slug } = await gateway.workspace();
  const schema = { type: 'object', required: ['total'], properties: { total: { maximum: 1e21 } } };
  const file = join(folder, 'order.json');
  writeFileSync(file, JSON.stringify(schema));
  const at = ['--workspace', slug];
  const define = ['definitions', 'define', 'order.paid', ...at];
  await run(...define, '--schema', `@${file}`, '--validation', 'REJECT', '--measure', 'total');
  const [shown] = (await run('definitions', 'show', 'order.paid', ...at)).lines;
  expect(shown).toMatchObject({ payloadSchema: schema, validation: 'REJECT', measures: ['total'] });
  await run(...define, '--no-schema', '--title', 'Paid');
  const listed = await run('definitions', 'list', '--search', 'Paid', ...at);
  expect(listed.lines).toMatchObject([{ name: 'order.paid', title: 'Paid', payloadSchema: null }]);
  expect(await run(...define, '--schema', '@/nowhere')).toMatchObject({ code: 2 });
  expect((await run('definitions', 'delete', 'order.paid', ...at)).lines).toEqual([
    { deletedName: 'order.paid' },
  ]);
  const gone = await run('definitions', 'show', 'order.paid', ...at);
  expect([gone.code, gone.err]).toEqual([1, expect.stringContaining('definitions list')]);
});

test('what is in quarantine is listed, resubmitted once it matches, and discarded', async () => {
  const { slug, key } = await gateway.workspace();
  const at = ['--workspace', slug];
  const define = ['definitions', 'define', 'order', ...at];
  await run(...define, '--schema', '{"required":["n"]}', '--validation', 'QUARANTINE');
  await gateway.data(
    `mutation { recordEvents(input: { events: [
      { id: "a", type: "order" }, { id: "b", type: "order" }, { id: "c", type: "order" }
    ] }) { quarantinedCount } }`,
    {},
    key,
  );
  const { lines } = await run('quarantine', 'list', '--type', 'order', ...at);
  expect(lines).toHaveLength(3);
  const still = await run('quarantine', 'resubmit', '--all', ...at);
  expect([still.code, still.lines.map(({ status }) => status)]).toEqual([
    1,
    ['REJECTED', 'REJECTED', 'REJECTED'],
  ]);
  expect((await run('quarantine', 'discard', ...at)).code).toBe(2);
  const [first] = (await run('quarantine', 'list', ...at)).lines as { id: string }[];
  const one = await run('quarantine', 'discard', first!.id, ...at);
  expect(one.lines).toEqual([{ discardedCount: 1 }]);
  await run(...define, '--validation', 'OFF');
  const taken = await run('quarantine', 'resubmit', '--all', ...at);
  expect([taken.code, taken.lines.map(({ status }) => status)]).toEqual([
    0,
    ['RECORDED', 'RECORDED'],
  ]);
  expect((await run('quarantine', 'list', ...at)).lines).toEqual([]);
});

test('redaction says first how many events it is about, and is done when that is confirmed', async () => {
  const { slug, key } = await gateway.workspace();
  await gateway.data(
    `mutation { recordEvents(input: { events: [
      { id: "1", type: "t", subject: "u-17" }, { id: "2", type: "t", actor: "u-17" }
      { id: "3", type: "t", subject: "u-18" }, { id: "4", type: "t" }
    ] }) { recordedCount } }`,
    {},
    key,
  );
  const about = ['redact', '--workspace', slug, '--subject', 'u-17', '--actor', 'u-17'];
  const chosen = [...about, '--event-id', '4'];
  expect((await run(...chosen)).lines).toEqual([{ matchingCount: 3 }]);
  expect((await run(...chosen, '--yes')).lines).toEqual([{ redactedCount: 3 }]);
  expect((await run(...chosen)).lines).toEqual([{ matchingCount: expect.any(Number) }]);
  const { events } = await gateway.data<{ events: { nodes: { redactedAt: string | null }[] } }>(
    'query ($w: String) { events(workspace: $w) { nodes { redactedAt } } }',
    { w: slug },
  );
  expect(events.nodes.filter(({ redactedAt }) => redactedAt === null)).toHaveLength(1);
  expect((await run('redact', '--workspace', slug)).code).toBe(2);
});

test('a meter is created from options, listed with how far it is filled, and deleted', async () => {
  const { slug } = await gateway.workspace();
  const at = ['--workspace', slug];
  const create = ['meters', 'create', 'latency', ...at, '--type', 'api.request'];
  const created = await run(
    ...[...create, '--group', 'actor', '--group', 'http.path', '--measure', 'p99:ms'],
    ...['--series-max', '50'],
  );
  const meter = {
    ...{ name: 'latency', filter: { types: ['api.request'] }, seriesMax: 50 },
    groupBy: [
      { dimension: 'ACTOR', payloadPath: null },
      { dimension: null, payloadPath: ['http', 'path'] },
    ],
    measures: [{ function: 'P99', payloadPath: ['ms'], dimension: null }],
  };
  expect(created.lines).toMatchObject([meter]);
  const list = async () => (await run('meters', 'list', ...at)).lines;
  await expect
    .poll(list, { timeout: 60_000, interval: 200 })
    .toMatchObject([{ ...meter, status: 'ACTIVE', filledPosition: 0, targetPosition: 0 }]);
  const again = await run(...create);
  expect([again.code, again.err]).toEqual([1, expect.stringContaining('has this name')]);
  expect((await run('meters', 'delete', 'latency', ...at)).lines).toEqual([
    { deletedName: 'latency' },
  ]);
  expect(await list()).toEqual([]);
});
