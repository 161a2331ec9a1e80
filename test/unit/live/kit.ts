import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { LOG_BEGINNING, type LogPlace } from '../../../src/core/cursor.ts';
import { eventKey } from '../../../src/core/event-key.ts';
import type { StoredEvent } from '../../../src/core/event.ts';
import { type Connection, createDatabase, type Database } from '../../../src/db/client.ts';
import { ensurePartitions } from '../../../src/db/partitions.ts';
import { systemClock } from '../../../src/live/clock.ts';
import { LIVE_LIMITS, type LiveLimits } from '../../../src/live/limits.ts';
import { createLive, type Live } from '../../../src/live/live.ts';
import { createEventLog, type EventLog } from '../../../src/live/log.ts';
import type { Delivery, LiveStream, SubscribeOptions } from '../../../src/live/stream.ts';
import { createPostgresWakeup } from '../../../src/live/wakeup-postgres.ts';
import { type Wakeup, withPoll } from '../../../src/live/wakeup.ts';
import { FLUSH_SQL } from '../../../src/record/flush.sql.ts';
import { createTestDatabase } from '../../kit/database.ts';

/** Databases and processes that a test file starts, and ends all at once. */
export interface LiveTestbed extends AsyncDisposable {
  readonly url: string;
  readonly db: Database;
  /** The id of a new workspace. */
  workspace(): Promise<number>;
  /** Another gateway on the database, as far as live streams are concerned. */
  process(options?: ProcessOptions): Promise<Process>;
}

interface ProcessOptions {
  readonly limits?: Partial<LiveLimits>;
  readonly pollMs?: number;
  /** Changes the wake-up, such as to lose all hints. */
  readonly wakeup?: (wakeup: Wakeup) => Wakeup;
  /** Changes the log, such as to fail for one workspace. */
  readonly log?: (log: EventLog) => EventLog;
}

export interface Process {
  readonly live: Live;
  readonly log: EventLog;
  readonly db: Database;
  readonly warnings: object[];
  /** Commits events in one flush, offers and announces them; the new head. */
  record(workspaceId: number, events: number | readonly Draft[]): Promise<LogPlace>;
  /** A stream that is aborted at the end of the test at the latest. */
  subscribe(workspaceId: number, options?: Partial<SubscribeOptions>): TestStream;
  stop(): Promise<void>;
}

/** A stream that also hands out one delivery at a time. */
export interface TestStream extends LiveStream {
  next(): Promise<IteratorResult<Delivery, undefined>>;
}

export interface Draft {
  readonly type?: string;
  readonly eventId?: string;
  readonly expiresAt?: Date;
  readonly payload?: object;
}

/** The sessions of tails, listeners and subscribers that catch up, as Postgres shows them. */
export const READS = 'reads';

/** Far away: a test that needs a hint must not be saved by the poll. */
const NEVER_MS = 600_000;

export async function startLiveTestbed(): Promise<LiveTestbed> {
  const database = await createTestDatabase();
  const db = createDatabase({ url: database.url });
  await ensurePartitions(db.upkeep);
  const processes: Process[] = [];
  return {
    url: database.url,
    db,
    async workspace() {
      const [row] = await db.write.query<{ id: number }>(
        'insert into workspaces (slug, name) values ($1, $1) returning id',
        [randomUUID()],
      );
      return row!.id;
    },
    async process(options) {
      const process = await startProcess(database.url, options);
      processes.push(process);
      return process;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(processes.map(process => process.stop()));
      await db.stop();
      await database[Symbol.asyncDispose]();
    },
  };
}

