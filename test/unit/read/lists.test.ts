import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodeCursor, LOG_BEGINNING } from '../../../src/core/cursor.ts';
import type { Page, PageArgs } from '../../../src/core/page.ts';
import { createDatabase, type Database } from '../../../src/db/client.ts';
import { apiKeyCursor, createApiKeyReader } from '../../../src/read/api-keys.ts';
import { createDefinitionReader, definitionCursor } from '../../../src/read/definitions.ts';
import { createQuarantineReader, quarantineCursor } from '../../../src/read/quarantine.ts';
import { createWorkspaceReader, workspaceCursor } from '../../../src/read/workspaces.ts';
import { createTestDatabase, type TestDatabase } from '../../kit/database.ts';
import { createPartitions, createWorkspace, START, storeEvents } from './event-rows.ts';

let testDatabase: TestDatabase;
let database: Database;
let acme: number;
let beta: number;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  database = createDatabase({ url: testDatabase.url });
  await createPartitions(database.upkeep, []);
  acme = await createWorkspace(database.upkeep, 'acme');
  beta = await createWorkspace(database.upkeep, 'beta');
});

afterAll(async () => {
  await database.stop();
  await testDatabase[Symbol.asyncDispose]();
});

type ReadPage<T> = (args: PageArgs) => Promise<Page<T>>;

/** Walks a list both ways in small pages, and checks what each page says of its ends. */
async function expectList<T>(
  read: ReadPage<T>,
  cursorOf: (item: T) => string,
  expected: readonly T[],
) {
  expect((await read({ first: 1_000 })).items).toEqual(expected);
  const forward: T[] = [];
  for (let after: string | null = null; ;) {
    const page: Page<T> = await read({ first: 2, after });
    forward.push(...page.items);
    expect(page.hasPreviousPage).toBe(after !== null);
    expect(page.hasNextPage).toBe(forward.length < expected.length);
    if (!page.hasNextPage) break;
    after = cursorOf(page.items.at(-1) as T);
  }
  expect(forward).toEqual(expected);
  const backward: T[] = [];
  for (let before: string | null = null; ;) {
    const page: Page<T> = await read({ last: 2, before });
    backward.unshift(...page.items);
    expect(page.hasNextPage).toBe(before !== null);
    expect(page.hasPreviousPage).toBe(backward.length < expected.length);
    if (!page.hasPreviousPage) break;
    before = cursorOf(page.items[0] as T);
  }
  expect(backward).toEqual(expected);
  const [from, to] = [expected[0], expected.at(-1)] as [T, T];
  const inner = await read({ first: 100, after: cursorOf(from), before: cursorOf(to) });
  expect(inner).toEqual({ items: expected.slice(1, -1), hasNextPage: true, hasPreviousPage: true });
  expect(await read({ first: 0 })).toEqual({
    items: [],
    hasNextPage: true,
    hasPreviousPage: false,
  });
  await expect(read({ after: 'junk' })).rejects.toMatchObject({ code: 'CURSOR_INVALID' });
}

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'none',
    (error: unknown) => (error as { code: string }).code,
  );

