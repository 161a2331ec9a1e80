/**
 * What waits to be sent: leased by who sends it, and settled by what came of that. A notification
 * that failed too often is parked: the delivery of its event then stands among those that the
 * consumer has parked, and can be delivered again.
 */
import { sql, type SQL } from 'drizzle-orm';
import { LIMITS } from '../core/limits.ts';
import type { NotificationKind } from '../core/notification.ts';
import { truncateBytes } from '../core/text.ts';
import { columnsOf, type Row } from '../db/columns.ts';
import { onBehalfOf, type Connection } from '../db/connection.ts';
import { rows } from '../db/query.ts';
import {
  apiKeys,
  consumers,
  deliveries,
  notificationRules,
  notifications,
  pushSubscriptions,
} from '../db/schema.ts';
import { ownRule, type RuleName } from './rule-state.ts';
import { mayRead } from './subscriptions.ts';

const r = columnsOf(notificationRules, 'r');
const c = columnsOf(consumers, 'c');
const n = columnsOf(notifications, 'n');
const s = columnsOf(pushSubscriptions, 's');
const k = columnsOf(apiKeys, 'k');
const d = columnsOf(deliveries, 'd');
const RULE = columnsOf(notificationRules);
const WAITING = columnsOf(notifications);
const DELIVERY = columnsOf(deliveries);

/** What is to be sent to one address. */
export interface Leased {
  readonly number: number;
  readonly channel: string;
  readonly subscriptionId: number;
  readonly kind: NotificationKind;
  readonly position: number;
  readonly recordedAt: Date;
  readonly count: number;
  /** 1 for the first. */
  readonly attempt: number;
  /** Of the rule as it is now: another one for each change. */
  readonly revision: string;
  /** Of a browser whose key may read the events; null for other channels, and else. */
  readonly sealed: string | null;
}

export interface Outbox {
  /** Those that are due, the oldest first, for so long; and when the next are due. */
  lease(leaseMs: number, max: number): Promise<{ leased: Leased[]; nextInMs: number | null }>;
  done(sent: Leased): Promise<void>;
  retry(failed: Leased, delayMs: number, error: string): Promise<void>;
  /** Nothing was tried: it is due again after the delay. */
  giveBack(untried: Leased, delayMs: number): Promise<void>;
  park(failed: Leased, error: string): Promise<void>;
}

type LeasedRow = Row<
  typeof notifications,
  | 'number'
  | 'channel'
  | 'subscription_id'
  | 'kind'
  | 'position'
  | 'recorded_at'
  | 'event_count'
  | 'attempts'
> & { readonly sealed: string | null; readonly of_rule: string };

export function createOutbox(write: Connection, rule: RuleName, lease: string): Outbox {
  const lane = onBehalfOf(rule.workspaceId, write);
  const own = sql`${n.workspace_id} = ${rule.workspaceId} and ${n.consumer_id} = ${rule.consumerId}`;
  /** It, while nobody else has it. */
  const held = ({ number, channel, subscriptionId, attempt }: Leased): SQL =>
    sql`${own} and ${n.number} = ${number} and ${n.channel} = ${channel}
      and ${n.subscription_id} = ${subscriptionId} and ${n.lease} = ${lease}::uuid
      and ${n.attempts} = ${attempt}`;

  return {
    async lease(leaseMs, max) {
      const leased = await rows<LeasedRow>(lane, leaseSql(rule, { own, lease, leaseMs, max }));
      if (leased.length === max) return { leased: leased.map(toLeased), nextInMs: 0 };
      const [next] = await rows<{ in_ms: number | null }>(
        lane,
        sql`select extract(epoch from min(${n.due_at}) - now())::float8 * 1000 as in_ms
          from notifications n where ${own}`,
      );
      return { leased: leased.map(toLeased), nextInMs: next?.in_ms ?? null };
    },
    async done(sent) {
      await rows(
        lane,
        sql`with sent as (delete from notifications n where ${held(sent)} returning 1)
          update notification_rules set ${RULE.last_error} = null
          where ${ownRule(rule)} and ${RULE.last_error} is not null`,
      );
    },
    async retry(failed, delayMs, error) {
      await rows(
        lane,
        sql`with failed as (
            update notifications n set ${WAITING.lease} = null, ${WAITING.due_at} = ${after(delayMs)}
            where ${held(failed)} returning 1
          ) ${noteSql(rule, error)}`,
      );
    },
    async giveBack(untried, delayMs) {
      await rows(
        lane,
        sql`update notifications n set ${WAITING.lease} = null, ${WAITING.due_at} = ${after(delayMs)},
            ${WAITING.attempts} = greatest(0, ${n.attempts} - 1)
          where ${held(untried)}`,
      );
    },
    async park(failed, error) {
      await rows(lane, parkSql(rule, { held: held(failed), error }));
    },
  };
}

