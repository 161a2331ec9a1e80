/**
 * One batch of the fold: the events of some workspaces behind their folded positions are counted
 * by definition, door and minute, put into rows of the three grains, and added to the rollups;
 * then the folded positions move. All in the caller's transaction, so that a crash at any point
 * loses and doubles nothing.
 */
import { GRAINS, minutesFoldedSince, ROLLUP_GRAINS, rowStart } from '../core/bucket.ts';
import { daysTag, zoneOfTag } from '../core/days-tag.ts';
import type { Connection } from '../db/client.ts';
import { columnsOf, sqlText } from '../db/columns.ts';
import {
  eventDefinitions,
  events,
  upkeepFaults,
  workspaceHeads,
  workspaceMarks,
  workspaces,
} from '../db/schema.ts';
import { advanceMeters, type MeterFault } from '../meters/advance.ts';
import { measuresOf, syncFills } from './fold-measures.ts';
import { addCounts, type CountRow } from './fold-rows.ts';
import { exactBefore, type FoldScope, idList, mayTrySql, MINUTE_OF_EVENT } from './fold-scope.ts';
import type { Measure } from './fold-set-aside.ts';

const w = columnsOf(workspaces, 'w');
const m = columnsOf(workspaceMarks, 'm');
const h = columnsOf(workspaceHeads, 'h');
const n = columnsOf(workspaceHeads, 'n');
const e = columnsOf(events, 'e');
const d = columnsOf(eventDefinitions, 'd');
const f = columnsOf(upkeepFaults, 'f');
const MARKS = columnsOf(workspaceMarks);
const DEFINITION = columnsOf(eventDefinitions);

/** What a batch may cost: a second, and the rows' locks for as long. */
export const BATCH_EVENTS_MAX = 20_000;
export const BATCH_WORKSPACES_MAX = 1_000;

interface Backlog {
  workspace_id: number;
  time_zone: string;
  days_zone: string;
  folded: number;
  head: number;
  recorded_at: Date;
}

/** The events (after, upto] of a workspace. */
interface Span {
  readonly workspaceId: number;
  readonly daysZone: string;
  readonly after: number;
  readonly upto: number;
  readonly head: number;
  readonly headAt: Date;
}

export interface FoldedBatch {
  readonly workspaceIds: readonly number[];
  /** Measures that are counted from their events from now on. */
  readonly setAside: readonly Measure[];
  /** Meters that could not count these events, and are behind now. */
  readonly meterFaults: readonly MeterFault[];
  /** Nothing was left over that was recorded when the batch began. */
  readonly isAll: boolean;
}

/** Folds a batch of these workspaces. The caller holds the fold's lock. */
export async function foldBatch(
  connection: Connection,
  workspaces: FoldScope,
  nowMs: number,
): Promise<FoldedBatch> {
  const spans = shareBatch(await findBacklogs(connection, workspaces));
  if (spans.length === 0) return { workspaceIds: [], setAside: [], meterFaults: [], isAll: true };
  const ids = spans.map(({ workspaceId }) => workspaceId);
  const spansJson = JSON.stringify(spans);
  const zones = new Map(spans.map(span => [span.workspaceId, zoneOfTag(span.daysZone)]));
  const hasMeasures = await syncFills(connection, ids);
  const found = await connection.query<CountedRow>(COUNTED_SQL, [spansJson, exactBefore()]);
  await addCounts(connection, toGrains(found, zones, nowMs));
  const source = { from: SPAN_EVENTS, params: [spansJson, exactBefore()] };
  const setAside = hasMeasures ? await measuresOf(connection, source, { zones, nowMs }) : [];
  const meterFaults = await advanceMeters(connection, spans, () => performance.now());
  // Last, since whoever changes a definition waits behind these rows.
  await move(connection, spansJson, found);
  const isAll =
    spans.length < BATCH_WORKSPACES_MAX && spans.every(({ upto, head }) => upto === head);
  return { workspaceIds: ids, setAside, meterFaults, isAll };
}

/** Those of the next batch. */
export async function backlogsOf(connection: Connection, workspaces: FoldScope): Promise<number[]> {
  const backlogs = await findBacklogs(connection, workspaces);
  return backlogs.map(({ workspace_id }) => workspace_id);
}

/** Those least recently folded come first, so that a batch's bound starves nobody. */
async function findBacklogs(connection: Connection, workspaces: FoldScope): Promise<Backlog[]> {
  return connection.query<Backlog>(
    sqlText`select ${w.id} as workspace_id, ${w.time_zone}, coalesce(${m.days_zone}, '') as days_zone,
       coalesce(${m.folded}, 0) as folded, ${h.head}, ${h.recorded_at}
     from workspaces w
     left join workspace_marks m on ${m.workspace_id} = ${w.id}
     cross join lateral (
       select ${n.head}, ${n.recorded_at} from workspace_heads n
       where ${n.workspace_id} = ${w.id} order by ${n.head} desc limit 1
     ) h
     where ($1::text is null or ${w.id} = any ($1::text::int[])) and ${h.head} > coalesce(${m.folded}, 0)
       and ${mayTrySql(workspaces, 'FOLD', sqlText`${w.id}`)}
     order by ${m.folded_recorded_at} nulls first, ${w.id}
     limit $2`,
    [idList(workspaces.ids), BATCH_WORKSPACES_MAX],
  );
}