describe('definitions', () => {
  const NAMES = ['A', 'a', 'a.b', 'b', 'user.signup', 'ä', '\ue000', '😀'];

  beforeAll(async () => {
    for (const name of NAMES.toReversed()) {
      await database.upkeep.query(
        `insert into event_definitions (workspace_id, name, title, category, status, payload_schema, measures)
         values ($1, $2, $3, $4, $5, $6::text::jsonb, array['total', 'net'])`,
        [
          acme,
          name,
          `Title of ${name}`,
          name === 'b' ? null : 'Cat',
          name === 'a' ? 'ACTIVE' : 'DISCOVERED',
          name === 'b' ? '{"type": "object"}' : null,
        ],
      );
    }
    await database.upkeep.query(
      'insert into event_definitions (workspace_id, name) values ($1, $2)',
      [beta, 'b'],
    );
  });

  test('are paged by name in code point order, both ways', async () => {
    const reader = createDefinitionReader(database.read);
    const expected = await reader.byNames(acme, NAMES);
    await expectList(
      args => reader.page(acme, args),
      definitionCursor,
      expected.map(d => d!),
    );
  });

  test('carry all that is known of them', async () => {
    const [b] = await createDefinitionReader(database.read).byNames(acme, ['b']);
    expect(b).toEqual({
      workspaceId: acme,
      id: expect.any(Number),
      name: 'b',
      title: 'Title of b',
      description: null,
      category: null,
      status: 'DISCOVERED',
      payloadSchema: { type: 'object' },
      validation: 'OFF',
      version: 1,
      revision: 1,
      measures: ['total', 'net'],
      compatibility: 'NONE',
      createdAt: expect.any(Date),
      updatedAt: expect.any(Date),
      eventCount: 0,
      firstRecordedAt: null,
      lastRecordedAt: null,
    });
  });

  test('are found by names and ids within their workspace', async () => {
    const reader = createDefinitionReader(database.read);
    const found = await reader.byNames(acme, ['b', 'none', 'a', 'b', '\0']);
    expect(found.map(d => d?.name ?? null)).toEqual(['b', null, 'a', 'b', null]);
    const ids = found.map(d => d?.id ?? 2 ** 40);
    expect(await reader.byIds(acme, ids)).toEqual(found);
    expect(await reader.byIds(beta, ids)).toEqual(ids.map(() => null));
  });

  test('are filtered and counted', async () => {
    const reader = createDefinitionReader(database.read);
    const expected: [object | null, string[]][] = [
      [null, NAMES],
      [{ names: ['b', 'none'] }, ['b']],
      [{ names: [] }, []],
      [{ namePrefix: 'a' }, ['a', 'a.b']],
      [{ categories: ['Cat'], statuses: ['ACTIVE'] }, ['a']],
      [{ search: 'SIGNUP cat' }, ['user.signup']],
      [{ search: ' ' }, NAMES],
    ];
    for (const [filter, names] of expected) {
      const page = await reader.page(acme, { filter });
      expect([filter, page.items.map(d => d.name)]).toEqual([filter, names]);
      expect(await reader.count(acme, filter)).toBe(names.length);
    }
  });

  test('refuse cursors of others, and a filter that is not well-formed', async () => {
    const reader = createDefinitionReader(database.read);
    const after = encodeCursor('definitions.name', acme, ['a']);
    expect(await codeOf(reader.page(beta, { after }))).toBe('CURSOR_INVALID');
    for (const place of [[], ['a', 'b'], ['\0']]) {
      const made = encodeCursor('definitions.name', acme, place);
      expect(await codeOf(reader.page(acme, { after: made }))).toBe('CURSOR_INVALID');
    }
    expect(await codeOf(reader.page(acme, { filter: { search: '\0' } }))).toBe('BAD_USER_INPUT');
    expect(await codeOf(reader.count(acme, { names: ['\ud800'] }))).toBe('BAD_USER_INPUT');
  });
});

describe('workspaces', () => {
  test('are paged by slug, or only the one that a key covers', async () => {
    const reader = createWorkspaceReader(database.read);
    for (const slug of ['z', 'm', 'k']) await createWorkspace(database.upkeep, slug);
    const expected = await reader.bySlugs(['acme', 'beta', 'k', 'm', 'z']);
    await expectList(
      args => reader.page(null, args),
      workspaceCursor,
      expected.map(w => w!),
    );
    const own = await reader.page(beta, { first: 5 });
    expect(own).toEqual({ items: [expected[1]], hasNextPage: false, hasPreviousPage: false });
  });

  test('are found by slugs in any case, and by ids', async () => {
    const reader = createWorkspaceReader(database.read);
    const found = await reader.bySlugs(['ACME', 'none', 'Beta', '\0']);
    expect(found.map(w => w?.id ?? null)).toEqual([acme, null, beta, null]);
    expect(found[0]).toEqual({
      id: acme,
      slug: 'acme',
      name: 'acme',
      createdAt: expect.any(Date),
      retentionDays: null,
      dedupeDays: 30,
      timeZone: 'UTC',
      unknownTypes: 'DISCOVER',
      evidence: false,
      searchIndex: false,
    });
    expect(await reader.byIds([beta, 0.5, 2 ** 31, acme])).toEqual([
      found[2],
      null,
      null,
      found[0],
    ]);
  });

  test('have heads and tails, many in one statement', async () => {
    const reader = createWorkspaceReader(database.read);
    await storeEvents(database.upkeep, acme, [{ position: 1 }, { position: 2 }]);
    await storeEvents(database.upkeep, acme, [{ position: 3 }]);
    await database.upkeep.query('insert into workspace_marks (workspace_id, tail) values ($1, 2)', [
      acme,
    ]);
    const head = { position: 3, recordedAt: new Date(START.getTime() + 3_000) };
    expect(await reader.heads([acme, beta, 999])).toEqual(
      new Map([
        [acme, head],
        [beta, LOG_BEGINNING],
        [999, LOG_BEGINNING],
      ]),
    );
    expect(await reader.tails([acme, beta])).toEqual(
      new Map([
        [acme, 2],
        [beta, 1],
      ]),
    );
  });
});