function after(delayMs: number): SQL {
  return sql`now() + make_interval(secs => ${delayMs}::float8 / 1000)`;
}

function noteSql(rule: RuleName, error: string): SQL {
  return sql`update notification_rules set ${RULE.last_error} = ${shortened(error)}
    where ${ownRule(rule)}`;
}

function shortened(error: string): string {
  return truncateBytes(error, LIMITS.parkReasonBytesMax);
}

interface Leasing {
  readonly own: SQL;
  readonly lease: string;
  readonly leaseMs: number;
  readonly max: number;
}

/** Behind the rule's lock: what is put there meanwhile is neither leased nor added to. */
function leaseSql(rule: RuleName, { own, lease, leaseMs, max }: Leasing): SQL {
  const { workspaceId, consumerId } = rule;
  return sql`
    with rule as materialized (
      select format('%s %s', ${r.revision}, ${c.revision}) as of_rule
      from notification_rules r join consumers c
        on ${c.workspace_id} = ${r.workspace_id} and ${c.id} = ${r.consumer_id}
      where ${r.workspace_id} = ${workspaceId} and ${r.consumer_id} = ${consumerId} for update of r
    ), due as materialized (
      select ${n.number} as number, ${n.channel} as channel, ${n.subscription_id} as subscription_id
      from notifications n where ${own} and ${n.due_at} <= now() and exists (select from rule)
      order by ${n.due_at}, ${n.number} limit ${max} for update of n skip locked
    ), leased as (
      update notifications n set ${WAITING.lease} = ${lease}::uuid, ${WAITING.due_at} = ${after(leaseMs)},
        ${WAITING.attempts} = ${n.attempts} + 1
      from due where ${own} and ${n.number} = due.number and ${n.channel} = due.channel
        and ${n.subscription_id} = due.subscription_id
      returning ${n.number}, ${n.channel}, ${n.subscription_id}, ${n.kind}, ${n.position},
        ${n.recorded_at}, ${n.event_count}, ${n.attempts}
    )
    select l.*, (select of_rule from rule), case when ${mayRead(workspaceId)} then ${s.sealed} end as sealed
    from leased l left join push_subscriptions s on ${s.id} = l.subscription_id
      left join api_keys k on ${k.id} = ${s.key_id}
    order by l.number`;
}

/** Without an event there is nothing to deliver again. */
function parkSql(
  rule: RuleName,
  { held, error }: { readonly held: SQL; readonly error: string },
): SQL {
  const { workspaceId, consumerId } = rule;
  const ofConsumer = sql`${d.workspace_id} = ${workspaceId} and ${d.consumer_id} = ${consumerId}`;
  const max = LIMITS.parkedDeliveriesMax;
  return sql`
    with failed as (
      delete from notifications n where ${held}
      returning ${n.position} as position, ${n.recorded_at} as recorded_at, ${n.attempts} as attempts
    ), parked as (
      insert into deliveries (${DELIVERY.workspace_id}, ${DELIVERY.consumer_id}, ${DELIVERY.position},
        ${DELIVERY.recorded_at}, ${DELIVERY.attempts}, ${DELIVERY.due_at}, ${DELIVERY.parked_at},
        ${DELIVERY.reason})
      select ${workspaceId}::int, ${consumerId}::int, f.position, f.recorded_at, f.attempts, now(),
        now(), ${shortened(error)}::text
      from failed f where f.position > 0 and (select count(*) from (
        select from deliveries d where ${ofConsumer} and ${d.parked_at} is not null limit ${max}
      ) counted) < ${max}
      on conflict (${DELIVERY.workspace_id}, ${DELIVERY.consumer_id}, ${DELIVERY.position}) do nothing
    ) ${noteSql(rule, error)}`;
}

function toLeased(row: LeasedRow): Leased {
  return {
    number: row.number,
    channel: row.channel,
    subscriptionId: row.subscription_id,
    kind: row.kind,
    position: row.position,
    recordedAt: row.recorded_at,
    count: row.event_count,
    attempt: row.attempts,
    revision: row.of_rule,
    sealed: row.sealed,
  };
}
