/**
 * A meter's rows by day and month are of the workspace's zone, as those of the rollups. When that
 * changes, or Node brings newer rules, they are taken away and made anew from the quarter hours: a
 * bounded piece at a time, while the fold goes on. `days_built` says up to where: what the fold counts
 * before it goes into days and months too. Until it is done, readers add up quarter hours.
 */
import { sql } from 'drizzle-orm';
import { GRAINS, rowStart } from '../core/bucket.ts';
import { daysTag, isOutdated, TZDATA, zoneOfTag } from '../core/days-tag.ts';
import { makeSketch } from '../core/sketch.ts';
import { columnsOf, type Row, sqlText } from '../db/columns.ts';
import type { Connection } from '../db/connection.ts';
import { meterCounts, meters, meterSketches, meterValues, workspaces } from '../db/schema.ts';
import { instantText } from '../read/aggregate-columns.ts';
import { type MeterStep, stepOf } from './advance.ts';
import { deleteRows, METER_ROWS_MAX } from './removal.ts';
import { mergeRows, type SketchRow } from './sketches.ts';
import { countedOperands, type MeterScope, type MeterWork } from './work.ts';

const m = columnsOf(meters, 'm');
const w = columnsOf(workspaces, 'w');
const METER = columnsOf(meters);
const COUNT = columnsOf(meterCounts);
const VALUE = columnsOf(meterValues);
const SKETCH = columnsOf(meterSketches);
const c = columnsOf(meterCounts, 'c');
const v = columnsOf(meterValues, 'v');

/** Each may take 12 KB. */
const SKETCHES_MAX = 1_000;

/** A piece of what is to be made anew for one meter; no more is left when there was nothing. */
export function rebuildDaysNext(connection: Connection, scope: MeterScope): Promise<MeterStep> {
  const where = sql`(${m.days_built} < 'infinity' or (
    ${m.series_count} > 0 and ${m.days_zone} is distinct from ${w.time_zone} || ${` ${TZDATA}`}))`;
  const isDue = (meter: MeterWork) => meter.daysBuilt < Infinity || isOfOther(meter);
  return stepOf(connection, scope, { where, isDue, work: rebuild });
}

function isOfOther({ daysZone, timeZone }: MeterWork): boolean {
  return daysZone !== '' && isOutdated(daysZone, timeZone);
}

async function rebuild(connection: Connection, meter: MeterWork): Promise<void> {
  if (isOfOther(meter)) return mark(connection, meter, { zone: '', built: -Infinity });
  if (meter.daysZone === '') {
    const deleted = await deleteDays(connection, meter);
    const zone = deleted === 0 ? daysTag(meter.timeZone) : '';
    return mark(connection, meter, { zone, built: -Infinity });
  }
  const built = await build(connection, meter);
  return mark(connection, meter, { zone: meter.daysZone, built });
}

async function mark(
  connection: Connection,
  { workspaceId, id }: MeterWork,
  { zone, built }: { readonly zone: string; readonly built: number },
): Promise<void> {
  await connection.query(
    sqlText`update meters set ${METER.days_zone} = $3, ${METER.days_built} = $4::timestamptz, ${METER.worked_at} = now()
     where ${METER.workspace_id} = $1 and ${METER.id} = $2`,
    [workspaceId, id, zone, instantText(built)],
  );
}

/** How many rows there were; of each table at most as many as a piece has. */
async function deleteDays(connection: Connection, meter: MeterWork): Promise<number> {
  let deleted = 0;
  for (const table of [sqlText`meter_sketches`, sqlText`meter_values`, sqlText`meter_counts`]) {
    const condition = sqlText`${COUNT.grain} in (${GRAINS.DAY}, ${GRAINS.MONTH})`;
    deleted += await deleteRows(connection, meter, table, condition);
  }
  return deleted;
}

/** Adds the next quarter hours to days and months; returns before which all are added. */
async function build(connection: Connection, meter: MeterWork): Promise<number> {
  const { workspaceId, id, daysBuilt } = meter;
  const hasSketches = countedOperands(meter).sketched.length > 0;
  const params = [workspaceId, id, instantText(daysBuilt)];
  const found = await connection.query<Row<typeof meterCounts, 'bucket'>>(
    sqlText`select distinct ${COUNT.bucket} from (
       select ${COUNT.bucket} from meter_counts
       where ${COUNT.workspace_id} = $1 and ${COUNT.meter_id} = $2 and ${COUNT.grain} = ${GRAINS.QUARTER_HOUR}
         and ${COUNT.bucket} >= $3::timestamptz
       order by ${COUNT.bucket} limit $4
     ) c order by 1`,
    [...params, hasSketches ? SKETCHES_MAX : METER_ROWS_MAX],
  );
  const buckets = found.map(({ bucket }) => bucket.getTime());
  const last = buckets.at(-1);
  if (last === undefined) return Infinity;
  const end = last + 1;
  const zone = zoneOfTag(meter.daysZone);
  for (const grain of [GRAINS.DAY, GRAINS.MONTH]) {
    const starts = [...new Set(buckets.map(at => rowStart(grain, at, zone)))].map(instantText);
    const all = [...params, instantText(end), `{${starts.join(',')}}`, grain];
    await connection.query(BUILD_COUNTS_SQL, all);
    await connection.query(BUILD_VALUES_SQL, all);
  }
  if (hasSketches) await buildSketches(connection, meter, { from: daysBuilt, to: end, zone });
  return end;
}

