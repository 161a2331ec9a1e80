/**
 * What events lead to: they are counted, and what is to be told is put where it waits to be sent, all
 * in one transaction with what was acknowledged. The rule's row is locked meanwhile, so that gateways
 * that work for one rule do this in turn.
 */
import { sql, type SQL } from 'drizzle-orm';
import { createHash } from 'node:crypto';
import { LIMITS } from '../core/limits.ts';
import {
  tell,
  type News,
  type NotificationChannel,
  type NotificationThreshold,
  type Telling,
} from '../core/notification.ts';
import { judgeEvents, judgeTime, readCounts, stepMsOf, type Crossing } from '../core/threshold.ts';
import { columnsOf, type Row } from '../db/columns.ts';
import type { Connection } from '../db/connection.ts';
import { rows } from '../db/query.ts';
import {
  apiKeys,
  consumers,
  deliveries,
  notificationRules,
  notifications,
  pushSubscriptions,
  workspaceHeads,
} from '../db/schema.ts';
import { arrayLiteral, textArray } from '../db/sql-lists.ts';
import type { SecretCipher } from '../security/secret-cipher.ts';
import { mayRead } from './subscriptions.ts';

const r = columnsOf(notificationRules, 'r');
const c = columnsOf(consumers, 'c');
const d = columnsOf(deliveries, 'd');
const h = columnsOf(workspaceHeads, 'h');
const n = columnsOf(notifications, 'n');
const s = columnsOf(pushSubscriptions, 's');
const k = columnsOf(apiKeys, 'k');
const RULE = columnsOf(notificationRules);
const WAITING = columnsOf(notifications);

/** Which rule. */
export interface RuleName {
  readonly workspaceId: number;
  readonly consumerId: number;
}

/** Channels, each to one address: what fails at one is sent again to that one. */
export function addressesOf(channels: readonly NotificationChannel[]): NotificationChannel[] {
  return channels.flatMap((channel): NotificationChannel[] =>
    channel.kind === 'EMAIL' ? channel.to.map(to => ({ ...channel, to: [to] })) : [channel],
  );
}

/** How an address is told from others of its rule, whatever their order. */
export function digestOf(address: NotificationChannel): string {
  return createHash('sha256').update(JSON.stringify(address)).digest('base64url').slice(0, 16);
}

export function openChannels(
  box: SecretCipher,
  workspaceId: number,
  sealed: string,
): NotificationChannel[] {
  return JSON.parse(box.open(workspaceId, sealed)) as NotificationChannel[];
}

/** What was counted and put to be sent. */
export interface Kept {
  readonly toldCount: number;
  /** When there is more to do without an event, and what time it is. */
  readonly nextAt: Date | null;
  readonly now: Date;
}

type LockedRow = Omit<Row<typeof notificationRules>, 'workspace_id' | 'last_error' | 'revision'> & {
  readonly consumer_revision: number;
  /** Whether every event until then was counted. */
  readonly is_complete: boolean;
  readonly began_at: Date;
  readonly now: Date;
};

/** What a flush may still be about to commit. */
const COMMIT_MS = 2_000;
/** Judging FEWER_THAN this often is soon enough. */
const JUDGE_MS_MAX = 60_000;

/** @param events those that were acknowledged. Null where there is no such rule any more */
export async function keepEvents(
  connection: Connection,
  box: SecretCipher,
  rule: RuleName,
  events: readonly { readonly position: number; readonly recordedAt: Date }[],
): Promise<Kept | null> {
  const row = await lock(connection, rule);
  if (row === undefined) return null;
  const threshold = thresholdOf(row);
  const ordered = events.toSorted((one, other) => one.position - other.position);
  const { news, ...crossing } = newsOf(row, threshold, ordered);
  const telling = tell(pendingOf(row), news, { quietMs: row.quiet_ms, now: row.now });
  const judgeAt = judgeAtOf(row, threshold);
  await update(connection, rule, { row, crossing, telling, judgeAt });
  if (telling.told.length > 0) {
    const channels = openChannels(box, rule.workspaceId, row.channels);
    await place(connection, rule, { row, channels, told: telling.told });
  }
  const ats = [telling.flushAt, judgeAt].filter(at => at !== null);
  const nextAt = ats.length === 0 ? null : new Date(Math.min(...ats.map(at => at.getTime())));
  return { toldCount: telling.told.length, nextAt, now: row.now };
}

