import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { createDatabase, type Database } from '../../../src/db/client.ts';
import { readInstallation, renewEpoch } from '../../../src/db/installation.ts';
import { startChildGateway } from '../../kit/child-gateway.ts';
import { withDatabase } from '../../kit/database-url.ts';
import { ADMIN_KEY, startTestGateway } from '../../kit/gateway.ts';
import { sluice } from './run.ts';

async function sluiceOn(databaseUrl: string, command: string, expected = 0): Promise<string> {
  const { code, out, err } = await sluice([command], { DATABASE_URL: databaseUrl });
  expect([code, err]).toEqual([expected, '']);
  return out;
}

const PAGE = 'query($c: String!) { events(after: $c) { totalCount } }';

async function record(gateway: Pick<Awaited<ReturnType<typeof startTestGateway>>, 'data'>) {
  const { recordEvent } = await gateway.data<{ recordEvent: { receipt: { cursor: string } } }>(
    'mutation { recordEvent(input: { event: { type: "a" } }) { receipt { cursor } } }',
  );
  return recordEvent.receipt.cursor;
}

/** A copy of a database, as a restored dump is one: elsewhere, with the same content. */
async function copyOf(databaseUrl: string) {
  const name = `sluice_copy_${randomBytes(6).toString('hex')}`;
  const admin = createDatabase({ url: withDatabase(databaseUrl, 'postgres') });
  const from = new URL(databaseUrl).pathname.slice(1);
  await admin.upkeep.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = $1`,
    [from],
  );
  await admin.upkeep.query(`create database ${name} template ${from}`);
  return {
    url: withDatabase(databaseUrl, name),
    async [Symbol.asyncDispose]() {
      await admin.upkeep.query(`drop database ${name} with (force)`);
      await admin.stop();
    },
  };
}

test('a restored database says that its epoch is due, until it is renewed or kept', async () => {
  await using original = await startTestGateway();
  const { databaseUrl } = original;
  const cursor = await record(original);
  expect(await isDue(databaseUrl)).toBe(false);
  await original.gateway.stop();
  await using copy = await copyOf(databaseUrl);
  expect(await sluiceOn(copy.url, 'verify', 5)).toMatch(/EPOCH DUE: .*run "sluice epoch"/);
  await using warned = await startChildGateway(copy.url);
  await expect.poll(warned.log).toContain('run \\"sluice epoch\\"');
  await warned[Symbol.asyncDispose]();
  await using another = await copyOf(copy.url);

  expect(await isDue(another.url)).toBe(true);
  await sluiceOn(another.url, 'epoch');
  await withDatabaseOf(copy.url, db => renewEpoch(db.write, { keep: true }));
  for (const [url, code] of [
    [copy.url, undefined],
    [another.url, 'CURSOR_EPOCH'],
  ] as const) {
    expect(await isDue(url)).toBe(false);
    await using renewed = await startTestGateway({ databaseUrl: url });
    const { errors } = await renewed.graphql(PAGE, { c: cursor });
    expect(errors?.[0]?.extensions['code']).toBe(code);
  }
});

test('who goes on with a cursor from before the epoch is told to begin anew', async () => {
  await using before = await startTestGateway();
  const cursor = await record(before);
  const file = join(mkdtempSync(join(tmpdir(), 'sluice-epoch-')), 'all.ndjson');
  const at = (url: string) => ({ SLUICE_URL: url, SLUICE_KEY: ADMIN_KEY });
  expect(await sluice(['export', '-o', file], at(before.url))).toMatchObject({ code: 0 });
  await before.gateway.stop();
  await sluiceOn(before.databaseUrl, 'epoch');
  await using after = await startTestGateway({ databaseUrl: before.databaseUrl });
  const anew = /without --after/;
  for (const [args, said] of [
    [['export', '--after', cursor], anew],
    [['export', '--after', 'nonsense'], anew],
    [
      ['export', '-o', file, '--resume'],
      /without --after and --resume to start from the beginning, to another/,
    ],
    [['tail', '--after', cursor], anew],
  ] as const) {
    const { code, err } = await sluice(args, at(after.url));
    expect([args, code, err]).toEqual([args, 1, expect.stringMatching(said)]);
    expect(err).not.toMatch(/--after [\w-]{8}|with --resume/);
  }
  rmSync(dirname(file), { recursive: true });
});

async function isDue(url: string): Promise<boolean> {
  return (await withDatabaseOf(url, db => readInstallation(db.read))).isEpochDue;
}

async function withDatabaseOf<T>(url: string, work: (db: Database) => Promise<T>): Promise<T> {
  const db = createDatabase({ url });
  return work(db).finally(() => db.stop());
}