describe('keys', () => {
  test('are paged in the order they were made, of one workspace or of all, without their secrets', async () => {
    const reader = createApiKeyReader(database.read);
    const owners = [acme, null, beta, acme, acme];
    for (const [index, owner] of owners.entries()) {
      await database.upkeep.query(
        `insert into api_keys (name, prefix, hash, scopes, workspace_id)
         values ($1, 'slc_ab', $1, array['EVENTS_READ', 'EVENTS_WRITE'], $2)`,
        [`key-${index}`, owner],
      );
    }
    const all = (await reader.page(null, {})).items;
    expect(all.map(key => key.name)).toEqual(owners.map((_, index) => `key-${index}`));
    expect(all[0]).toEqual({
      id: all[0]!.id,
      name: 'key-0',
      prefix: 'slc_ab',
      scopes: ['EVENTS_READ', 'EVENTS_WRITE'],
      workspaceId: acme,
      createdAt: expect.any(Date),
      lastUsedAt: null,
      expiresAt: null,
      revokedAt: null,
      addresses: null,
      createdBy: null,
      quota: { eventsPerDay: null, eventsPerMonth: null },
    });
    await expectList(
      args => reader.page(null, args),
      key => apiKeyCursor(null, key),
      all,
    );
    const own = all.filter(key => key.workspaceId === acme);
    await expectList(
      args => reader.page(acme, args),
      key => apiKeyCursor(acme, key),
      own,
    );
    const after = apiKeyCursor(null, all[0]!);
    expect(await codeOf(reader.page(acme, { after }))).toBe('CURSOR_INVALID');
    const made = encodeCursor('apiKeys.id', acme, ['1e9']);
    expect(await codeOf(reader.page(acme, { after: made }))).toBe('CURSOR_INVALID');
    expect(await reader.byIds([all[1]!.id, -1, all[0]!.id])).toEqual([all[1], null, all[0]]);
  });
});

describe('quarantined events', () => {
  test('are paged newest first, and found by ids', async () => {
    const reader = createQuarantineReader(database.read);
    for (const second of [1, 2, 2, 3, 4]) {
      await database.upkeep.query(
        `insert into quarantined_events (workspace_id, received_at, door, problems, event)
         values ($1, $2, 1, '[{"code": "X"}]', '{"payload": {"n": 9007199254740993}}')`,
        [acme, new Date(START.getTime() + second * 1_000)],
      );
    }
    const { items } = await reader.page(acme, {});
    expect(items.map(item => (item.receivedAt.getTime() - START.getTime()) / 1_000)).toEqual([
      4, 3, 2, 2, 1,
    ]);
    expect(items[0]).toMatchObject({
      workspaceId: acme,
      door: 'GRAPHQL',
      problems: [{ code: 'X' }],
      event: '{"payload": {"n": 9007199254740993}}',
    });
    await expectList(args => reader.page(acme, args), quarantineCursor, items);
    const [first, second] = items as [(typeof items)[0], (typeof items)[0]];
    const asked = [second.id, 'none', first.id.toUpperCase()];
    expect(await reader.byIds(acme, asked)).toEqual([second, null, first]);
    expect(await reader.byIds(beta, asked)).toEqual([null, null, null]);
    for (const place of [['1', 'x'], ['x', first.id], ['1', first.id, '2'], []]) {
      const made = encodeCursor('quarantine.receivedAt', acme, place);
      expect(await codeOf(reader.page(acme, { after: made }))).toBe('CURSOR_INVALID');
    }
  });
});