async function lock(
  connection: Connection,
  { workspaceId, consumerId }: RuleName,
): Promise<LockedRow | undefined> {
  const ofConsumer = sql`${d.workspace_id} = ${workspaceId} and ${d.consumer_id} = ${consumerId}`;
  const [row] = await rows<LockedRow>(
    connection,
    sql`select ${r.consumer_id}, ${r.channels}, ${r.quiet_ms}, ${r.threshold_comparison},
        ${r.threshold_count}, ${r.threshold_ms}, ${r.counts}, ${r.counts_revision},
        ${r.counts_since}, ${r.is_crossed}, ${r.judge_at}, ${r.pending_count}, ${r.pending_kind},
        ${r.pending_position}, ${r.pending_recorded_at}, ${r.flush_at}, ${r.notified_count},
        ${r.last_notified_at}, ${c.revision} as consumer_revision,
        ${c.paused_at} is null and ${c.scanned} >= coalesce((
          select ${h.head} from workspace_heads h where ${h.workspace_id} = ${workspaceId}
          order by ${h.head} desc limit 1), 0)
        and not exists (select from deliveries d where ${ofConsumer}
          and ${d.position} > ${c.settled} and ${d.parked_at} is null) as is_complete,
        now()::timestamptz(3) as began_at, clock_timestamp()::timestamptz(3) as now
      from notification_rules r join consumers c
        on ${c.workspace_id} = ${r.workspace_id} and ${c.id} = ${r.consumer_id}
      where ${r.workspace_id} = ${workspaceId} and ${r.consumer_id} = ${consumerId}
      for update of r`,
  );
  return row;
}

export function thresholdOf(
  row: Pick<LockedRow, 'threshold_comparison' | 'threshold_count' | 'threshold_ms'>,
): NotificationThreshold | null {
  const { threshold_comparison: comparison, threshold_count: count, threshold_ms: withinMs } = row;
  if (comparison === null || count === null || withinMs === null) return null;
  return { comparison, count, withinMs };
}

function pendingOf(row: LockedRow) {
  const { pending_kind: kind, pending_position: position, pending_recorded_at: recordedAt } = row;
  const pending =
    kind === null || position === null || recordedAt === null
      ? null
      : { kind, position, recordedAt, count: row.pending_count };
  return { pending, lastNotifiedAt: row.last_notified_at };
}

/** What was counted before the rule or its place changed is of no use. */
function isStale(row: LockedRow): boolean {
  return row.counts_revision !== row.consumer_revision || row.counts_since === null;
}

function newsOf(
  row: LockedRow,
  threshold: NotificationThreshold | null,
  events: readonly { readonly position: number; readonly recordedAt: Date }[],
): Crossing & { readonly news: readonly News[] } {
  if (threshold === null) {
    const news = events.map(({ position, recordedAt }) => {
      return { kind: 'EVENTS', position, recordedAt, count: 1 } as const;
    });
    return { counts: [], isCrossed: false, news };
  }
  const stale = isStale(row);
  const before: Crossing = stale
    ? { counts: [], isCrossed: false }
    : { counts: readCounts(row.counts), isCrossed: row.is_crossed };
  const judged = judgeEvents(before, threshold, events);
  if (stale || row.counts_since === null || !row.is_complete) return judged;
  const at = new Date(row.began_at.getTime() - COMMIT_MS);
  const later = judgeTime(judged, threshold, { at, since: row.counts_since });
  return { ...later, news: [...judged.news, ...later.news] };
}

/** That there are fewer is to be found out without an event. */
function judgeAtOf({ now }: LockedRow, threshold: NotificationThreshold | null): Date | null {
  if (threshold?.comparison !== 'FEWER_THAN') return null;
  return new Date(now.getTime() + Math.min(JUDGE_MS_MAX, stepMsOf(threshold)));
}

interface Update {
  readonly row: LockedRow;
  readonly crossing: Crossing;
  readonly telling: Telling;
  readonly judgeAt: Date | null;
}

async function update(
  connection: Connection,
  rule: RuleName,
  { row, crossing, telling, judgeAt }: Update,
): Promise<void> {
  const { pending, flushAt, lastNotifiedAt, told } = telling;
  await rows(
    connection,
    sql`update notification_rules set
        ${RULE.counts} = ${JSON.stringify(crossing.counts)}, ${RULE.is_crossed} = ${crossing.isCrossed},
        ${RULE.counts_revision} = ${row.consumer_revision},
        ${RULE.counts_since} = ${isStale(row) ? row.now : row.counts_since},
        ${RULE.judge_at} = ${judgeAt}, ${RULE.flush_at} = ${flushAt},
        ${RULE.pending_count} = ${pending?.count ?? 0}, ${RULE.pending_kind} = ${pending?.kind ?? null},
        ${RULE.pending_position} = ${pending?.position ?? null},
        ${RULE.pending_recorded_at} = ${pending?.recordedAt ?? null},
        ${RULE.last_notified_at} = ${lastNotifiedAt},
        ${RULE.notified_count} = ${RULE.notified_count} + ${told.length}::int
      where ${ownRule(rule)}`,
  );
}

