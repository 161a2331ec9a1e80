/**
 * One pull is one statement: due deliveries first, then the next matching events of a bounded range
 * of positions. It leases them, and moves the consumer on.
 *
 * Pulls of a consumer run one after the other: each locks its row. A statement sees the snapshot
 * from its start, though, and the row as it is once it is locked: where `turn` differs between the
 * two, others were at work meanwhile, and the statement does nothing. It is to be run again. Who
 * settles deliveries does not take that lock: a delivery that is settled meanwhile still looks open
 * here, which holds back others of its order for a moment and harms nothing.
 *
 * Its commit need not be durable. What a crash takes back is delivered again, and a durable
 * acknowledgement brings the pull before it along: they stand in one log.
 */
import { sql, type SQL } from 'drizzle-orm';
import { LEASE_RAN_OUT, type ConsumerOrder, type ConsumerPlan } from '../core/consumer.ts';
import { LIMITS } from '../core/limits.ts';
import type { Actor } from '../core/principal.ts';
import { columnsOf, type ColumnName } from '../db/columns.ts';
import {
  consumers,
  deliveries,
  events,
  notificationRules,
  workspaceHeads,
  workspaceMarks,
  workspaces,
} from '../db/schema.ts';
import { eventSource, notExpired, type EventRow } from '../db/stored-event.ts';
import { filterSql } from '../read/filters.ts';

export interface PullStatement {
  readonly plan: ConsumerPlan;
  /** A UUID: who holds what is leased. */
  readonly lease: string;
  readonly first: number;
  /** Most that this lease may hold, with what it holds already; null: no bound of its own. */
  readonly windowMax: number | null;
  /** How many positions are looked at. */
  readonly range: number;
  /** Of what is leased, as it is stored; at least one event is. */
  readonly bytesMax: number;
  readonly actor: Actor | null;
}

/** What the consumer was like. */
export interface PullFacts {
  readonly is_paused: boolean;
  /** What the statement was made for has changed. */
  readonly is_changed: boolean;
  /** There is something to do, and others were at it. */
  readonly is_busy: boolean;
  /** The first position that is gone, where retention has passed the consumer. */
  readonly gone: number | null;
  readonly oldest: number;
  readonly head: number;
  /** Of the consumer's row, before this pull. */
  readonly turn: number;
  /** Of this lease, and not settled. */
  readonly held: number;
  readonly scanned: number;
  /** As text of ISO 8601. */
  readonly scanned_recorded_at: string;
  /** Leased or waiting, before this pull. */
  readonly open: number;
  /** By this pull. */
  readonly parked: number;
  /** Settled by this pull, since their events are no longer shown. */
  readonly vanished: number;
  /** Milliseconds until the next retry is due or lease runs out; null where there is none. */
  readonly due_in_ms: number | null;
  /** What is leased now, as text of ISO 8601. */
  readonly leased_until: string;
}

export interface LeasedRow {
  readonly attempt: number;
}

/** A leased event, or nulls; and in the first row what the consumer was like, as `PullFacts` in JSON. */
export type PulledRow = { readonly facts: string | null } & (
  (EventRow & LeasedRow) | { readonly position: null }
);

const c = columnsOf(consumers, 'c');
const q = columnsOf(deliveries, 'q');
const e = columnsOf(events, 'e');
const m = columnsOf(workspaceMarks, 'm');
const h = columnsOf(workspaceHeads, 'h');
const n = columnsOf(workspaceHeads, 'n');
const r = columnsOf(notificationRules, 'r');
const s = columnsOf(workspaces, 's');
const CONSUMER = columnsOf(consumers);
const DELIVERY = columnsOf(deliveries);
/** What parts of the statement have of these tables: see there. */
const seen = columnsOf(consumers, 'seen');
const mine = columnsOf(consumers, 'mine');
const facts = columnsOf(consumers, 'facts');
const open = columnsOf(deliveries, 'open');
const due = columnsOf(deliveries, 'due');
const again = columnsOf(events, 'again');
const fitting = columnsOf(events, 'fitting');
const waits = columnsOf(deliveries, 'fitting');

const ORDER_KEYS: Readonly<Record<ConsumerOrder, SQL | ColumnName>> = {
  WORKSPACE: sql`''`,
  SUBJECT: e.subject,
  ACTOR: e.actor,
  GROUP: e.group_id,
  SOURCE: e.source,
};

/** Bytes of a payload: a compressed one is written out to be counted. */
const WHOLE_WEIGHT = sql`case when pg_column_compression(${e.payload}) is null
  then pg_column_size(${e.payload}) else octet_length(${e.payload}::text) end`;
