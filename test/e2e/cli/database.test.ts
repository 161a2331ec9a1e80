/** Commands that work on the database itself, where it is not as they need it. */
import { randomBytes } from 'node:crypto';
import { expect, inject, test } from 'vitest';
import { createDatabase } from '../../../src/db/client.ts';
import { withDatabase } from '../../kit/database-url.ts';
import { createTestDatabase } from '../../kit/database.ts';
import { freePort } from '../../kit/free-port.ts';
import { sluice } from './run.ts';

const COMMANDS = [['verify'], ['verify', '--receipts', 'package.json'], ['epoch']];

async function run(databaseUrl: string, commands: readonly string[][]) {
  const environment = { DATABASE_URL: databaseUrl };
  const runs = await Promise.all(commands.map(args => sluice(args, environment)));
  return runs.map(({ code, out, err }) => ({ code, out, err }));
}

/** One that no gateway was ever started on. */
async function createEmptyDatabase() {
  const admin = createDatabase({ url: inject('adminUrl') });
  const name = `sluice_empty_${randomBytes(6).toString('hex')}`;
  await admin.upkeep.query(`create database ${name}`);
  return {
    url: withDatabase(inject('adminUrl'), name),
    async [Symbol.asyncDispose]() {
      await admin.upkeep.query(`drop database ${name} with (force)`);
      await admin.stop();
    },
  };
}

async function change(databaseUrl: string, statement: string): Promise<void> {
  const db = createDatabase({ url: databaseUrl });
  await db.upkeep.query(statement).finally(() => db.stop());
}

test('a database without Sluice is told as one, also where others keep their migrations', async () => {
  await using database = await createEmptyDatabase();
  const said = {
    ...{ code: 3, out: '' },
    err: 'sluice: The database has no Sluice tables yet. Start a gateway on it, or run "sluice migrate" once.\n',
  };
  expect(await run(database.url, COMMANDS)).toEqual(COMMANDS.map(() => said));
  await change(database.url, 'create table schema_migrations (version text)');
  expect(await run(database.url, [['verify']])).toEqual([said]);
});

test('a database of another version is told with both versions and what to run', async () => {
  await using database = await createTestDatabase();
  await change(
    database.url,
    'delete from schema_migrations where version = (select max(version) from schema_migrations)',
  );
  const older =
    /^sluice: The database has version \d+, this program has version \d+: run "sluice mig/;
  for (const ran of await run(database.url, COMMANDS)) {
    expect(ran).toEqual({ code: 1, out: '', err: expect.stringMatching(older) });
  }
  await change(database.url, `insert into schema_migrations values (9999, 'of the future')`);
  const [ran] = await run(database.url, [['verify']]);
  expect(ran).toMatchObject({ code: 1, err: expect.stringMatching(/9999.*use a newer program/) });
});

test('no database to work on is exit code 3, and says once why', async () => {
  const gone = new URL(inject('adminUrl'));
  gone.port = String(await freePort());
  const missing = withDatabase(inject('adminUrl'), 'sluice_is_not_there');
  const nobody = new URL(inject('adminUrl'));
  nobody.username = 'sluice_nobody';
  for (const [url, why] of [
    [gone.href, 'ECONNREFUSED'],
    [missing, 'sluice_is_not_there'],
    [nobody.href, 'sluice_nobody'],
  ] as const) {
    const commands = [['verify'], ['migrate'], ['serve']];
    for (const { code, err } of await run(url, commands)) {
      expect([code, err.match(/no connection/g), err.match(new RegExp(why, 'g'))]).toEqual([
        3,
        ['no connection'],
        [why],
      ]);
    }
  }
});