/** To each an equal share of the batch, and what some leave of it to the first that want more. */
function shareBatch(backlogs: readonly Backlog[]): Span[] {
  const share = Math.floor(BATCH_EVENTS_MAX / Math.max(1, backlogs.length));
  const waiting = backlogs.map(({ head, folded }) => head - folded);
  let left = waiting.reduce((rest, n) => rest - Math.min(n, share), BATCH_EVENTS_MAX);
  return backlogs.map((backlog, index) => {
    const wanted = waiting[index] ?? 0;
    const more = Math.min(Math.max(0, wanted - share), left);
    left -= more;
    return {
      workspaceId: backlog.workspace_id,
      daysZone: backlog.folded === 0 ? daysTag(backlog.time_zone) : backlog.days_zone,
      after: backlog.folded,
      upto: backlog.folded + Math.min(wanted, share) + more,
      head: backlog.head,
      headAt: backlog.recorded_at,
    };
  });
}

const SPANS = sqlText`
  span as materialized (
    select s.*, coalesce(${m.folded_recorded_at}, '-infinity') as since
    from json_to_recordset($1::text::json) as s (
      "workspaceId" int, "daysZone" text, after bigint, upto bigint, head bigint,
      "headAt" timestamptz)
    left join workspace_marks m on ${m.workspace_id} = s."workspaceId"
  )`;

/** Bounded in position and, so that other partitions are left alone, in recorded_at. */
const SPAN_EVENTS = sqlText`
  with ${SPANS}, e as (
    select e.* from span cross join lateral (
      select * from events e
      where ${e.workspace_id} = span."workspaceId"
        and ${e.position} > span.after and ${e.position} <= span.upto
        and ${e.recorded_at} >= span.since and ${e.recorded_at} <= span."headAt"
    ) e
  )`;

interface CountedRow {
  workspace_id: number;
  definition_id: number;
  door: number;
  at: Date;
  n: number;
  first_at: Date;
  last_at: Date;
  expires_first: Date | null;
}

const COUNTED_SQL = sqlText`${SPAN_EVENTS}
  select ${e.workspace_id}, ${e.definition_id}, ${e.door}, ${MINUTE_OF_EVENT} as at, count(*) as n,
    min(${e.recorded_at}) as first_at, max(${e.recorded_at}) as last_at, min(${e.expires_at}) as expires_first
  from e group by 1, 2, 3, 4`;

function toGrains(
  found: readonly CountedRow[],
  zones: ReadonlyMap<number, string>,
  nowMs: number,
): CountRow[] {
  const minutesSince = minutesFoldedSince(nowMs);
  const added = new Map<string, CountRow>();
  for (const { workspace_id, definition_id, door, at, n } of found) {
    const zone = zones.get(workspace_id) ?? 'UTC';
    for (const grain of ROLLUP_GRAINS) {
      const bucket = rowStart(grain, at.getTime(), zone);
      if (grain === GRAINS.MINUTE && bucket < minutesSince) continue;
      const key = `${workspace_id} ${grain} ${bucket} ${definition_id} ${door}`;
      const row = added.get(key);
      if (row !== undefined) row.count += n;
      else added.set(key, { workspace_id, grain, bucket, definition_id, door, count: n });
    }
  }
  return [...added.values()];
}

/** The marks, the definitions' figures, and the heads that nobody looks at any more. */
async function move(connection: Connection, spansJson: string, found: readonly CountedRow[]) {
  const ofDefinitions = JSON.stringify(
    found.map(row => ({ ...row, w: row.workspace_id, d: row.definition_id })),
  );
  await connection.query(
    sqlText`with ${SPANS},
     added as materialized (
       select r.w, r.d, sum(r.n)::bigint as n, min(r.first_at) as first_at,
         max(r.last_at) as last_at, min(r.expires_first) as expires_first
       from json_to_recordset($2::text::json) as r (
         w int, d int, n bigint, first_at timestamptz, last_at timestamptz, expires_first timestamptz)
       group by r.w, r.d
     ), defined as (
       update event_definitions d set ${DEFINITION.event_count} = ${d.event_count} + a.n,
         ${DEFINITION.first_recorded_at} = least(${d.first_recorded_at}, a.first_at),
         ${DEFINITION.last_recorded_at} = greatest(${d.last_recorded_at}, a.last_at)
       from added a where ${d.workspace_id} = a.w and ${d.id} = a.d
     ), headed as (
       delete from workspace_heads h using span s
       where ${h.workspace_id} = s."workspaceId" and ${h.head} < s.head
     ), cleared as (
       delete from upkeep_faults f using span s
       where ${f.workspace_id} = s."workspaceId" and ${f.step} = 'FOLD'
     )
     insert into workspace_marks as m
       (${MARKS.workspace_id}, ${MARKS.folded}, ${MARKS.folded_recorded_at}, ${MARKS.days_zone}, ${MARKS.expires_first}, ${MARKS.expires_next})
     select s."workspaceId", s.upto, coalesce(max(a.last_at), s.since), s."daysZone",
       min(a.expires_first), min(a.expires_first)
     from span s left join added a on a.w = s."workspaceId"
     group by s."workspaceId", s.upto, s.since, s."daysZone"
     order by s."workspaceId"
     on conflict (${MARKS.workspace_id}) do update set
       ${MARKS.folded} = excluded.${MARKS.folded}, ${MARKS.folded_recorded_at} = excluded.${MARKS.folded_recorded_at},
       ${MARKS.days_zone} = excluded.${MARKS.days_zone},
       ${MARKS.expires_first} = least(${m.expires_first}, excluded.${MARKS.expires_first}),
       ${MARKS.expires_next} = least(${m.expires_next}, excluded.${MARKS.expires_next})`,
    [spansJson, ofDefinitions],
  );
}
