/**
 * Everything at once, from a seed: writers on several gateways, flushes that are rolled back,
 * sessions that idle in a transaction or are ended, gateways that are killed, readers that are
 * stopped and come back at any cursor, a log that is cut at its end. Afterwards each subscriber
 * must have seen the stored order, complete and once.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { createDatabase, type Database } from '../../src/db/client.ts';
import { transaction } from '../../src/db/transaction.ts';
import { MOVE_TAIL_SQL, REMOVE_SQL } from '../../src/upkeep/retention.ts';
import { startChildGateway, type ChildGateway } from '../kit/child-gateway.ts';
import { freePort } from '../kit/free-port.ts';
import { ADMIN_KEY } from '../kit/gateway.ts';
import { seeded } from '../kit/random.ts';
import { flush } from '../unit/live/kit.ts';
import { Ledger } from './ledger.ts';

export interface TortureOptions {
  readonly databaseUrl: string;
  readonly seed: number;
  readonly seconds: number;
  readonly gateways: number;
  readonly readers: number;
}

export interface TortureReport {
  readonly faults: readonly string[];
  readonly counts: Readonly<Record<string, number>>;
}

const SUBSCRIBERS_A_READER = 6;
const WRITERS_A_GATEWAY = 3;
/** It ends as soon as everybody is there: this long only where something is lost. */
const SETTLE_MS = 90_000;
const CUT_WITHIN_MS = 60_000;
const RECORD = `mutation ($events: [EventInput!]!) {
  recordEvents(input: { workspace: "default", events: $events }) { receipts { status } } }`;

interface Arena {
  readonly options: TortureOptions;
  readonly random: () => number;
  readonly db: Database;
  readonly workspace: number;
  readonly gateways: ChildGateway[];
  readonly readers: ChildProcess[];
  readonly ledger: Ledger;
  readonly counts: Record<string, number>;
  isOver: boolean;
}

export async function torture(options: TortureOptions): Promise<TortureReport> {
  const arena = await prepare(options);
  const { ledger, readers, gateways, db } = arena;
  const work = [
    ...gateways.flatMap((_, n) => Array.from({ length: WRITERS_A_GATEWAY }, () => write(arena, n))),
    ...Array.from({ length: 2 }, () => writeByHand(arena)),
    wreak(arena),
  ];
  await sleep(options.seconds * 1_000);
  // A short run may have had no luck: retention is to have been there.
  for (const untilMs = Date.now() + CUT_WITHIN_MS; Date.now() < untilMs;) {
    if (arena.counts['events removed'] !== undefined) break;
    await cutTail(arena);
  }
  arena.isOver = true;
  await Promise.all(work);
  await settle(arena);
  for (const reader of readers) reader.kill('SIGKILL');
  const faults = await ledger.faults();
  await Promise.all(gateways.map(gateway => gateway[Symbol.asyncDispose]()));
  await db.stop();
  return { faults, counts: { ...arena.counts, ...ledger.counts() } };
}

