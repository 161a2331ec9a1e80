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

/** What the consumer was like, in each row; and a leased event, or nulls. */
export interface PullFacts {
  readonly is_paused: boolean;
  /** What the statement was made for has changed. */
  readonly is_changed: boolean;
  /** There is something to do, and others were at it. */
  readonly is_busy: boolean;
  /** The first position that is gone, where retention has passed the consumer. */
  readonly gone: number | null;
  readonly tail: number;
  readonly head: number;
  /** Of the consumer's row, before this pull. */
  readonly turn: number;
  /** Of this lease, and not settled. */
  readonly held: number;
  readonly scanned: number;
  readonly scanned_recorded_at: Date;
  /** Leased or waiting, before this pull. */
  readonly open: number;
  /** By this pull. */
  readonly parked: number;
  /** Settled by this pull, since their events are no longer shown. */
  readonly vanished: number;
  /** Milliseconds until the next retry is due or lease runs out; null where there is none. */
  readonly due_in_ms: number | null;
}

export interface LeasedRow {
  readonly attempt: number;
  readonly leased_until: Date;
}

export type PulledRow = PullFacts & ((EventRow & LeasedRow) | { readonly position: null });

const ORDER_KEYS: Readonly<Record<ConsumerOrder, string>> = {
  WORKSPACE: "''",
  SUBJECT: 'e.subject',
  ACTOR: 'e.actor',
  GROUP: 'e.group_id',
  SOURCE: 'e.source',
};

/** Bytes of a payload: a compressed one is written out to be counted. */
const WHOLE_WEIGHT = sql.raw(`case when pg_column_compression(e.payload) is null
  then pg_column_size(e.payload) else octet_length(e.payload::text) end`);
const HEAD_WEIGHT = sql.raw('pg_column_size(e.payload)');

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
  const orderKey = sql.raw(`${orderedBy === null ? 'null' : ORDER_KEYS[orderedBy]}::text`);
  // With one order for all, those that wait for the first need no rows.
  const openMax = orderedBy === 'WORKSPACE' ? 1 : LIMITS.openDeliveriesMax;
  const room = sql`(select greatest(0, least(${first}::int, ${windowMax ?? first}::int - f.held)) from facts f)`;
  const parts: Parts = {
    ...pull,
    ofConsumer: sql`q.workspace_id = ${workspaceId} and q.consumer_id = ${id}`,
    isConsumer: sql`c.workspace_id = ${workspaceId} and c.id = ${id}`,
    selected: sql`${columns}, ${orderKey} as order_key, ${weight} as weight`,
    openMax,
    room,
    wanted: sql`(select greatest(0, least(${room} - (select count(*) from again), ${openMax} - m.open)) from mine m)`,
    until: sql`now() + make_interval(secs => ${leaseMs}::float8 / 1000)`,
  };
  const ctes = [stateSql, dueSql, freshSql, leaseSql, moveSql].map(part => part(parts));
  return sql`with ${sql.join(ctes, sql`, `)} ${answerSql(parts)}`;
}

/** The consumer, what is open of it, and, unless others are at work, its lock. */
function stateSql({ plan, lease, range, ofConsumer, isConsumer, openMax, room }: Parts): SQL {
  const isNext = sql.raw(
    plan.orderedBy === null
      ? 'true'
      : 'q.order_key is null or q.position = min(q.position) over (partition by q.order_key)',
  );
  return sql`
    seen as materialized (
      select c.turn, c.settled, c.scanned, c.scanned_recorded_at, c.gone,
        c.paused_at is not null as is_paused, c.revision <> ${plan.revision} as is_changed,
        exists (select from deliveries q where ${ofConsumer} and q.parked_at is not null
          and q.position > c.scanned) as has_parked,
        coalesce(h.head, 0) as head, h.recorded_at as head_recorded_at, coalesce(m.tail, 1) as tail,
        set_config('synchronous_commit', 'off', true)
      from consumers c join workspaces w on w.id = c.workspace_id
      left join workspace_marks m on m.workspace_id = c.workspace_id
      left join lateral (
        select n.head, n.recorded_at from workspace_heads n
        where n.workspace_id = c.workspace_id order by n.head desc limit 1
      ) h on true
      where ${isConsumer}
    ), open as materialized (
      select q.position, q.due_at, q.order_key, q.lease, ${isNext} as is_next
      from deliveries q
      where ${ofConsumer} and q.position > (select s.settled from seen s) and q.parked_at is null
    ), facts as materialized (
      select s.*, o.*, not s.is_paused and not s.is_changed and (
          o.is_due or s.head > s.scanned and s.scanned + 1 >= s.tail and o.open < ${openMax}
        ) as has_work
      from seen s cross join (
        select count(*)::int as open, coalesce(bool_or(is_next and due_at <= now()), false) as is_due,
          min(due_at) filter (where is_next and due_at > now()) as due_at,
          count(*) filter (where lease = ${lease}::uuid and due_at > now())::int as held
        from open
      ) o
    ), locked as materialized (
      select c.turn from consumers c
      where ${isConsumer} and (select f.has_work from facts f)
        and ${room} > 0
      for update skip locked
    ), mine as materialized (
      select f.*, least(f.head, f.scanned + ${range}::bigint) as upto
      from facts f join locked l on l.turn = f.turn
    )`;
}

