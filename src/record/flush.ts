/**
 * Runs the flush statement and says what became of each event. What the statement can't do in
 * one go is done here: it is run again when one of the ids is known, it is halved down to the culprit when Postgres refuses a value, and split by workspace when one
 * workspace's lock is held by somebody else. Halving is bounded, since others wait meanwhile: it
 * parts requests first, so that nobody is refused for another's event, whatever is left of it.
 */
import { LIMITS } from '../core/limits.ts';
import type { Actor } from '../core/principal.ts';
import type { Connection } from '../db/client.ts';
import { columnsOf, sqlText } from '../db/columns.ts';
import { WORKSPACE_LOCK } from '../db/locks.ts';
import { apiKeys } from '../db/schema.ts';
import { arrayLiteral } from '../db/sql-lists.ts';
import { codeOf, isConnectionLost, SQLSTATE } from '../db/sqlstate.ts';
import { isValidKey } from '../db/stored-api-key.ts';
import { entryJson } from './entry-json.ts';
import { FLUSH_NEW_SQL, FLUSH_SQL } from './flush.sql.ts';
import type { FlushEntry, Outcome } from './submission.ts';

const k = columnsOf(apiKeys, 'k');

export interface FlushPort {
  readonly connection: Connection;
  /** Makes the partition that the present needs. */
  readonly ensurePartitions: () => Promise<void>;
  /** Which of these definitions are no longer at the revision the events were validated by. */
  readonly staleDefinitions: (entries: readonly FlushEntry[]) => Promise<ReadonlySet<number>>;
  /** How long the flush may still take, reruns included. */
  readonly remainingMs: () => number;
  /** Whether known events are expected, and so are looked for at once. */
  readonly expectsKnown: boolean;
  /** Hears that there were some. */
  readonly onKnown: () => void;
}

/**
 * A rerun is rare, a third one a sign that something else is wrong. Those for an id that is known
 * are not counted: the next looks for known ones, finds one more where another process was first
 * meanwhile, and the deadline ends them.
 */
const RERUNS_MAX = 5;
/** What a flush needs beside the wait for a lock. */
const FLUSH_MS = 1_000;
/** Finds some six culprits among a thousand events, in about as many more flushes. */
const HALVINGS_MAX = 60;

export async function flush(
  port: FlushPort,
  entries: readonly FlushEntry[],
): Promise<ReadonlyMap<FlushEntry, Outcome>> {
  const { expectsKnown: looksForKnown } = port;
  const progress: Progress = { outcomes: new Map(), halvings: 0, looksForKnown };
  await flushInto(port, entries, progress, 0);
  return progress.outcomes;
}

type Outcomes = Map<FlushEntry, Outcome>;

/** Of one flush, whatever it is split into. */
interface Progress {
  readonly outcomes: Outcomes;
  halvings: number;
  /** From the first id on that was found to be known. */
  looksForKnown: boolean;
}

async function flushInto(
  port: FlushPort,
  entries: readonly FlushEntry[],
  progress: Progress,
  reruns: number,
): Promise<void> {
  if (entries.length === 0) return;
  try {
    await run(port, entries, progress);
  } catch (error) {
    await recover(port, { entries, progress, reruns, error });
  }
}

interface Failed {
  readonly entries: readonly FlushEntry[];
  readonly progress: Progress;
  readonly reruns: number;
  readonly error: unknown;
}

async function recover(port: FlushPort, failed: Failed): Promise<void> {
  const { entries, progress, reruns, error } = failed;
  if (isConnectionLost(error) || port.remainingMs() <= 0) throw error;
  const code = codeOf(error);
  if (code === SQLSTATE.uniqueViolation) {
    progress.looksForKnown = true;
    return flushInto(port, entries, progress, reruns);
  }
  if (reruns >= RERUNS_MAX) throw error;
  const again = (some: readonly FlushEntry[]) => flushInto(port, some, progress, reruns + 1);
  if (isPartitionMissing(error)) {
    await port.ensurePartitions();
    return again(entries);
  }
  if (code === STALE_DEFINITION) return leaveOutStale(port, failed, again);
  if (code === SQLSTATE.keyNotValid) return leaveOutRevoked(port, failed, again);
  if (isSerialization(code)) return again(entries);
  if (code === SQLSTATE.lockNotAvailable) return splitByWorkspace(port, failed);
  if (isDataFault(code)) return halve(port, failed);
  throw error;
}

