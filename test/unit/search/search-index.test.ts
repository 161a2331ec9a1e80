/** The index of searches: it changes no answer, and what is taken away of events is taken out of it. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AggregateQuery } from '../../../src/core/aggregate.ts';
import { eventCursors } from '../../../src/core/cursor.ts';
import type { StoredEvent } from '../../../src/core/event.ts';
import { compileFilter } from '../../../src/core/filter-matches.ts';
import type { EventFilter } from '../../../src/core/filter.ts';
import { BLOCK_EVENTS, searchTerms } from '../../../src/core/search-index.ts';
import type { Workspace } from '../../../src/core/workspace.ts';
import type { Connection } from '../../../src/db/connection.ts';
import { transaction } from '../../../src/db/transaction.ts';
import { createAggregateReader } from '../../../src/read/aggregates.ts';
import type { EventReader } from '../../../src/read/event-reader.ts';
import { createEventReader } from '../../../src/read/events.ts';
import { createNarrow, type Narrow } from '../../../src/read/search-index.ts';
import { createWorkspaceReader } from '../../../src/read/workspaces.ts';
import { advanceSearch, findSearchWork } from '../../../src/search/build.ts';
import { createWorkspaceAdmin } from '../../../src/security/workspace-admin.ts';
import { expireNext } from '../../../src/upkeep/expiry.ts';
import { redact } from '../../../src/upkeep/redact.ts';
import { lookUpTails, removeNext } from '../../../src/upkeep/retention.ts';
import { purgeDeleted } from '../../../src/upkeep/upkeep-purge.ts';
import '../../kit/chance.ts';
import { foldAll } from '../../kit/past.ts';
import { anEvent, startRecordingDatabase } from '../../kit/recording.ts';
import { unaudited } from '../../kit/unaudited.ts';
import { type EventSeed, storeEvents } from '../read/event-rows.ts';

let side: Awaited<ReturnType<typeof startRecordingDatabase>>;
let reader: EventReader;
let narrow: Narrow;
beforeAll(async () => {
  side = await startRecordingDatabase();
  const { read } = side.db;
  const workspaces = createWorkspaceReader(read);
  narrow = createNarrow(read, async id => {
    const [workspace] = await workspaces.byIds([id]);
    return workspace?.searchIndex === true;
  });
  reader = createEventReader({ read, epoch: 'e', narrow });
  // Seeds lie in 2026, whatever the day.
  await side.db.upkeep.query(
    `create table events_seeds partition of events for values from ('2020-01-01') to ('2026-06-01')`,
  );
});
afterAll(() => side[Symbol.asyncDispose]());

const admin = () => createWorkspaceAdmin(side.db.write, unaudited);

/** Works until nothing is left, or so many steps. */
async function index(workspaceId: number, stepsMax = Infinity): Promise<void> {
  for (let step = 0; step < stepsMax; step++) {
    const isMore = await transaction(side.db.upkeep, async connection => {
      const work = await findSearchWork(connection, [workspaceId], () => 'true' as never);
      if (work !== null) await advanceSearch(connection, work);
      return work !== null;
    });
    if (!isMore) return;
  }
}

const isIndexed = async (workspaceId: number, condition: EventFilter) =>
  (await narrow({ workspaceId, condition, blocksMax: 1_000 })) !== null;

async function allPages(workspaceId: number, filter: EventFilter, direction: 'ASC' | 'DESC') {
  const order = { field: 'POSITION', direction } as const;
  const events: StoredEvent[] = [];
  for (let after: string | null = null; ;) {
    const page = await reader.page(workspaceId, { filter, order, first: 100, after });
    events.push(...page.items);
    const last = events.at(-1);
    if (!page.hasNextPage || last === undefined) return events;
    after = eventCursors('e', workspaceId).encodePosition(last);
  }
}

const AGGREGATE: Omit<AggregateQuery, 'filter'> = {
  timeframe: { last: 86_400_000 },
  granularity: null,
  timeZone: 'UTC',
  groupBy: [],
  measures: [],
  fill: 'NONE',
  orderBy: 'BUCKET',
};