/** What is to be delivered again: some is parked, and what is no longer shown is settled. */
function dueSql({ plan, ofConsumer, selected, room }: Parts): SQL {
  const { workspaceId, maxAttempts } = plan;
  return sql`
    due as materialized (
      select q.position, q.recorded_at, q.attempts from deliveries q
      where ${ofConsumer} and q.position > (select settled from mine) and q.parked_at is null
        and q.due_at <= now()
        and q.position = any (array(select o.position from open o where o.is_next and o.due_at <= now()))
      order by q.position limit ${room} for update of q skip locked
    ), exhausted as (
      update deliveries q set parked_at = now(), lease = null,
        reason = coalesce(q.reason, ${LEASE_RAN_OUT})
      where ${ofConsumer}
        and q.position = any (array(select position from due where attempts >= ${maxAttempts}))
      returning q.position
    ), again as materialized (
      select e.*, due.position as due_position, due.attempts + 1 as attempt
      from due left join lateral (
        select ${selected} from ${eventSource}
        where e.workspace_id = ${workspaceId} and e.position = due.position
          and e.recorded_at = due.recorded_at and ${notExpired}
        limit 1
      ) e on true
      where due.attempts < ${maxAttempts}
    ), vanished as (
      delete from deliveries q where ${ofConsumer}
        and q.position = any (array(select due_position from again where position is null))
      returning q.position
    )`;
}

/** The next matching events, and which of all that were found fit. */
function freshSql({ plan, bytesMax, ofConsumer, selected, wanted }: Parts): SQL {
  const { workspaceId } = plan;
  return sql`
    fresh as materialized (
      select ${selected} from ${eventSource}
      where e.workspace_id = ${workspaceId} and e.position > (select scanned from mine)
        and e.position <= (select upto from mine)
        and e.recorded_at >= (select scanned_recorded_at from mine)
        and (select scanned + 1 >= tail from mine) and ${notExpired}
        and ${filterSql(plan.filter, workspaceId)}
        -- Of a consumer that was moved back, parked ones stay parked.
        and (not (select has_parked from mine) or not exists (
          select from deliveries q where ${ofConsumer} and q.position = e.position))
      order by e.position limit ${wanted}
    ), fitting as materialized (
      -- All in one pass: a join of what was found would compare each with each.
      select w.*, w.order_key is null
          or not w.order_key = any (array(select o.order_key from open o where o.order_key is not null))
          and w.position = min(w.position) over (partition by w.is_fresh, w.order_key) as is_free
      from (
        select u.*, sum(u.weight) over (order by u.is_fresh, u.position rows unbounded preceding) as up_to
        from (
          select a.*, false as is_fresh from again a where a.position is not null
          union all select f.*, f.position, 1, true from fresh f
        ) u
      ) w where w.up_to <= ${bytesMax} or w.up_to = w.weight
    )`;
}

/** Leases. What waits for an earlier one of its order gets a row without one. */
function leaseSql({ plan, lease, ofConsumer, until }: Parts): SQL {
  return sql`
    renewed as (
      update deliveries q set lease = ${lease}::uuid, due_at = ${until}, attempts = q.attempts + 1
      where ${ofConsumer} and q.position = any (array(select w.position from fitting w where not w.is_fresh))
      returning 1
    ), placed as (
      insert into deliveries
        (workspace_id, consumer_id, position, recorded_at, attempts, lease, due_at, order_key)
      select w.workspace_id, ${plan.id}::int, w.position, w.recorded_at, w.is_free::int,
        case when w.is_free then ${lease}::uuid end,
        case when w.is_free then ${until} else now() end, w.order_key
      from fitting w where w.is_fresh returning 1
    )`;
}

/** Moves the consumer on. */
function moveSql({ plan, isConsumer, wanted }: Parts): SQL {
  const { workspaceId } = plan;
  return sql`
    reached as materialized (
      -- Of what was found, up to the last that fits; else to the end of the range.
      select case when m.scanned + 1 < m.tail then m.scanned
          when n.kept < n.found or n.found >= ${wanted} then coalesce(n.last, m.scanned)
          else m.upto end as scanned
      from mine m cross join (
        select (select count(*) from fresh) as found, count(*) as kept, max(position) as last
        from fitting where is_fresh
      ) n
    ), moved as (
      update consumers c set turn = c.turn + 1, scanned = r.scanned,
        scanned_recorded_at = coalesce(
          case when r.scanned = m.head then m.head_recorded_at end,
          (select e.recorded_at from events e where e.workspace_id = ${workspaceId}
             and e.position = r.scanned and e.recorded_at >= m.scanned_recorded_at limit 1),
          c.scanned_recorded_at),
        settled = greatest(c.settled, least(r.scanned,
          (select min(o.position) - 1 from open o where not o.position = any (array(
             select position from exhausted union all select position from vanished))),
          (select min(w.position) - 1 from fitting w where w.is_fresh))),
        gone = least(c.gone, (select min(v.position) from vanished v where v.position < m.tail))
      from mine m, reached r where ${isConsumer}
      returning c.scanned, c.scanned_recorded_at
    )`;
}

function answerSql({ actor, room, until }: Parts): SQL {
  return sql`
    select f.is_paused, f.is_changed, f.tail, f.head, f.open, f.turn, f.held,
      ${room} > 0 and f.has_work and not exists (select from mine) as is_busy,
      case when f.scanned + 1 < f.tail then f.scanned + 1 end as gone,
      coalesce(v.scanned, f.scanned) as scanned,
      coalesce(v.scanned_recorded_at, f.scanned_recorded_at) as scanned_recorded_at,
      (select count(*) from exhausted)::int as parked, (select count(*) from vanished)::int as vanished,
      extract(epoch from f.due_at - now())::float8 * 1000 as due_in_ms,
      require_key(${actor?.keyId ?? null}::int, ${actor?.scope ?? null}::text), l.*
    from facts f left join moved v on true
    left join (
      select w.*, ${until} as leased_until from fitting w where not w.is_fresh or w.is_free
    ) l on true`;
}
