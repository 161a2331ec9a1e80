import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { createTestDatabase, type TestDatabase } from '../kit/database.ts';
import { startTestGateway } from '../kit/gateway.ts';
import { startSluice } from './cli/run.ts';

let database: TestDatabase;
let folder: string;
beforeAll(async () => {
  database = await createTestDatabase();
  folder = mkdtempSync(join(tmpdir(), 'sluice-key-'));
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await database[Symbol.asyncDispose]();
});

const start = (adminKey: string | null) =>
  startTestGateway({ databaseUrl: database.url, config: { adminKey } });
type Gateway = Awaited<ReturnType<typeof start>>;

async function isAdmin({ graphql }: Gateway, key: string): Promise<boolean> {
  return (await graphql('{ apiKeys { nodes { id } } }', {}, key)).errors === undefined;
}

const [FIRST, SECOND, THIRD] = ['first', 'second', 'third'].map(n => `an-admin-key-of-${n}`) as [
  string,
  string,
  string,
];

test('a new SLUICE_ADMIN_KEY revokes the one before, and says so', async () => {
  {
    await using gateway = await start(FIRST);
    expect(await isAdmin(gateway, FIRST)).toBe(true);
  }
  {
    await using gateway = await start(SECOND);
    expect(await isAdmin(gateway, SECOND)).toBe(true);
    expect(await isAdmin(gateway, FIRST)).toBe(false);
    expect(gateway.gateway.notes.join('\n')).toMatch(/earlier SLUICE_ADMIN_KEY, an-a…, is revoked/);
  }
  {
    await using gateway = await start(FIRST);
    expect(await isAdmin(gateway, FIRST)).toBe(false);
    expect(await isAdmin(gateway, SECOND)).toBe(true);
    expect(gateway.gateway.notes.join('\n')).toMatch(/SLUICE_ADMIN_KEY is not a valid admin key/);
  }
  {
    await using gateway = await start(null);
    expect(gateway.gateway.notes.join('\n')).toMatch(/earlier SLUICE_ADMIN_KEY.* is still valid/);
  }
});

test('SLUICE_ADMIN_KEY is rotated without a moment in which neither is taken', async () => {
  await using gateway = await start(THIRD);
  const { apiKeys } = await gateway.data<{ apiKeys: { nodes: { id: string; name: string }[] } }>(
    '{ apiKeys(last: 1) { nodes { id name } } }',
    {},
    THIRD,
  );
  expect(apiKeys.nodes[0]!.name).toBe('SLUICE_ADMIN_KEY');
  const { rotateApiKey } = await gateway.data<{ rotateApiKey: { secret: string } }>(
    'mutation($id: ID!) { rotateApiKey(input: { id: $id }) { secret } }',
    { id: apiKeys.nodes[0]!.id },
    THIRD,
  );
  await using restarted = await start(rotateApiKey.secret);
  expect(await isAdmin(restarted, rotateApiKey.secret)).toBe(true);
  // It stops with its overlap, so that gateways may be restarted one after the other.
  expect(await isAdmin(restarted, THIRD)).toBe(true);
  // The server itself may have a setting that is warned of.
  const ofKeys = restarted.gateway.notes.filter(note => note.includes('SLUICE_ADMIN_KEY'));
  expect(ofKeys).toEqual([]);
});

test('a first key is kept in the data folder, and is in no log', async () => {
  const dataDir = join(folder, 'data');
  const served = startSluice(['serve'], {
    ...{ PORT: '0', SLUICE_DATA_DIR: dataDir, SLUICE_ADMIN_KEY: '', LOG_LEVEL: 'debug' },
  });
  let said = '';
  served.process.stdout!.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const ready = expect.poll(() => said, { timeout: 60_000, interval: 100 });
  await ready.toContain('Sluice is ready').finally(() => served.process.kill('SIGTERM'));
  const { out, err } = await served.ended;
  const key = readFileSync(join(dataDir, 'admin-key'), 'utf8').trim();
  expect(key).toMatch(/^slc_[0-9a-f]{8}_/);
  expect(out).toContain(`The admin key is kept in ${join(dataDir, 'admin-key')}.`);
  expect(out + err).not.toContain(key.slice('slc_12345678_'.length));
});

test('where no key can be shown or kept, none is made, and the start says what to set', async () => {
  await using empty = await createTestDatabase();
  {
    await using gateway = await startTestGateway({
      databaseUrl: empty.url,
      config: { adminKey: null },
    });
    expect(gateway.gateway.newAdminKey).toBeNull();
    expect(gateway.gateway.notes.join('\n')).toMatch(/There is no ADMIN key\. .*SLUICE_ADMIN_KEY/);
    expect(await gateway.db.read.query('select id from api_keys')).toEqual([]);
  }
  await using gateway = await startTestGateway({
    databaseUrl: empty.url,
    config: { adminKey: FIRST },
  });
  expect(await isAdmin(gateway, FIRST)).toBe(true);
});

test.each(['change-me-to-something-long', 'changeme-changeme', 'CHANGE_ME_0123456789'])(
  'the example %s is refused as a key, by name',
  key => {
    const said = /SLUICE_ADMIN_KEY is an example from documentation/;
    expect(() => readConfig({ SLUICE_ADMIN_KEY: key })).toThrow(said);
  },
);

test('the admin key is read from a file, without its line break', () => {
  const file = join(folder, 'key');
  writeFileSync(file, `${FIRST}\n`);
  expect(readConfig({ SLUICE_ADMIN_KEY_FILE: file }).adminKey).toBe(FIRST);
  const read = (content: string) => () => {
    writeFileSync(file, content);
    return readConfig({ SLUICE_ADMIN_KEY_FILE: file });
  };
  expect(read('short')).toThrow(
    /SLUICE_ADMIN_KEY_FILE names a file, but the key in it expects 16 characters/,
  );
  expect(read('change-me-to-something-long')).toThrow(/is an example from documentation/);
  expect(read('hunter2')).not.toThrow(/hunter2/);
  expect(() => readConfig({ SLUICE_ADMIN_KEY_FILE: join(folder, 'none') })).toThrow(/ENOENT/);
  expect(() => readConfig({ SLUICE_ADMIN_KEY: FIRST, SLUICE_ADMIN_KEY_FILE: file })).toThrow();
  writeFileSync(file, FIRST);
  expect(() => readConfig({ SLUICE_ADMIN_KEY: FIRST, SLUICE_ADMIN_KEY_FILE: file })).toThrow(
    /SLUICE_ADMIN_KEY_FILE cannot be combined with SLUICE_ADMIN_KEY/,
  );
});