async function startProcess(url: string, options: ProcessOptions = {}): Promise<Process> {
  const { limits = {}, pollMs = NEVER_MS } = options;
  const { wakeup: change = same => same, log: changeLog = same => same } = options;
  const db = createDatabase({ url, applicationName: READS });
  const writing = createDatabase({ url, applicationName: 'writes' });
  const log = changeLog(createEventLog(db.read));
  const warnings: object[] = [];
  const postgres = createPostgresWakeup({
    listen: db.listen,
    connection: db.write,
    clock: systemClock,
    onFailure: error => warnings.push({ error }),
    onDeaf: error => warnings.push({ error }),
  });
  const live = createLive({
    log,
    wakeup: withPoll(change(postgres), { pollMs, clock: systemClock }),
    logger: { warn: facts => warnings.push(facts) },
    limits: { ...LIVE_LIMITS, ...limits },
  });
  const stopping = new AbortController();
  // In a gateway each stream has a signal of its own.
  setMaxListeners(0, stopping.signal);
  await live.start();
  return {
    live,
    log,
    db,
    warnings,
    async record(workspaceId, events) {
      const drafts =
        typeof events === 'number' ? Array.from({ length: events }, () => ({})) : events;
      const head = await flush(writing.write, workspaceId, drafts);
      const before = { ...head, position: head.position - drafts.length };
      const isWanted = live.isWanted(workspaceId);
      const stored = isWanted
        ? await createEventLog(writing.read).after(workspaceId, before, drafts.length)
        : [];
      live.recorded(new Map([[workspaceId, head]]), stored);
      return head;
    },
    subscribe: (workspaceId, wanted = {}) =>
      oneByOne(
        live.subscribe({
          workspaceId,
          start: 'NOW',
          checkpoints: false,
          signal: stopping.signal,
          ...wanted,
        }),
      ),
    async stop() {
      stopping.abort();
      await live.stop();
      await Promise.all([db.stop(), writing.stop()]);
    },
  };
}

function oneByOne(stream: LiveStream): TestStream {
  return Object.assign(stream, {
    async next(): Promise<IteratorResult<Delivery, undefined>> {
      const [value] = await stream.nextBatch(1);
      return value === undefined ? { done: true, value } : { done: false, value };
    },
  });
}

/** Runs the flush statement; nothing is announced. */
export async function flush(
  connection: Connection,
  workspaceId: number,
  drafts: readonly Draft[],
): Promise<LogPlace> {
  const types = [...new Set(drafts.map(draft => draft.type ?? 'test.event'))];
  const definitions = new Map<string, number>();
  for (const type of types) definitions.set(type, await define(connection, workspaceId, type));
  const input = drafts.map(({ type = 'test.event', eventId = randomUUID(), ...draft }) => ({
    w: workspaceId,
    k: eventKey(eventId),
    h: randomUUID(),
    d: definitions.get(type),
    dr: 1,
    o: new Date(),
    e: draft.expiresAt,
    n: false,
    i: eventId,
    p: draft.payload ?? {},
  }));
  const stored = await connection.query<{ position: number; recorded_at: Date }>(FLUSH_SQL, [
    JSON.stringify(input),
    ...['{}', '{}', '{}', '{}', '{}'],
  ]);
  const newest = stored.reduce((a, b) => (b.position > a.position ? b : a));
  return { position: newest.position, recordedAt: newest.recorded_at };
}

async function define(connection: Connection, workspaceId: number, type: string): Promise<number> {
  const [row] = await connection.query<{ id: number }>(
    `insert into event_definitions (workspace_id, name) values ($1, $2)
     on conflict (workspace_id, name) do nothing returning id`,
    [workspaceId, type],
  );
  if (row !== undefined) return row.id;
  const [known] = await connection.query<{ id: number }>(
    'select id from event_definitions where workspace_id = $1 and name = $2',
    [workspaceId, type],
  );
  return known!.id;
}

/** Takes from a stream until it has handed out everything up to a position, or has ended. */
export async function takeUntil(stream: TestStream, position: number): Promise<Delivery[]> {
  const taken: Delivery[] = [];
  while ((taken.at(-1)?.place.position ?? -1) < position) {
    const { done, value } = await stream.next();
    if (done === true) break;
    taken.push(value);
  }
  return taken;
}

export function positionsOf(deliveries: readonly Delivery[]): number[] {
  return deliveries.filter(d => d.kind === 'EVENT').map(d => d.place.position);
}

/** The whole numbers from 1, or `first`, to `last`. */
export function upTo(last: number, first = 1): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

export const BEGINNING = LOG_BEGINNING;

/** An event as a ring takes it, from no database. */
export function aStoredEvent(position: number, given: Partial<StoredEvent> = {}): StoredEvent {
  return {
    workspaceId: 1,
    position,
    recordedAt: new Date(1_700_000_000_000 + position),
    occurredAt: new Date(1_700_000_000_000 + position),
    expiresAt: null,
    redactedAt: null,
    definitionId: 1,
    type: 'test.event',
    category: null,
    door: 'GRAPHQL',
    notify: false,
    success: null,
    eventId: `event-${position}`,
    source: null,
    subject: null,
    actor: null,
    description: null,
    icon: null,
    clientIp: null,
    parentId: null,
    groupId: null,
    payload: '{}',
    propertyTypes: null,
    wire: null,
    ...given,
  };
}