const HEAD_WEIGHT = sql`pg_column_size(${e.payload})`;

/** What the parts of the statement are made of. */
interface Parts extends PullStatement {
  /** Of a row `q` of `deliveries`, and of a row `c` of `consumers`. */
  readonly ofConsumer: SQL;
  readonly isConsumer: SQL;
  /** Of an event `e`: its columns, the value that the order follows, and its bytes. */
  readonly selected: SQL;
  readonly openMax: number;
  /** How many may be leased in all, and how many of those are new. */
  readonly room: SQL;
  readonly wanted: SQL;
  /** When a lease runs out that begins now. */
  readonly until: SQL;
}

/** @param isWhole whether the columns have the content */
export function pullSql(pull: PullStatement, columns: SQL, isWhole: boolean): SQL {
  const { plan, first, windowMax } = pull;
  const { workspaceId, id, leaseMs, orderedBy } = plan;
  const weight = isWhole ? WHOLE_WEIGHT : HEAD_WEIGHT;
  const orderKey = orderedBy === null ? sql`null` : ORDER_KEYS[orderedBy];
  // With one order for all, those that wait for the first need no rows.
  const openMax = orderedBy === 'WORKSPACE' ? 1 : LIMITS.openDeliveriesMax;
  const room = sql`(select greatest(0, least(${first}::int, ${windowMax ?? first}::int - facts.held)) from facts)`;
  const parts: Parts = {
    ...pull,
    ofConsumer: sql`${q.workspace_id} = ${workspaceId} and ${q.consumer_id} = ${id}`,
    isConsumer: sql`${c.workspace_id} = ${workspaceId} and ${c.id} = ${id}`,
    selected: sql`${columns}, ${orderKey}::text as order_key, ${weight} as weight`,
    openMax,
    room,
    wanted: sql`(select greatest(0, least(${room} - (select count(*) from again), ${openMax} - mine.open)) from mine)`,
    until: sql`now() + make_interval(secs => ${leaseMs}::float8 / 1000)`,
  };
  const ctes = [stateSql, dueSql, freshSql, leaseSql, moveSql].map(part => part(parts));
  return sql`with ${sql.join(ctes, sql`, `)} ${answerSql(parts)}`;
}

const HAS_TURN = sql`${q.order_key} is null
  or ${q.position} = min(${q.position}) over (partition by ${q.order_key})`;

/**
 * Whether something may be leased while something else is. Not of a rule with a threshold: it counts
 * in the order of positions, so that the same event crosses it whoever counts.
 */
function mayShareSql({ kind, workspaceId, id }: ConsumerPlan): SQL {
  if (kind !== 'NOTIFICATION') return sql`true`;
  return sql`(o.next_at is null or not exists (
    select from notification_rules r where ${r.workspace_id} = ${workspaceId}
      and ${r.consumer_id} = ${id} and ${r.threshold_count} is not null))`;
}

/** The consumer, what is open of it, and, unless others are at work, its lock. */
function stateSql({ plan, lease, range, ofConsumer, isConsumer, openMax, room }: Parts): SQL {
  const isNext = plan.orderedBy === null ? sql`true` : HAS_TURN;
  return sql`
    seen as materialized (
      select ${c.turn}, ${c.settled}, ${c.scanned}, ${c.scanned_recorded_at}, ${c.gone},
        ${c.paused_at} is not null as is_paused, ${c.revision} <> ${plan.revision} as is_changed,
        exists (select from deliveries q where ${ofConsumer} and ${q.parked_at} is not null
          and ${q.position} > ${c.scanned}) as has_parked,
        coalesce(${h.head}, 0) as newest, ${h.recorded_at} as newest_recorded_at,
        coalesce(${m.tail}, 1) as oldest, set_config('synchronous_commit', 'off', true)
      from consumers c join workspaces s on ${s.id} = ${c.workspace_id}
      left join workspace_marks m on ${m.workspace_id} = ${c.workspace_id}
      left join lateral (
        select ${n.head}, ${n.recorded_at} from workspace_heads n
        where ${n.workspace_id} = ${c.workspace_id} order by ${n.head} desc limit 1
      ) h on true
      where ${isConsumer}
    ), open as materialized (
      select ${q.position}, ${q.due_at}, ${q.order_key}, ${q.lease}, ${isNext} as is_next
      from deliveries q
      where ${ofConsumer} and ${q.position} > (select ${seen.settled} from seen) and ${q.parked_at} is null
    ), facts as materialized (
      select seen.*, o.*, not seen.is_paused and not seen.is_changed and ${mayShareSql(plan)} and (
          o.is_due or seen.newest > ${seen.scanned} and ${seen.scanned} + 1 >= seen.oldest and o.open < ${openMax}
        ) as has_work
      from seen cross join (
        select count(*)::int as open,
          coalesce(bool_or(open.is_next and ${open.due_at} <= now()), false) as is_due,
          min(${open.due_at}) filter (where open.is_next and ${open.due_at} > now()) as next_at,
          count(*) filter (where ${open.lease} = ${lease}::uuid and ${open.due_at} > now())::int as held
        from open
      ) o
    ), locked as materialized (
      select ${c.turn} as locked_turn from consumers c
      where ${isConsumer} and (select facts.has_work from facts)
        and ${room} > 0
      for update skip locked
    ), mine as materialized (
      select facts.*, least(facts.newest, ${facts.scanned} + ${range}::bigint) as range_end
      from facts join locked on locked.locked_turn = ${facts.turn}
    )`;
}