export function ownRule({ workspaceId, consumerId }: RuleName): SQL {
  return sql`${RULE.workspace_id} = ${workspaceId} and ${RULE.consumer_id} = ${consumerId}`;
}

interface Placing {
  readonly row: LockedRow;
  readonly channels: readonly NotificationChannel[];
  readonly told: readonly News[];
}

const WAITING_MAX = LIMITS.notificationsWaitingMax;

/**
 * A row for each address, to be sent at once. Where as many wait for it as may, the newest of them
 * that nobody sends tells of these, too. Who leases rows locks the rule before, so that none is
 * leased meanwhile.
 */
async function place(
  connection: Connection,
  { workspaceId, consumerId }: RuleName,
  { row, channels, told }: Placing,
): Promise<void> {
  const addresses = addressesOf(channels);
  const push = addresses.find(({ kind }) => kind === 'WEB_PUSH');
  // Two channels may have an address in common.
  const others = [...new Set(addresses.filter(each => each !== push).map(digestOf))];
  const list = (of: (news: News) => string | number) =>
    arrayLiteral(told.map(each => String(of(each))));
  await rows(
    connection,
    sql`
      with target as (
        select own as channel, 0 as subscription_id from unnest(${textArray(others)}) as own
        union all
        select ${push === undefined ? '' : digestOf(push)}::text, found.browser from (
          select distinct on (${s.endpoint_hash}) ${s.id} as browser
          from push_subscriptions s join api_keys k on ${k.id} = ${s.key_id}
          where ${push !== undefined} and ${mayRead(workspaceId)}
          order by ${s.endpoint_hash}, ${s.id}
        ) found
      ), line as materialized (
        select t.channel, t.subscription_id, count(${n.number}) as waits,
          max(${n.number}) filter (where ${n.lease} is null) as newest
        from target t left join notifications n on ${n.workspace_id} = ${workspaceId}
          and ${n.consumer_id} = ${consumerId} and ${n.channel} = t.channel
          and ${n.subscription_id} = t.subscription_id
        group by 1, 2
      ), told as (
        select asked.kind as kind, asked.position as position, asked.recorded_at as recorded_at,
          asked.event_count as event_count, asked.place
        from unnest(
          ${list(({ kind }) => kind)}::text::text[], ${list(({ position }) => position)}::text::bigint[],
          ${list(({ recordedAt }) => recordedAt.toISOString())}::text::timestamptz[],
          ${list(({ count }) => count)}::text::bigint[]
        ) with ordinality as asked (kind, position, recorded_at, event_count, place)
      ), placed as (
        insert into notifications (${WAITING.workspace_id}, ${WAITING.consumer_id}, ${WAITING.number},
          ${WAITING.channel}, ${WAITING.subscription_id}, ${WAITING.kind}, ${WAITING.position},
          ${WAITING.recorded_at}, ${WAITING.event_count})
        select ${workspaceId}::int, ${consumerId}::int, ${row.notified_count}::bigint + told.place,
          line.channel, line.subscription_id, told.kind, told.position, told.recorded_at, told.event_count
        from line cross join told
        where line.newest is null or line.waits + told.place <= ${WAITING_MAX}
      )
      update notifications n set ${WAITING.kind} = m.kind, ${WAITING.position} = m.position,
        ${WAITING.recorded_at} = m.recorded_at,
        ${WAITING.event_count} = case when m.kind = 'EVENTS' then ${n.event_count} else 0 end + m.more
      from (
        select line.channel, line.subscription_id, line.newest, last.kind, last.position,
          last.recorded_at, sum(told.event_count)::bigint as more
        from line cross join told
          cross join (select * from told order by place desc limit 1) last
        where line.newest is not null and line.waits + told.place > ${WAITING_MAX}
        group by 1, 2, 3, 4, 5, 6
      ) m
      where ${n.workspace_id} = ${workspaceId} and ${n.consumer_id} = ${consumerId}
        and ${n.number} = m.newest and ${n.channel} = m.channel
        and ${n.subscription_id} = m.subscription_id`,
  );
}