/** Raised by `take_workspaces_for`. */
const STALE_DEFINITION = 'SL001';

async function leaveOutStale(
  port: FlushPort,
  { entries, progress: { outcomes } }: Failed,
  again: (entries: readonly FlushEntry[]) => Promise<void>,
): Promise<void> {
  const stale = await port.staleDefinitions(entries);
  // The whole request, so that its events keep their order.
  const requests = new Set<number>();
  for (const { event, request } of entries) {
    if (stale.has(event.definitionId)) requests.add(request);
  }
  const isStale = ({ request }: FlushEntry) => requests.has(request);
  for (const entry of entries) if (isStale(entry)) outcomes.set(entry, { status: 'STALE' });
  return again(entries.filter(entry => !isStale(entry)));
}

/** What a key records that was revoked meanwhile is not stored; what others record is. */
async function leaveOutRevoked(
  { connection }: FlushPort,
  { entries, progress: { outcomes } }: Failed,
  again: (entries: readonly FlushEntry[]) => Promise<void>,
): Promise<void> {
  const valid = await connection.query<{ key_id: number; scope: string }>(
    sqlText`select acting.key_id, acting.scope from unnest($1::text::int[], $2::text::text[])
       as acting (key_id, scope)
     join api_keys k on ${k.id} = acting.key_id and ${isValidKey(k, sqlText`clock_timestamp()`)}
       and ${k.scopes} && array[acting.scope, 'ADMIN']`,
    actorParams(entries),
  );
  const names = new Set(valid.map(({ key_id: keyId, scope }) => `${keyId} ${scope}`));
  const isValid = ({ actor }: FlushEntry) =>
    actor === null || names.has(`${actor.keyId} ${actor.scope}`);
  for (const entry of entries) {
    if (!isValid(entry)) outcomes.set(entry, { status: 'UNAUTHENTICATED' });
  }
  return again(entries.filter(isValid));
}

/** The keys of a flush, and the scope by which each acts. */
function actorParams(entries: readonly FlushEntry[]): [string, string] {
  const actors = new Map<string, Actor>();
  let last: Actor | null = null;
  for (const { actor } of entries) {
    if (actor === null || actor === last) continue;
    actors.set(`${actor.keyId} ${actor.scope}`, actor);
    last = actor;
  }
  const all = [...actors.values()];
  return [arrayLiteral(all.map(({ keyId }) => keyId)), arrayLiteral(all.map(({ scope }) => scope))];
}

/**
 * One workspace's held lock delays no other for long: those whose lock is free go together, then
 * each of the rest alone. Where the lock is still held then, its events are not stored and their
 * callers are told to try again.
 */
async function splitByWorkspace(port: FlushPort, { entries, progress }: Failed): Promise<void> {
  const workspaces = new Set(entries.map(({ workspaceId }) => workspaceId));
  if (workspaces.size === 1) return postpone(entries, progress);
  const held = await heldOf(port.connection, workspaces);
  const groups = [
    entries.filter(({ workspaceId }) => !held.has(workspaceId)),
    ...[...held].map(id => entries.filter(({ workspaceId }) => workspaceId === id)),
  ];
  for (const group of groups) {
    const isHeld = held.has(group[0]?.workspaceId as number);
    // Another wait would outlast the patience of those who are stored already.
    if (isHeld && port.remainingMs() < LIMITS.lockTimeoutMs + FLUSH_MS) {
      postpone(group, progress);
      continue;
    }
    try {
      await flushInto(port, group, progress, RERUNS_MAX - 1);
    } catch (error) {
      if (codeOf(error) !== SQLSTATE.lockNotAvailable) throw error;
      postpone(group, progress);
    }
  }
}

function postpone(entries: readonly FlushEntry[], { outcomes }: Progress): void {
  for (const entry of entries) outcomes.set(entry, { status: 'POSTPONED' });
}

async function heldOf(
  connection: Connection,
  workspaces: ReadonlySet<number>,
): Promise<ReadonlySet<number>> {
  const rows = await connection.query<{ id: number }>(
    `select distinct objid as id from pg_locks
     where locktype = 'advisory' and granted and classid = $1 and objsubid = 2
       and database = (select oid from pg_database where datname = current_database())`,
    [WORKSPACE_LOCK],
  );
  return new Set(rows.map(({ id }) => id).filter(id => workspaces.has(id)));
}