/** What is to be delivered again: some is parked, and what is no longer shown is settled. */
function dueSql({ plan, ofConsumer, selected, room }: Parts): SQL {
  const { workspaceId, maxAttempts } = plan;
  return sql`
    due as materialized (
      select ${q.position}, ${q.recorded_at}, ${q.attempts} from deliveries q
      where ${ofConsumer} and ${q.position} > (select ${mine.settled} from mine) and ${q.parked_at} is null
        and ${q.due_at} <= now() and ${q.position} = any (array(
          select ${open.position} from open where open.is_next and ${open.due_at} <= now()))
      order by ${q.position} limit ${room} for update of q skip locked
    ), exhausted as (
      update deliveries q set ${DELIVERY.parked_at} = now(), ${DELIVERY.lease} = null,
        ${DELIVERY.reason} = coalesce(${q.reason}, ${LEASE_RAN_OUT})
      where ${ofConsumer} and ${q.position} = any (array(
        select ${due.position} from due where ${due.attempts} >= ${maxAttempts}))
      returning ${q.position} as ended
    ), again as materialized (
      select found.*, ${due.position} as due_position, ${due.attempts} + 1 as attempt
      from due left join lateral (
        select ${selected} from ${eventSource}
        where ${e.workspace_id} = ${workspaceId} and ${e.position} = ${due.position}
          and ${e.recorded_at} = ${due.recorded_at} and ${notExpired}
        limit 1
      ) found on true
      where ${due.attempts} < ${maxAttempts}
    ), vanished as (
      delete from deliveries q where ${ofConsumer} and ${q.position} = any (array(
        select again.due_position from again where ${again.position} is null))
      returning ${q.position} as ended
    )`;
}

/** The next matching events, and which of all that were found fit. */
function freshSql({ plan, bytesMax, ofConsumer, selected, wanted }: Parts): SQL {
  const { workspaceId } = plan;
  return sql`
    fresh as materialized (
      select ${selected} from ${eventSource}
      where ${e.workspace_id} = ${workspaceId} and ${e.position} > (select ${mine.scanned} from mine)
        and ${e.position} <= (select mine.range_end from mine)
        and ${e.recorded_at} >= (select ${mine.scanned_recorded_at} from mine)
        and (select ${mine.scanned} + 1 >= mine.oldest from mine) and ${notExpired}
        and ${filterSql(plan.filter, workspaceId)}
        -- Of a consumer that was moved back, parked ones stay parked.
        and (not (select mine.has_parked from mine) or not exists (
          select from deliveries q where ${ofConsumer} and ${q.position} = ${e.position}))
      order by ${e.position} limit ${wanted}
    ), fitting as materialized (
      -- All in one pass: a join of what was found would compare each with each.
      select fitting.*, ${waits.order_key} is null
          or not ${waits.order_key} = any (array(
            select ${open.order_key} from open where ${open.order_key} is not null))
          and ${fitting.position} = min(${fitting.position})
            over (partition by fitting.is_fresh, ${waits.order_key}) as is_free
      from (
        select fitting.*, sum(fitting.weight)
          over (order by fitting.is_fresh, ${fitting.position} rows unbounded preceding) as up_to
        from (
          select again.*, false as is_fresh from again where ${again.position} is not null
          union all select fresh.*, null, 1, true from fresh
        ) fitting
      ) fitting where fitting.up_to <= ${bytesMax} or fitting.up_to = fitting.weight
    )`;
}

