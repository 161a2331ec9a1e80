/**
 * Day rows are days of the workspace's own zone. They carry a tag, the zone and the version of
 * the time-zone database they were made by, and the fold goes on making days of the tag's zone.
 * When the workspace changes its zone, or Node brings newer rules, the rows are made anew from
 * the quarter hours in the background, in one transaction. Readers use day rows only where the
 * tag's zone is the one they ask for, and quarter hours until then. So changing the zone costs the
 * caller nothing, and no answer mixes two zones.
 *
 * A quarter hour that a local midnight cuts, as in zones off by seconds before 1972, goes to the
 * day in which it begins when days are made anew.
 */
import { GRAINS, rowStart } from '../core/bucket.ts';
import { daysTag, isOutdated, knownZone, TZDATA } from '../core/days-tag.ts';
import type { Connection } from '../db/client.ts';
import { columnsOf, type Row, sqlText } from '../db/columns.ts';
import {
  eventCounts,
  eventMeasures,
  measureFills,
  workspaceMarks,
  workspaces,
} from '../db/schema.ts';
import { clearFault, ofWorkspace } from '../upkeep/upkeep-faults.ts';
import { type FoldScope, idList, mayTrySql } from './fold-scope.ts';
import { setAsideOfRows } from './fold-set-aside.ts';

const w = columnsOf(workspaces, 'w');
const m = columnsOf(workspaceMarks, 'm');
const c = columnsOf(eventCounts, 'c');
const f = columnsOf(measureFills, 'f');
const r = columnsOf(eventMeasures, 'r');
const total = columnsOf(eventMeasures, 'm');
const MARKS = columnsOf(workspaceMarks);
const COUNTS = columnsOf(eventCounts);
const MEASURES = columnsOf(eventMeasures);

const BUCKETS_MAX = 20_000;

/** Makes the days of one workspace anew; false when all are as they should be. */
export async function rebuildNext(connection: Connection, workspaces: FoldScope): Promise<boolean> {
  const marks = await connection.query<{ id: number; time_zone: string; days_zone: string }>(
    sqlText`select ${w.id}, ${w.time_zone}, ${m.days_zone}
     from workspaces w join workspace_marks m on ${m.workspace_id} = ${w.id}
     where ${m.folded} > 0 and ${m.days_zone} is distinct from ${w.time_zone} || $2
       and ($1::text is null or ${w.id} = any ($1::text::int[]))
       and ${mayTrySql(workspaces, 'DAYS', sqlText`${w.id}`)}
     order by ${w.id}`,
    [idList(workspaces.ids), ` ${TZDATA}`],
  );
  const next = marks.find(mark => isOutdated(mark.days_zone, mark.time_zone));
  if (next === undefined) return false;
  await ofWorkspace(next.id, 'DAYS', async () => {
    await rebuildDays(connection, next.id, next.time_zone);
    await clearFault(connection, next.id, 'DAYS');
  });
  return true;
}

/** In one transaction, under the fold's lock. */
export async function rebuildDays(connection: Connection, workspaceId: number, zone: string) {
  await setAsideOfRows(connection, workspaceId);
  for (const table of [sqlText`event_counts`, sqlText`event_measures`]) {
    await connection.query(
      sqlText`delete from ${table} where ${COUNTS.workspace_id} = $1 and ${COUNTS.grain} = $2`,
      [workspaceId, GRAINS.DAY],
    );
  }
  const known = knownZone(zone);
  for (let after: Date | null = null; ;) {
    const buckets: Date[] = await readBuckets(connection, workspaceId, after);
    const last = buckets.at(-1);
    if (last === undefined) break;
    const days = new Set(buckets.map(at => rowStart(GRAINS.DAY, at.getTime(), known)));
    const starts = [...days].map(day => new Date(day).toISOString());
    const params = [workspaceId, `{${starts.join(',')}}`, buckets[0] ?? null, last];
    await connection.query(DAY_COUNTS_SQL, params);
    await connection.query(DAY_MEASURES_SQL, params);
    after = last;
  }
  await connection.query(
    sqlText`update workspace_marks set ${MARKS.days_zone} = $2 where ${MARKS.workspace_id} = $1`,
    [workspaceId, daysTag(zone)],
  );
}

