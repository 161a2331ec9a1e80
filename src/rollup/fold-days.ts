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
import type { Connection } from '../db/client.ts';
import { clearFault, ofWorkspace } from '../upkeep/upkeep-faults.ts';
import { type FoldScope, idList, mayTrySql } from './fold-scope.ts';
import { setAsideOfRows } from './fold-set-aside.ts';

const TZDATA = process.versions['tz'] ?? '';
const BUCKETS_MAX = 20_000;

export function daysTag(zone: string): string {
  return `${knownZone(zone)} ${TZDATA}`;
}

/** UTC where there is none yet. */
export function zoneOfTag(tag: string): string {
  return knownZone(tag.split(' ', 1)[0] ?? '');
}

/** A name that this Node does not know must not stop the fold. */
function knownZone(zone: string): string {
  if (zone === '') return 'UTC';
  try {
    rowStart(GRAINS.DAY, 0, zone);
    return zone;
  } catch {
    return 'UTC';
  }
}

/** Days made by another zone, or by older rules than ours; newer ones are another process's. */
function isOutdated(tag: string, zone: string): boolean {
  const [daysZone = '', version = ''] = tag.split(' ');
  return daysZone !== knownZone(zone) || version < TZDATA;
}

/** Makes the days of one workspace anew; false when all are as they should be. */
export async function rebuildNext(connection: Connection, workspaces: FoldScope): Promise<boolean> {
  const marks = await connection.query<{ id: number; time_zone: string; days_zone: string }>(
    `select w.id, w.time_zone, m.days_zone
     from workspaces w join workspace_marks m on m.workspace_id = w.id
     where m.folded > 0 and m.days_zone is distinct from w.time_zone || $2
       and ($1::text is null or w.id = any ($1::text::int[]))
       and ${mayTrySql(workspaces, 'DAYS', 'w.id')}
     order by w.id`,
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
  for (const table of ['event_counts', 'event_measures']) {
    await connection.query(`delete from ${table} where workspace_id = $1 and grain = $2`, [
      workspaceId,
      GRAINS.DAY,
    ]);
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
  await connection.query('update workspace_marks set days_zone = $2 where workspace_id = $1', [
    workspaceId,
    daysTag(zone),
  ]);
}

async function readBuckets(
  connection: Connection,
  workspaceId: number,
  after: Date | null,
): Promise<Date[]> {
  const rows = await connection.query<{ bucket: Date }>(
    `select distinct bucket from event_counts
     where workspace_id = $1 and grain = ${GRAINS.QUARTER_HOUR}
       and bucket > coalesce($2::timestamptz, '-infinity')
     order by bucket limit ${BUCKETS_MAX}`,
    [workspaceId, after],
  );
  return rows.map(({ bucket }) => bucket);
}

/** Every quarter hour's own day is in the list, so the latest start up to it is that day. */
const DAY = `(($2::text::timestamptz[])[width_bucket(bucket, $2::text::timestamptz[])])`;
const QUARTERS = `workspace_id = $1 and grain = ${GRAINS.QUARTER_HOUR}
  and bucket >= $3 and bucket <= $4`;

const DAY_COUNTS_SQL = `
  insert into event_counts as c (workspace_id, grain, bucket, definition_id, door, count)
  select workspace_id, ${GRAINS.DAY}, ${DAY}, definition_id, door, sum(count)
  from event_counts where ${QUARTERS} group by 1, 2, 3, 4, 5 order by 1, 2, 3, 4, 5
  on conflict (workspace_id, grain, bucket, definition_id, door)
    do update set count = c.count + excluded.count`;

const DAY_MEASURES_SQL = `
  insert into event_measures as m
    (workspace_id, grain, bucket, definition_id, door, property, count, sum, min, max)
  select workspace_id, ${GRAINS.DAY}, ${DAY}, definition_id, door, property,
    sum(count), sum(sum), min(min), max(max)
  from event_measures r where ${QUARTERS} and not exists (
    select from measure_fills f where f.workspace_id = r.workspace_id
      and f.definition_id = r.definition_id and f.property = r.property
      and f.set_aside_at is not null)
  group by 1, 2, 3, 4, 5, 6 order by 1, 2, 3, 4, 5, 6
  on conflict (workspace_id, grain, bucket, definition_id, door, property) do update set
    count = m.count + excluded.count, sum = m.sum + excluded.sum,
    min = least(m.min, excluded.min), max = greatest(m.max, excluded.max)`;
