/** How a row of `consumers` becomes a `Consumer`: the one select list and the one decoder. */
import { type SQL, sql } from 'drizzle-orm';
import type { Consumer, ConsumerKind, ConsumerOrder, ConsumerPlan } from '../core/consumer.ts';
import { readFilter } from '../core/filter-text.ts';
import { columnsOf, type Row } from '../db/columns.ts';
import { consumers, deliveries, workspaceHeads, workspaceMarks } from '../db/schema.ts';

const c = columnsOf(consumers, 'c');
const q = columnsOf(deliveries, 'q');
const m = columnsOf(workspaceMarks, 'm');
const n = columnsOf(workspaceHeads, 'n');
const h = columnsOf(workspaceHeads, 'h');

export type PlanRow = Row<
  typeof consumers,
  'workspace_id' | 'id' | 'kind' | 'name' | 'ordered_by' | 'lease_ms' | 'max_attempts' | 'revision'
> & {
  /** As text: a filter keeps its exact digits. */
  readonly filter: string | null;
};

export type ConsumerRow = PlanRow &
  Row<
    typeof consumers,
    'description' | 'paused_reason' | 'settled' | 'gone' | 'created_at' | 'updated_at'
  > & {
    readonly is_paused: boolean;
    readonly settled_recorded_at: Date;
    readonly head: number;
    readonly in_flight: number;
    readonly retrying: number;
    readonly parked: number;
  };

/** Over the alias `c`. */
export const planColumns = sql`${c.workspace_id}, ${c.id}, ${c.kind}, ${c.name}, ${c.filter},
  ${c.ordered_by}, ${c.lease_ms}, ${c.max_attempts}, ${c.revision}`;

/**
 * Over the aliases of `consumerSource`. Settled is everything up to the first open delivery, or up
 * to where the consumer has looked. An instant between that of a position and the next is as good
 * as the position's own.
 */
export const consumerColumns: SQL = sql`${planColumns}, ${c.description},
  ${c.paused_at} is not null as is_paused, ${c.paused_reason}, ${c.created_at}, ${c.updated_at},
  coalesce(o.first - 1, ${c.scanned}) as settled,
  coalesce(o.first_at, ${c.scanned_recorded_at}) as settled_recorded_at,
  greatest(coalesce(${h.head}, 0), ${c.scanned}) as head, o.in_flight, o.retrying, p.parked,
  coalesce(${c.gone}, case when coalesce(o.first - 1, ${c.scanned}) + 1 < ${m.tail}
    then coalesce(o.first - 1, ${c.scanned}) + 1 end) as gone`;

/** `c` the consumer, `o` its open deliveries, `p` the parked ones, `h` and `m` its log. */
export const consumerSource = sql`consumers c
  left join workspace_marks m on ${m.workspace_id} = ${c.workspace_id}
  left join lateral (
    select ${n.head} from workspace_heads n
    where ${n.workspace_id} = ${c.workspace_id} order by ${n.head} desc limit 1
  ) h on true
  cross join lateral (
    select min(${q.position}) as first, min(${q.recorded_at}) as first_at,
      count(*) filter (where ${q.lease} is not null and ${q.due_at} > now())::int as in_flight,
      count(*) filter (where ${q.lease} is null or ${q.due_at} <= now())::int as retrying
    from deliveries q where ${q.workspace_id} = ${c.workspace_id} and ${q.consumer_id} = ${c.id}
      and ${q.position} > ${c.settled} and ${q.parked_at} is null
  ) o
  cross join lateral (
    select count(*)::int as parked from deliveries q
    where ${q.workspace_id} = ${c.workspace_id} and ${q.consumer_id} = ${c.id} and ${q.parked_at} is not null
  ) p`;

export function toPlan(row: PlanRow): ConsumerPlan {
  return {
    workspaceId: row.workspace_id,
    id: row.id,
    kind: row.kind as ConsumerKind,
    name: row.name,
    filter: row.filter === null ? null : readFilter(row.filter),
    orderedBy: row.ordered_by as ConsumerOrder | null,
    leaseMs: row.lease_ms,
    maxAttempts: row.max_attempts,
    revision: row.revision,
  };
}

export function toConsumer(row: ConsumerRow): Consumer {
  return {
    ...toPlan(row),
    description: row.description,
    filterText: row.filter,
    isPaused: row.is_paused,
    pausedReason: row.paused_reason,
    settled: { position: row.settled, recordedAt: row.settled_recorded_at },
    head: row.head,
    inFlightCount: row.in_flight,
    retryingCount: row.retrying,
    parkedCount: row.parked,
    gonePosition: row.gone,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