async function prepare(options: TortureOptions): Promise<Arena> {
  const { databaseUrl, seed } = options;
  const start = async () => startChildGateway(databaseUrl, { PORT: String(await freePort()) });
  const gateways = [await start()];
  const others = Array.from({ length: options.gateways - 1 }, start);
  gateways.push(...(await Promise.all(others)));
  const db = createDatabase({ url: databaseUrl, applicationName: 'torture' });
  const [row] = await db.read.query<{ id: number }>(
    `select id from workspaces where slug = 'default'`,
  );
  const workspace = row!.id;
  const ledger = new Ledger(db, workspace);
  const urls = gateways.map(({ url }) => url);
  const readers = Array.from({ length: options.readers }, (_, n) => {
    const given = { urls, key: ADMIN_KEY, subscribers: SUBSCRIBERS_A_READER, seed: seed + n };
    const child = spawn(process.execPath, ['test/torture/reader.mjs', JSON.stringify(given)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    createInterface(child.stdout).on('line', line => ledger.note(line));
    return child;
  });
  const random = seeded(seed);
  const counts: Record<string, number> = {};
  return { options, random, db, workspace, gateways, readers, ledger, counts, isOver: false };
}

function count(arena: Arena, what: string): void {
  arena.counts[what] = (arena.counts[what] ?? 0) + 1;
}

/** Records through one gateway, each request again and again until it is acknowledged. */
async function write(arena: Arena, n: number): Promise<void> {
  while (!arena.isOver) {
    const size = 1 + Math.floor(arena.random() * 20);
    const events = Array.from({ length: size }, () => ({ id: randomUUID(), type: 'torture.step' }));
    while (!(await attempt(arena.gateways[n]!, events))) await sleep(30);
    for (const { id } of events) arena.ledger.acknowledge(id);
    if (arena.random() < 0.3) await sleep(arena.random() * 20);
  }
}

async function attempt(gateway: ChildGateway, events: readonly object[]): Promise<boolean> {
  try {
    const request = gateway.graphql(RECORD, { events });
    const answer = await Promise.race([request, sleep(6_000, null)]);
    return answer !== null && answer.errors === undefined;
  } catch {
    return false;
  }
}

/** Flushes past every gateway, which hear of it by no hint; some are slow, some are rolled back. */
async function writeByHand(arena: Arena): Promise<void> {
  const { db, workspace, random } = arena;
  while (!arena.isOver) {
    const drafts = Array.from({ length: 1 + Math.floor(random() * 5) }, () => ({
      type: 'torture.step',
      eventId: randomUUID(),
    }));
    const [isRolledBack, idleMs] = [random() < 0.5, random() < 0.2 ? 400 : random() * 10];
    try {
      await transaction(db.upkeep, async connection => {
        await flush(connection, workspace, drafts);
        await sleep(idleMs);
        if (isRolledBack) throw new Error('rolled back on purpose');
      });
      count(arena, 'flushes by hand');
      for (const { eventId } of drafts) arena.ledger.acknowledge(eventId);
    } catch {
      count(arena, 'flushes rolled back or cut');
    }
    await sleep(random() * 100);
  }
}

/** One misfortune after the other. */
async function wreak(arena: Arena): Promise<void> {
  const { random } = arena;
  while (!arena.isOver) {
    await sleep(150 + random() * 350);
    const chance = random();
    if (chance < 0.35) await endSessions(arena, random() < 0.3 ? 1 : 0.3);
    else if (chance < 0.5) await killGateway(arena);
    else if (chance < 0.7) await stopReader(arena);
    else await cutTail(arena);
  }
}

async function endSessions({ db, counts }: Arena, share: number): Promise<void> {
  const ended = await db.read
    .query<{ n: number }>(
      `select count(pg_terminate_backend(pid))::int as n from pg_stat_activity
       where datname = current_database() and pid <> pg_backend_pid() and random() < $1`,
      [share],
    )
    .catch(() => []);
  counts['sessions ended'] = (counts['sessions ended'] ?? 0) + (ended[0]?.n ?? 0);
}

async function killGateway(arena: Arena): Promise<void> {
  const n = Math.floor(arena.random() * arena.gateways.length);
  const gateway = arena.gateways[n]!;
  const signal = arena.random() < 0.8 ? 'SIGKILL' : 'SIGTERM';
  gateway.process.kill(signal);
  await once(gateway.process, 'exit');
  await gateway[Symbol.asyncDispose]();
  count(arena, `gateways ended by ${signal}`);
  for (;;) {
    try {
      const PORT = new URL(gateway.url).port;
      arena.gateways[n] = await startChildGateway(arena.options.databaseUrl, { PORT });
      return;
    } catch {
      // Its sessions may be ended while it starts.
    }
  }
}

async function stopReader(arena: Arena): Promise<void> {
  const { random, readers } = arena;
  const reader = readers[Math.floor(random() * readers.length)]!;
  reader.kill('SIGSTOP');
  await sleep(200 + random() * 1_500);
  reader.kill('SIGCONT');
  count(arena, 'readers stopped');
}

/**
 * As retention does, with its statement: now and then beyond what a subscriber has yet to see, who
 * is told so and goes on at the oldest that is kept.
 */
async function cutTail(arena: Arena): Promise<void> {
  const { db, workspace, ledger, random } = arena;
  const { slowest, head } = await ledger.progress();
  const isHard = random() < 0.4;
  const place = isHard ? slowest + random() * (head - slowest) : slowest;
  try {
    await transaction(db.upkeep, async connection => {
      const [marks] = await connection.query<{ tail: number; folded: number }>(
        'select tail, folded from workspace_marks where workspace_id = $1 for update',
        [workspace],
      );
      const { tail, folded } = marks as NonNullable<typeof marks>;
      const cut = Math.min(Math.floor(place) - 20, folded + 1);
      if (cut <= tail) return;
      ledger.cut(cut);
      const always = [new Date(0), new Date(Date.now() + DAY_MS)];
      await connection.query(REMOVE_SQL, [workspace, tail, cut - 1, ...always]);
      await connection.query(MOVE_TAIL_SQL, [workspace, cut, always[0] as Date]);
      count(arena, isHard ? 'cuts of what was not seen' : 'cuts of what was seen');
      arena.counts['events removed'] = (arena.counts['events removed'] ?? 0) + cut - tail;
    });
  } catch {
    // Its session was ended.
    count(arena, 'cuts that were cut off');
  }
}

const DAY_MS = 86_400_000;

/** Until every subscriber has come to the end, or it takes too long. */
async function settle({ readers, ledger }: Arena): Promise<void> {
  for (const reader of readers) reader.kill('SIGCONT');
  const untilMs = Date.now() + SETTLE_MS;
  while (Date.now() < untilMs && !(await ledger.isComplete())) await sleep(100);
}