async function readBuckets(
  connection: Connection,
  workspaceId: number,
  after: Date | null,
): Promise<Date[]> {
  const rows = await connection.query<Row<typeof eventCounts, 'bucket'>>(
    sqlText`select distinct ${COUNTS.bucket} from event_counts
     where ${COUNTS.workspace_id} = $1 and ${COUNTS.grain} = ${GRAINS.QUARTER_HOUR}
       and ${COUNTS.bucket} > coalesce($2::timestamptz, '-infinity')
     order by ${COUNTS.bucket} limit ${BUCKETS_MAX}`,
    [workspaceId, after],
  );
  return rows.map(({ bucket }) => bucket);
}

/** Every quarter hour's own day is in the list, so the latest start up to it is that day. */
const DAY = sqlText`(($2::text::timestamptz[])[width_bucket(${COUNTS.bucket}, $2::text::timestamptz[])])`;
const QUARTERS = sqlText`${COUNTS.workspace_id} = $1 and ${COUNTS.grain} = ${GRAINS.QUARTER_HOUR}
  and ${COUNTS.bucket} >= $3 and ${COUNTS.bucket} <= $4`;

const DAY_COUNTS_SQL = sqlText`
  insert into event_counts as c (${COUNTS.workspace_id}, ${COUNTS.grain}, ${COUNTS.bucket}, ${COUNTS.definition_id}, ${COUNTS.door}, ${COUNTS.count})
  select ${COUNTS.workspace_id}, ${GRAINS.DAY}, ${DAY}, ${COUNTS.definition_id}, ${COUNTS.door}, sum(${COUNTS.count})
  from event_counts where ${QUARTERS} group by 1, 2, 3, 4, 5 order by 1, 2, 3, 4, 5
  on conflict (${COUNTS.workspace_id}, ${COUNTS.grain}, ${COUNTS.bucket}, ${COUNTS.definition_id}, ${COUNTS.door})
    do update set ${COUNTS.count} = ${c.count} + excluded.${COUNTS.count}`;

const DAY_MEASURES_SQL = sqlText`
  insert into event_measures as m
    (${MEASURES.workspace_id}, ${MEASURES.grain}, ${MEASURES.bucket}, ${MEASURES.definition_id}, ${MEASURES.door}, ${MEASURES.property}, ${MEASURES.count}, ${MEASURES.sum}, ${MEASURES.min}, ${MEASURES.max})
  select ${MEASURES.workspace_id}, ${GRAINS.DAY}, ${DAY}, ${MEASURES.definition_id}, ${MEASURES.door}, ${MEASURES.property},
    sum(${MEASURES.count}), sum(${MEASURES.sum}), min(${MEASURES.min}), max(${MEASURES.max})
  from event_measures r where ${QUARTERS} and not exists (
    select from measure_fills f where ${f.workspace_id} = ${r.workspace_id}
      and ${f.definition_id} = ${r.definition_id} and ${f.property} = ${r.property}
      and ${f.set_aside_at} is not null)
  group by 1, 2, 3, 4, 5, 6 order by 1, 2, 3, 4, 5, 6
  on conflict (${MEASURES.workspace_id}, ${MEASURES.grain}, ${MEASURES.bucket}, ${MEASURES.definition_id}, ${MEASURES.door}, ${MEASURES.property}) do update set
    ${MEASURES.count} = ${total.count} + excluded.${MEASURES.count}, ${MEASURES.sum} = ${total.sum} + excluded.${MEASURES.sum},
    ${MEASURES.min} = least(${total.min}, excluded.${MEASURES.min}), ${MEASURES.max} = greatest(${total.max}, excluded.${MEASURES.max})`;
