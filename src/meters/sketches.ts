/**
 * The sketches of a meter's rows. They are merged here: no function of Postgres does it. Only the
 * fold writes them, under its lock.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { GRAINS, rowStart } from '../core/bucket.ts';
import { makeSketch, type Sketch } from '../core/sketch.ts';
import { columnsOf, sqlText } from '../db/columns.ts';
import type { Connection } from '../db/connection.ts';
import { rows } from '../db/query.ts';
import { meterSketches } from '../db/schema.ts';
import { type MeterSpan, sketchedSql } from './count-sql.ts';
import type { MeterWork, Numbered } from './work.ts';

const SKETCH = columnsOf(meterSketches);
const s = columnsOf(meterSketches, 's');

interface Sketching {
  readonly span: MeterSpan;
  readonly sketched: readonly Numbered[];
  /** Of the rows by day and month. */
  readonly zone: string;
}

export interface SketchRow {
  readonly grain: number;
  /** An instant. */
  readonly bucket: string;
  readonly series: number;
  readonly operand: number;
  readonly sketch: Sketch;
}

/** Merged at a time, before others get a turn. */
const AT_ONCE = 100;
/** Written in one statement: some megabytes. */
const WRITTEN_AT_ONCE = 500;

export async function addSketches(
  connection: Connection,
  meter: MeterWork,
  { span, sketched, zone }: Sketching,
): Promise<void> {
  const found = await rows<{ at: Date; series: number; operand: number; items: string }>(
    connection,
    sketchedSql(meter, span, sketched),
  );
  const kinds = new Map(sketched.map(({ number, kind }) => [number, kind]));
  const added = new Map<string, SketchRow>();
  for (const [index, { at, series, operand, items }] of found.entries()) {
    const kind = kinds.get(operand);
    if (kind === undefined || kind === 'NUMBERS') continue;
    const own = makeSketch(kind);
    for (const [item, count] of JSON.parse(items) as [number, number][]) own.add(item, count);
    for (const grain of [GRAINS.QUARTER_HOUR, GRAINS.DAY, GRAINS.MONTH]) {
      const quarter = rowStart(GRAINS.QUARTER_HOUR, at.getTime(), zone);
      if (grain !== GRAINS.QUARTER_HOUR && quarter >= meter.daysBuilt) continue;
      const bucket = new Date(rowStart(grain, at.getTime(), zone)).toISOString();
      const key = `${grain} ${bucket} ${series} ${operand}`;
      const known = added.get(key);
      if (known === undefined) {
        const sketch = makeSketch(kind);
        sketch.merge(own);
        added.set(key, { grain, bucket, series, operand, sketch });
      } else known.sketch.merge(own);
    }
    if (index % AT_ONCE === AT_ONCE - 1) await turn();
  }
  await mergeRows(connection, meter, [...added.values()]);
}

/** Merges these with what stands in the table. */
export async function mergeRows(
  connection: Connection,
  { workspaceId, id }: Pick<MeterWork, 'workspaceId' | 'id'>,
  added: readonly SketchRow[],
): Promise<void> {
  for (let start = 0; start < added.length; start += WRITTEN_AT_ONCE) {
    const some = added.slice(start, start + WRITTEN_AT_ONCE);
    const keys = some.map(({ sketch: _, ...key }, at) => ({ ...key, at }));
    const known = await connection.query<{ at: number; sketch: string }>(
      sqlText`select k.at, encode(${s.sketch}, 'base64') as sketch
       from json_to_recordset($3::text::json) as k (
         at int, grain smallint, bucket timestamptz, series int, operand smallint)
       cross join lateral (
         select ${s.sketch} from meter_sketches s
         where ${s.workspace_id} = $1 and ${s.meter_id} = $2 and ${s.grain} = k.grain
           and ${s.bucket} = k.bucket and ${s.series_id} = k.series and ${s.operand} = k.operand limit 1
       ) s`,
      [workspaceId, id, JSON.stringify(keys)],
    );
    for (const [index, { at, sketch }] of known.entries()) {
      some[at]?.sketch.mergeBytes(Buffer.from(sketch, 'base64'));
      if (index % AT_ONCE === AT_ONCE - 1) await turn();
    }
    const written = some.map(({ sketch, ...key }) => ({
      ...key,
      sketch: Buffer.from(sketch.toBytes()).toString('base64'),
    }));
    await connection.query(
      sqlText`insert into meter_sketches (${SKETCH.workspace_id}, ${SKETCH.meter_id}, ${SKETCH.grain}, ${SKETCH.bucket}, ${SKETCH.series_id}, ${SKETCH.operand}, ${SKETCH.sketch})
       select $1, $2, k.grain, k.bucket, k.series, k.operand, decode(k.sketch, 'base64')
       from json_to_recordset($3::text::json) as k (
         grain smallint, bucket timestamptz, series int, operand smallint, sketch text)
       order by k.grain, k.bucket, k.series, k.operand
       on conflict (${SKETCH.workspace_id}, ${SKETCH.meter_id}, ${SKETCH.grain}, ${SKETCH.bucket}, ${SKETCH.series_id}, ${SKETCH.operand})
         do update set ${SKETCH.sketch} = excluded.${SKETCH.sketch}`,
      [workspaceId, id, JSON.stringify(written)],
    );
    await turn();
  }
}