/** Leases. What waits for an earlier one of its order gets a row without one. */
function leaseSql({ plan, lease, ofConsumer, until }: Parts): SQL {
  return sql`
    renewed as (
      update deliveries q set ${DELIVERY.lease} = ${lease}::uuid, ${DELIVERY.due_at} = ${until},
        ${DELIVERY.attempts} = ${q.attempts} + 1
      where ${ofConsumer} and ${q.position} = any (array(
        select ${fitting.position} from fitting where not fitting.is_fresh))
      returning 1
    ), placed as (
      insert into deliveries (${DELIVERY.workspace_id}, ${DELIVERY.consumer_id}, ${DELIVERY.position},
        ${DELIVERY.recorded_at}, ${DELIVERY.attempts}, ${DELIVERY.lease}, ${DELIVERY.due_at},
        ${DELIVERY.order_key})
      select ${fitting.workspace_id}, ${plan.id}::int, ${fitting.position}, ${fitting.recorded_at},
        fitting.is_free::int, case when fitting.is_free then ${lease}::uuid end,
        case when fitting.is_free then ${until} else now() end, ${waits.order_key}
      from fitting where fitting.is_fresh returning 1
    )`;
}

/** Moves the consumer on. */
function moveSql({ plan, isConsumer, wanted }: Parts): SQL {
  const { workspaceId } = plan;
  return sql`
    reached as materialized (
      -- Of what was found, up to the last that fits; else to the end of the range.
      select case when ${mine.scanned} + 1 < mine.oldest then ${mine.scanned}
          when n.kept < n.found or n.found >= ${wanted} then coalesce(n.last, ${mine.scanned})
          else mine.range_end end as scanned_to
      from mine cross join (
        select (select count(*) from fresh) as found, count(*) as kept, max(${fitting.position}) as last
        from fitting where fitting.is_fresh
      ) n
    ), moved as (
      update consumers c set ${CONSUMER.turn} = ${c.turn} + 1, ${CONSUMER.scanned} = reached.scanned_to,
        ${CONSUMER.scanned_recorded_at} = coalesce(
          case when reached.scanned_to = mine.newest then mine.newest_recorded_at end,
          (select ${e.recorded_at} from events e where ${e.workspace_id} = ${workspaceId}
             and ${e.position} = reached.scanned_to and ${e.recorded_at} >= ${mine.scanned_recorded_at} limit 1),
          ${c.scanned_recorded_at}),
        ${CONSUMER.settled} = greatest(${c.settled}, least(reached.scanned_to,
          (select min(${open.position}) - 1 from open where not ${open.position} = any (array(
             select exhausted.ended from exhausted union all select vanished.ended from vanished))),
          (select min(${fitting.position}) - 1 from fitting where fitting.is_fresh))),
        ${CONSUMER.gone} = least(${c.gone},
          (select min(vanished.ended) from vanished where vanished.ended < mine.oldest))
      from mine, reached where ${isConsumer}
      returning ${c.scanned} as new_scanned, ${c.scanned_recorded_at} as new_recorded_at
    )`;
}

/**
 * The consumer's part once, in the first row: all rows of it would cost more than the events. So is
 * the key checked once, behind the locks and all that was written.
 */
function answerSql({ actor, room, until }: Parts): SQL {
  return sql`, checked as materialized (
      select require_key(${actor?.keyId ?? null}::int, ${actor?.scope ?? null}::text)
      from (select count(*) from placed) written cross join (select count(*) from moved) done
    ), state as materialized (
      select row_to_json(state)::text as facts from (
        select facts.is_paused, facts.is_changed, facts.oldest, facts.newest as head, facts.open, ${facts.turn},
          facts.held, ${room} > 0 and facts.has_work and not exists (select from mine) as is_busy,
          case when ${facts.scanned} + 1 < facts.oldest then ${facts.scanned} + 1 end as gone,
          coalesce(moved.new_scanned, ${facts.scanned}) as scanned,
          coalesce(moved.new_recorded_at, ${facts.scanned_recorded_at}) as scanned_recorded_at,
          (select count(*) from exhausted) as parked, (select count(*) from vanished) as vanished,
          extract(epoch from facts.next_at - now()) * 1000 as due_in_ms, ${until} as leased_until
        from facts left join moved on true
      ) state
    )
    select case when coalesce(leased.nth, 1) = 1 then state.facts end as facts, leased.*
    from state cross join checked left join (
      select fitting.*, row_number() over () as nth from fitting
      where not fitting.is_fresh or fitting.is_free
    ) leased on true`;
}