const OWN = sqlText`${COUNT.workspace_id} = $1 and ${COUNT.meter_id} = $2
  and ${COUNT.grain} = ${GRAINS.QUARTER_HOUR} and ${COUNT.bucket} >= $3::timestamptz and ${COUNT.bucket} < $4::timestamptz`;
/** Every quarter hour's own start is in the list, so the latest one up to it is that. */
const START = sqlText`($5::text::timestamptz[])[width_bucket(${COUNT.bucket}, $5::text::timestamptz[])]`;

const BUILD_COUNTS_SQL = sqlText`
  insert into meter_counts as c (${COUNT.workspace_id}, ${COUNT.meter_id}, ${COUNT.grain}, ${COUNT.bucket}, ${COUNT.series_id}, ${COUNT.count})
  select ${COUNT.workspace_id}, ${COUNT.meter_id}, $6::smallint, ${START}, ${COUNT.series_id}, sum(${COUNT.count})
  from meter_counts where ${OWN} group by 1, 2, 3, 4, 5 order by 1, 2, 3, 4, 5
  on conflict (${COUNT.workspace_id}, ${COUNT.meter_id}, ${COUNT.grain}, ${COUNT.bucket}, ${COUNT.series_id})
    do update set ${COUNT.count} = ${c.count} + excluded.${COUNT.count}`;

const BUILD_VALUES_SQL = sqlText`
  insert into meter_values as v (${VALUE.workspace_id}, ${VALUE.meter_id}, ${VALUE.grain}, ${VALUE.bucket}, ${VALUE.series_id}, ${VALUE.operand}, ${VALUE.count}, ${VALUE.sum}, ${VALUE.min}, ${VALUE.max})
  select ${VALUE.workspace_id}, ${VALUE.meter_id}, $6::smallint, ${START}, ${VALUE.series_id}, ${VALUE.operand},
    sum(${VALUE.count}), sum(${VALUE.sum}), min(${VALUE.min}), max(${VALUE.max})
  from meter_values where ${OWN} group by 1, 2, 3, 4, 5, 6 order by 1, 2, 3, 4, 5, 6
  on conflict (${VALUE.workspace_id}, ${VALUE.meter_id}, ${VALUE.grain}, ${VALUE.bucket}, ${VALUE.series_id}, ${VALUE.operand}) do update set
    ${VALUE.count} = ${v.count} + excluded.${VALUE.count}, ${VALUE.sum} = ${v.sum} + excluded.${VALUE.sum},
    ${VALUE.min} = least(${v.min}, excluded.${VALUE.min}), ${VALUE.max} = greatest(${v.max}, excluded.${VALUE.max})`;

interface Building {
  readonly from: number;
  readonly to: number;
  readonly zone: string;
}

async function buildSketches(
  connection: Connection,
  meter: MeterWork,
  { from, to, zone }: Building,
): Promise<void> {
  const { workspaceId, id } = meter;
  const found = await connection.query<{
    bucket: Date;
    series_id: number;
    operand: number;
    sketch: string;
  }>(
    sqlText`select ${SKETCH.bucket}, ${SKETCH.series_id}, ${SKETCH.operand}, encode(${SKETCH.sketch}, 'base64') as sketch
     from meter_sketches where ${OWN}`,
    [workspaceId, id, instantText(from), instantText(to)],
  );
  const kinds = new Map(countedOperands(meter).sketched.map(({ number, kind }) => [number, kind]));
  const added = new Map<string, SketchRow>();
  for (const { bucket, series_id: series, operand, sketch } of found) {
    const kind = kinds.get(operand);
    if (kind === undefined || kind === 'NUMBERS') continue;
    for (const grain of [GRAINS.DAY, GRAINS.MONTH]) {
      const start = new Date(rowStart(grain, bucket.getTime(), zone)).toISOString();
      const key = `${grain} ${start} ${series} ${operand}`;
      let row = added.get(key);
      if (row === undefined) {
        row = { grain, bucket: start, series, operand, sketch: makeSketch(kind) };
        added.set(key, row);
      }
      row.sketch.mergeBytes(Buffer.from(sketch, 'base64'));
    }
  }
  await mergeRows(connection, meter, [...added.values()]);
}
