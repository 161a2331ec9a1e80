/**
 * How deliveries are settled, or kept for longer: one statement each. It finds the rows by their
 * places, and takes those that the token's lease still holds, in the order of positions, so that two
 * who settle the same never wait for each other. A lease that has run out still counts until
 * somebody else has the delivery.
 *
 * Each answers with a row for every delivery that it took, or one without a position; with no row
 * where there is no such consumer.
 */
import { type SQL, sql } from 'drizzle-orm';
import type { LeaseToken } from '../core/consumer.ts';
import { LIMITS } from '../core/limits.ts';
import type { Actor } from '../core/principal.ts';
import { columnsOf, type Row } from '../db/columns.ts';
import { consumers, deliveries, workspaces } from '../db/schema.ts';
import { arrayLiteral, textArray } from '../db/sql-lists.ts';

const q = columnsOf(deliveries, 'q');
const held = columnsOf(deliveries, 'held');
const c = columnsOf(consumers, 'c');
const w = columnsOf(workspaces, 'w');
const CONSUMER = columnsOf(consumers);
const DELIVERY = columnsOf(deliveries);

export interface Settling {
  readonly workspaceId: number;
  readonly consumerId: number;
  readonly tokens: readonly LeaseToken[];
  readonly actor: Actor | null;
}

export interface SettledRow {
  readonly position: Row<typeof deliveries>['position'] | null;
  readonly is_parked: boolean | null;
}

export function acknowledgeSql(settling: Settling): SQL {
  return settleSql(
    settling,
    own => sql`delete from deliveries q where ${own} returning ${q.position}, false`,
  );
}

export interface Release {
  /** How long a delivery waits, by its attempts so far: the first element is of the first attempt. */
  readonly delaysMs: readonly number[];
  readonly reason: string | null;
  /** Where nobody gave a reason. */
  readonly parkReason: string;
  readonly isPark: boolean;
  readonly maxAttempts: number;
}

/** With too many attempts behind it, or refused for good, a delivery is parked. */
export function releaseSql(settling: Settling, release: Release): SQL {
  const { reason, parkReason, isPark, maxAttempts } = release;
  const delays = arrayLiteral(release.delaysMs.map(String));
  return settleSql(
    settling,
    own => sql`
      update deliveries q set ${DELIVERY.lease} = null,
        ${DELIVERY.reason} = coalesce(${reason}::text, ${q.reason}, ${parkReason}::text),
        ${DELIVERY.due_at} = now() + make_interval(secs => (${delays}::float8[])[${q.attempts}] / 1000),
        ${DELIVERY.parked_at} = case when ${isPark} or ${q.attempts} >= ${maxAttempts} then now() end
      where ${own} returning ${q.position}, ${q.parked_at} is not null`,
  );
}

export function extendSql(settling: Settling, leaseMs: number): SQL {
  return settleSql(
    settling,
    own => sql`
      update deliveries q set ${DELIVERY.due_at} = now() + make_interval(secs => ${leaseMs}::float8 / 1000)
      where ${own} returning ${q.position}, false`,
  );
}

/** What was leased and never handed out: the attempt does not count. */
export function giveBackSql(settling: Settling): SQL {
  return settleSql(
    settling,
    own => sql`
      update deliveries q set ${DELIVERY.lease} = null, ${DELIVERY.due_at} = now(),
        ${DELIVERY.attempts} = greatest(0, ${q.attempts} - 1)
      where ${own} returning ${q.position}, false`,
  );
}

/**
 * Not by a join with the tokens: the planner takes them for few, and compares each with each. So a
 * row is found by its position, and looked up among the tokens as one text.
 */
function settleSql(settling: Settling, change: (own: SQL) => SQL): SQL {
  const { workspaceId, consumerId, tokens, actor } = settling;
  const ofConsumer = sql`${q.workspace_id} = ${workspaceId} and ${q.consumer_id} = ${consumerId}`;
  const positions = arrayLiteral(tokens.map(({ position }) => String(position)));
  const leases = textArray(
    tokens.map(({ position, attempt, lease }) => `${position} ${attempt} ${lease}`),
  );
  return sql`
    with held as materialized (
      select ${q.position} from deliveries q
      where ${ofConsumer} and ${q.position} = any (${positions}::bigint[]) and ${q.parked_at} is null
        and format('%s %s %s', ${q.position}, ${q.attempts}, ${q.lease}) = any (${leases})
      order by ${q.position} for update of q
    ), taken (place, is_parked) as (
      ${change(sql`${ofConsumer} and ${q.position} = any (array(select ${held.position} from held))`)}
    ), checked as materialized (
      -- Once, behind the locks and all that was written.
      select require_key(${actor?.keyId ?? null}::int, ${actor?.scope ?? null}::text)
      from (select count(*) from taken) done
    )
    select taken.place as position, taken.is_parked
    from consumers c join workspaces w on ${w.id} = ${c.workspace_id} cross join checked
    left join taken on true
    where ${c.workspace_id} = ${workspaceId} and ${c.id} = ${consumerId}`;
}

/** Pauses a consumer that has parked as many as it may. */
export function pauseFullSql(workspaceId: number, consumerId: number, reason: string): SQL {
  const max = LIMITS.parkedDeliveriesMax;
  return sql`
    update consumers c set ${CONSUMER.paused_at} = now(), ${CONSUMER.paused_reason} = ${reason},
      ${CONSUMER.turn} = ${c.turn} + 1
    where ${c.workspace_id} = ${workspaceId} and ${c.id} = ${consumerId} and ${c.paused_at} is null
      and (select count(*) from (
        select from deliveries q where ${q.workspace_id} = ${workspaceId}
          and ${q.consumer_id} = ${consumerId} and ${q.parked_at} is not null limit ${max}
      ) counted) >= ${max}`;
}