const positionsOf = (events: readonly StoredEvent[]) => events.map(({ position }) => position);

async function blocksOf(workspaceId: number) {
  return side.db.read.query<{ block: number; terms: string | null }>(
    'select block, terms::text as terms from search_blocks where workspace_id = $1 order by block',
    [workspaceId],
  );
}

async function holdTerms(workspaceId: number, search: string): Promise<number[]> {
  const terms = `{${searchTerms(workspaceId, search).join(',')}}`;
  const rows = await side.db.read.query<{ block: number }>(
    'select block from search_blocks where workspace_id = $1 and terms @> $2::text::int[] order by 1',
    [workspaceId, terms],
  );
  return rows.map(({ block }) => block);
}

describe('answers', () => {
  const PARTS = [
    'ada',
    'ADA',
    'byron',
    'É',
    'é',
    'ß',
    '😀😀',
    '12.50',
    '"',
    '\\',
    'n\nx',
    '_',
    'abc',
  ];
  const text = fc.array(fc.constantFrom(...PARTS), { minLength: 1, maxLength: 3 });
  const joined = text.map(parts => parts.join(''));
  const seed = fc.record({
    type: fc.constantFrom('user.signup', 'order.paid'),
    source: fc.option(fc.constantFrom('app', 'App', 'shop 1')),
    clientIp: fc.option(fc.constantFrom('10.0.0.1', '2001:db8::1')),
    subject: fc.option(joined),
    actor: fc.option(joined),
    description: fc.option(joined),
    payload: fc.oneof(
      joined.map(value => JSON.stringify({ value })),
      joined.map(key => JSON.stringify({ [key]: [1.5, { deep: key.length }] })),
    ),
  });
  const condition: fc.Arbitrary<EventFilter> = fc
    .record(
      {
        search: fc.oneof(
          joined,
          fc.array(joined, { maxLength: 3 }).map(words => words.join(' ')),
          fc.constantFrom('user.signup', 'signup ada', '1.5', 'deep', 'nothing-has-this', 'x'),
        ),
        sources: fc.subarray(['app', 'App', 'shop 1', 'none']),
        clientIps: fc.subarray(['10.0.0.1', '2001:0DB8::0001', '10.9.9.9']),
        types: fc.constant(['order.paid']),
      },
      { requiredKeys: [] },
    )
    .chain(filter => fc.constantFrom(filter, { and: [filter] }, { not: filter }, { or: [filter] }));

  test('of any search, source and client address are those of a scan, wherever the index ends', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(seed, { minLength: 1, maxLength: 120 }),
        fc.nat(4),
        fc.array(condition, { minLength: 1, maxLength: 5 }),
        async (seeds, steps, filters) => {
          const { id } = await side.workspace({ searchIndex: true });
          const rows: EventSeed[] = seeds.map((row, at) => ({ ...row, position: at + 1 }));
          const half = Math.ceil(rows.length / 2);
          await storeEvents(side.db.upkeep, id, rows.slice(0, half));
          await index(id, steps);
          if (half < rows.length) await storeEvents(side.db.upkeep, id, rows.slice(half));
          const everything = await allPages(id, {}, 'ASC');
          for (const filter of filters) {
            const matches = compileFilter(filter);
            const expected = positionsOf(everything.filter(event => matches(event)));
            expect(positionsOf(await allPages(id, filter, 'ASC'))).toEqual(expected);
            expect(positionsOf(await allPages(id, filter, 'DESC'))).toEqual(expected.toReversed());
            expect(await reader.count(id, filter)).toBe(expected.length);
            const byTime = { field: 'OCCURRED_AT', direction: 'ASC' } as const;
            const timed = await reader.page(id, { filter, order: byTime, first: 200 });
            expect(positionsOf(timed.items)).toEqual(expected);
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  test('are whole where more blocks have the terms than are named, both ways', async () => {
    const { id } = await side.workspace({ searchIndex: true });
    // Named are 500 of 600 blocks, so these are at the edges of what is named.
    const edges = [0, 99, 100, 300, 499, 500, 599];
    const [gap, matching] = [80, 600];
    const seeds = Array.from({ length: (2 * gap + matching) * BLOCK_EVENTS - 1 }, (_, at) => {
      const position = at + 1;
      const block = Math.floor(position / BLOCK_EVENTS) - gap;
      // The first and the last event of a block.
      const isEdge = [0, BLOCK_EVENTS - 1].includes(position % BLOCK_EVENTS);
      const has = isEdge && block >= 0 && block < matching;
      return {
        position,
        payload: JSON.stringify({ text: has ? 'needle' : 'hay' }),
        type: has && edges.includes(block) ? 'order.paid' : 'user.signup',
      };
    });
    await storeEvents(side.db.upkeep, id, seeds);
    await index(id);
    const paid = seeds.filter(({ type }) => type === 'order.paid').map(({ position }) => position);
    expect(paid).toHaveLength(2 * edges.length);
    // One page: most events of the named blocks are not of this type, so it goes on after them.
    const condition = { search: 'needle', types: ['order.paid'] };
    for (const descending of [false, true]) {
      const reading = { descending, from: null };
      const found = await narrow({ workspaceId: id, condition, blocksMax: 500, reading });
      expect(found?.rest).toBeTruthy();
    }
    expect(positionsOf(await allPages(id, condition, 'ASC'))).toEqual(paid);
    expect(positionsOf(await allPages(id, condition, 'DESC'))).toEqual(paid.toReversed());
    expect(await reader.count(id, { search: 'needle' })).toBe(2 * matching);
  });

  test('come from a scan without an index, and of another workspace the index says nothing', async () => {
    const [one, other] = [
      await side.workspace({ searchIndex: true }),
      await side.workspace({ searchIndex: false }),
    ];
    for (const { id } of [one, other]) {
      const seeds = Array.from({ length: 40 }, (_, at) => ({ position: at + 1, source: 'shop' }));
      await storeEvents(side.db.upkeep, id, seeds);
      await index(id);
    }
    const filter = { sources: ['shop'] };
    expect(await isIndexed(one.id, filter)).toBe(true);
    expect(await isIndexed(other.id, filter)).toBe(false);
    expect(await reader.count(one.id, filter)).toBe(40);
    expect(await reader.count(other.id, filter)).toBe(40);
  });

  test('cost a workspace without an index no statement more', async () => {
    const [without, indexed] = [
      await side.workspace({ searchIndex: false }),
      await side.workspace({ searchIndex: true }),
    ];
    const sent: string[] = [];
    const read: Connection = {
      query(text, params, options) {
        sent.push(text);
        return side.db.read.query(text, params, options);
      },
    };
    const own = { read, epoch: 'e', narrow: createNarrow(read, id => id === indexed.id) };
    const recorded = createEventReader(own);
    const aggregates = createAggregateReader({ ...own, nowMs: () => Date.now() });
    const ask = async (id: number, filter: EventFilter) => {
      sent.length = 0;
      await recorded.page(id, { filter, first: 5 });
      await recorded.count(id, filter);
      await aggregates.page(id, { ...AGGREGATE, filter }, { first: 5 });
      return sent.filter(text => text.includes('search_logs')).length;
    };
    for (const filter of [{ search: 'ada' }, { sources: ['app'] }, { clientIps: ['10.0.0.1'] }]) {
      expect(await ask(without.id, filter)).toBe(0);
      expect(await ask(indexed.id, filter)).toBe(3);
    }
    expect(await ask(indexed.id, { types: ['user.signup'] })).toBe(0);
  });
});

async function record(workspace: Workspace, given: readonly object[]): Promise<void> {
  const events = given.map(fields => anEvent(fields));
  const receipts = await side.record({ workspace, door: 'GRAPHQL', events, atomic: false });
  expect(receipts.filter(({ status }) => status !== 'RECORDED')).toEqual([]);
}

const PAYLOADS = Array.from({ length: 48 }, (_, at) => ({
  ...{ actor: at === 20 ? 'zaphod' : 'ford', payload: { word: at === 20 ? 'secret' : 'plain' } },
}));

describe('what is taken away', () => {
  test('by redaction has no terms once it is committed, and its neighbours are found all the time', async () => {
    const workspace = await side.workspace({ searchIndex: true });
    const { id } = workspace;
    await record(workspace, PAYLOADS);
    await index(id);
    expect(await holdTerms(id, 'secret')).toEqual([1]);
    const options = { audited: unaudited, actor: null, fold: () => Promise.resolve() };
    expect(await redact(side.db.upkeep, id, { actor: 'zaphod' }, options)).toBe(1);
    expect((await blocksOf(id)).map(({ terms }) => terms === null)).toEqual([false, true, false]);
    for (const isRenewed of [false, true]) {
      if (isRenewed) await index(id);
      expect(await reader.count(id, { search: 'plain' })).toBe(47);
      expect(await reader.count(id, { search: 'secret' })).toBe(0);
    }
    expect((await blocksOf(id)).every(({ terms }) => terms !== null)).toBe(true);
    expect(await holdTerms(id, 'secret')).toEqual([]);
    expect(await holdTerms(id, 'plain')).toEqual([0, 1, 2]);
  });

  test('by expiry has no terms', async () => {
    const workspace = await side.workspace({ searchIndex: true });
    const { id } = workspace;
    const expiresAt = new Date(Date.now() + 300);
    await record(
      workspace,
      PAYLOADS.map((event, at) => (at === 20 ? { ...event, expiresAt } : event)),
    );
    await index(id);
    await foldAll(side.db);
    expect(await holdTerms(id, 'secret')).toEqual([1]);
    await expect
      .poll(async () => (await expireNext(side.db.upkeep))?.events, { timeout: 20_000 })
      .toBe(1);
    expect(await holdTerms(id, 'secret')).toEqual([]);
    await index(id);
    expect(await holdTerms(id, 'secret')).toEqual([]);
    expect(await reader.count(id, { search: 'plain' })).toBe(47);
  });

  test('by retention has no terms either', async () => {
    const { id } = await side.workspace({ searchIndex: true });
    const old = new Date('2026-01-01T00:00:00Z');
    const seeds = PAYLOADS.map((event, at) => ({
      position: at + 1,
      recordedAt: at <= 20 ? old : new Date(),
      payload: JSON.stringify(event.payload),
    }));
    await storeEvents(side.db.upkeep, id, seeds);
    await index(id);
    await foldAll(side.db);
    await side.db.upkeep.query('update workspaces set retention_days = 5 where id = $1', [id]);
    await lookUpTails(side.db.upkeep);
    expect((await removeNext(side.db.upkeep))?.events).toBe(21);
    await index(id);
    expect((await blocksOf(id)).map(({ block }) => block)).toEqual([1, 2]);
    expect(await holdTerms(id, 'secret')).toEqual([]);
    expect(await holdTerms(id, 'plain')).toEqual([1, 2]);
    expect(await reader.count(id, { search: 'plain' })).toBe(27);
  });

  test('with the index itself, and with its workspace', async () => {
    const workspace = await side.workspace({ searchIndex: true });
    const { id, slug } = workspace;
    await record(workspace, PAYLOADS);
    await index(id);
    expect(await isIndexed(id, { search: 'plain' })).toBe(true);
    await admin().update({ slug, searchIndex: false }, null);
    await index(id, 1);
    expect(await reader.count(id, { search: 'plain' })).toBe(47);
    await index(id);
    expect(await blocksOf(id)).toEqual([]);
    expect(await isIndexed(id, { search: 'plain' })).toBe(false);
    await admin().update({ slug, searchIndex: true }, null);
    await index(id);
    expect(await blocksOf(id)).toHaveLength(3);
    await admin().remove(slug, null);
    await purgeDeleted(side.db.upkeep);
    expect(await blocksOf(id)).toEqual([]);
  });
});
