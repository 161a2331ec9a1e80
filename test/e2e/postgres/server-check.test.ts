import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import {
  CONNECTIONS_MIN,
  CONNECTIONS_WITH_STANDBY_MIN,
  primaryConnections,
  shareConnections,
} from '../../../src/core/connection-shares.ts';
import { type ServerFacts, serverFaults, serverNotes } from '../../../src/core/server-facts.ts';
import { createDatabase, type Database } from '../../../src/db/client.ts';
import { withDatabase } from '../../kit/database-url.ts';
import { startTestGateway } from '../../kit/gateway.ts';
import { sluice } from '../cli/run.ts';

let admin: Database;
beforeAll(() => {
  admin = createDatabase({ url: inject('adminUrl') });
});
afterAll(() => admin.stop());

const anyName = () => `sluice_check_${randomBytes(6).toString('hex')}`;

/** An empty database, which statements about `$name` have changed. */
async function aDatabase(options: string, ...changes: string[]) {
  const name = anyName();
  await admin.upkeep.query(`create database ${name} ${options}`);
  for (const change of changes) await admin.upkeep.query(change.replaceAll('$name', name));
  return {
    name,
    url: withDatabase(inject('adminUrl'), name),
    [Symbol.asyncDispose]: async () =>
      void (await admin.upkeep.query(`drop database ${name} with (force)`)),
  };
}

const REFUSED: readonly [string, string, string, RegExp][] = [
  [
    'may lose what it confirmed',
    '',
    'alter database $name set synchronous_commit = off',
    /these settings are off: synchronous_commit\. Turn them on/,
  ],
  [
    'keeps text in another encoding',
    `encoding 'LATIN1' locale_provider libc locale 'C' template template0`,
    '',
    /must be UTF8, but is LATIN1: make another one/,
  ],
  [
    'accepts no writes',
    '',
    'alter database $name set default_transaction_read_only = on',
    /default_transaction_read_only is on for the role \w+ or its database: turn it off/,
  ],
  [
    'hides damage',
    '',
    'alter database $name set zero_damaged_pages = on',
    /these settings are on: zero_damaged_pages\. Turn them off/,
  ],
  [
    'has no place for tables',
    '',
    `alter database $name set search_path = ''`,
    /search_path of the role \w+ names no existing schema/,
  ],
];

describe('a server on which a gateway could not keep its promises is refused before it is written to', () => {
  test.each(REFUSED)('one that %s', async (_, options, change, reason) => {
    await using database = await aDatabase(options, ...(change === '' ? [] : [change]));
    await expect(startTestGateway({ databaseUrl: database.url })).rejects.toThrow(reason);
    const { code, err } = await sluice(['migrate'], { DATABASE_URL: database.url });
    expect(err).toMatch(reason);
    expect(code).not.toBe(0);
    const db = createDatabase({ url: database.url });
    const tables = `select relname from pg_class where relname = 'schema_migrations'`;
    expect(await db.upkeep.query(tables)).toEqual([]);
    await db.stop();
  });

  test('one where the role may make no tables, or has too few connections, each with what to do', async () => {
    const role = anyName();
    await admin.upkeep.query(`create role ${role} login password 'x' connection limit 20`);
    await using database = await aDatabase('', `grant connect on database $name to ${role}`);
    const url = new URL(database.url);
    url.username = role;
    url.password = 'x';
    const started = startTestGateway({ databaseUrl: url.href });
    await expect(started).rejects.toThrow(`"grant create on schema public to ${role}"`);
    await expect(started).rejects.toThrow(
      'up to 32 connections, but the server accepts 20: raise max_connections, or the limit of ' +
        'the role or database, or set SLUICE_CONNECTIONS_MAX=20.',
    );
    await admin.upkeep.query(`revoke connect on database ${database.name} from ${role}`);
    await admin.upkeep.query(`drop role ${role}`);
  });
});

const SOUND: ServerFacts = {
  version: '17.1',
  versionNumber: 170_001,
  encoding: 'UTF8',
  isStandby: false,
  isReadOnly: false,
  wronglyOff: [],
  wronglyOn: [],
  schema: 'public',
  role: 'sluice',
  mayCreate: true,
  hasTables: false,
  hasAutovacuum: true,
  connections: 97,
  gateways: 2,
};

test('of a sound server nothing is said', () => {
  expect([...serverFaults(SOUND, 32), ...serverNotes(SOUND, 32)]).toEqual([]);
});

test.each([
  [{ versionNumber: 140_010, version: '14.10' }, 'version 15 or later, but is 14.10'],
  [{ isStandby: true, isReadOnly: true }, 'is a standby, which accepts no writes'],
  [{ wronglyOff: ['fsync', 'full_page_writes'] }, 'off: fsync, full_page_writes'],
  [{ connections: 12 }, 'accepts 12: raise max_connections, or the limit of the role or database.'],
])('what is refused has one reason: %o', (facts, reason) => {
  const faults = serverFaults({ ...SOUND, ...facts }, 32);
  expect(faults).toHaveLength(1);
  expect(faults[0]).toContain(reason);
});

test('more gateways than the server has connections for, and no autovacuum, are warned of', () => {
  const [crowded, ...others] = serverNotes({ ...SOUND, gateways: 3 }, 32);
  expect(others).toEqual([]);
  expect(crowded).toContain(
    '4 gateways of up to 32 connections hold up to 128, but the server accepts 97',
  );
  expect(serverNotes({ ...SOUND, hasAutovacuum: false }, 32)).toHaveLength(1);
});

const sumOf = (counts: number[]) => counts.reduce((sum, each) => sum + each, 0);

test('the connections of all pools add up to what is set, and each has one', () => {
  for (let max = CONNECTIONS_MIN; max < 200; max++) {
    const { standbyPages, standbyRead, ...shares } = shareConnections(max);
    expect([standbyPages, standbyRead]).toEqual([0, 0]);
    expect(sumOf(Object.values(shares))).toBe(max);
    expect(Math.min(...Object.values(shares))).toBeGreaterThan(0);
  }
  for (let max = CONNECTIONS_WITH_STANDBY_MIN; max < 200; max++) {
    const shares = shareConnections(max, true);
    expect(sumOf(Object.values(shares))).toBe(max);
    expect(Math.min(...Object.values(shares))).toBeGreaterThan(0);
    const { standbyPages, standbyRead } = shares;
    expect(primaryConnections(max, true)).toBe(max - standbyPages - standbyRead);
  }
});