async function halve(port: FlushPort, { entries, progress, reruns }: Failed): Promise<void> {
  const requests = partedBy(entries, ({ request }) => request);
  const units = requests.length > 1 ? requests : unitsOf(entries);
  const isSpent = progress.halvings >= HALVINGS_MAX;
  if (units.length === 1 || isSpent) {
    // Of several requests, nobody knows whose event it is; of one, it is among these.
    const outcome: Outcome =
      requests.length > 1
        ? { status: 'POSTPONED' }
        : { status: 'UNSTORABLE', isAlone: entries.length === 1 };
    for (const entry of entries) progress.outcomes.set(entry, outcome);
    return;
  }
  progress.halvings += 1;
  for (const half of halves(units)) await flushInto(port, half.flat(), progress, reruns);
}

/** What can't be told apart: an event, or all events of an atomic request. */
function unitsOf(entries: readonly FlushEntry[]): FlushEntry[][] {
  return entries[0]?.atomic === true ? [[...entries]] : entries.map(entry => [entry]);
}

/** Neighbours that have the same key, together. */
function partedBy<T, K>(items: readonly T[], keyOf: (item: T) => K): T[][] {
  const parts: T[][] = [];
  let key: K | undefined;
  for (const item of items) {
    const own = keyOf(item);
    if (parts.length === 0 || own !== key) parts.push([]);
    parts.at(-1)?.push(item);
    key = own;
  }
  return parts;
}

function halves<T>(items: readonly T[]): [T[], T[]] {
  const middle = Math.ceil(items.length / 2);
  return [items.slice(0, middle), items.slice(middle)];
}

interface OutcomeRow {
  ord: number;
  status: 0 | 1 | 2;
  position: number;
  recorded_at: Date;
}
const STATUSES = ['RECORDED', 'DUPLICATE', 'CONFLICT'] as const;

async function run(
  { connection, remainingMs, onKnown }: FlushPort,
  entries: readonly FlushEntry[],
  { outcomes, looksForKnown }: Progress,
): Promise<void> {
  const used = new Map(entries.map(entry => [entry.event.definitionId, entry] as const));
  const validatedBy = [...used.values()];
  const rows = await connection.query<OutcomeRow>(
    looksForKnown ? FLUSH_SQL : FLUSH_NEW_SQL,
    [
      `[${entries.map(entryJson).join(',')}]`,
      arrayLiteral(validatedBy.map(({ workspaceId }) => workspaceId)),
      arrayLiteral(validatedBy.map(({ event }) => event.definitionId)),
      arrayLiteral(validatedBy.map(({ event }) => event.revision)),
      ...actorParams(entries),
    ],
    { timeoutMs: remainingMs() },
  );
  let hadKnown = false;
  for (const row of rows) {
    const entry = entries[row.ord - 1] as FlushEntry;
    hadKnown ||= row.status !== 0;
    outcomes.set(entry, {
      status: STATUSES[row.status],
      position: row.position,
      recordedAt: row.recorded_at,
    });
  }
  if (hadKnown) onKnown();
  if (rows.length < entries.length) settleUnanswered(entries, outcomes);
}

/** No row: its atomic request holds a conflict, or its workspace is gone. */
function settleUnanswered(entries: readonly FlushEntry[], outcomes: Outcomes): void {
  const refused = new Set<number>();
  for (const entry of entries) {
    if (entry.atomic && outcomes.get(entry)?.status === 'CONFLICT') refused.add(entry.request);
  }
  for (const entry of entries) {
    if (outcomes.has(entry)) continue;
    outcomes.set(entry, { status: refused.has(entry.request) ? 'LEFT_OUT' : 'GONE' });
  }
}

/** 23514 without a constraint: no partition takes the row. */
export function isPartitionMissing(error: unknown): boolean {
  return codeOf(error) === '23514' && /no partition of relation/.test(String(error));
}

function isSerialization(code: string): boolean {
  return code === SQLSTATE.serializationFailure || code === SQLSTATE.deadlockDetected;
}

/** A value that Postgres refuses: classes 21, 22, 23 and 54. */
function isDataFault(code: string): boolean {
  return /^(21|22|23|54)...$/.test(code);
}
