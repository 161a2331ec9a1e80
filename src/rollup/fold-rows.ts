import type { Grain } from '../core/bucket.ts';
import type { Connection } from '../db/client.ts';
import { columnsOf, sqlText } from '../db/columns.ts';
import { eventCounts, eventMeasures } from '../db/schema.ts';

const c = columnsOf(eventCounts, 'c');
const m = columnsOf(eventMeasures, 'm');
const COUNTS = columnsOf(eventCounts);
const MEASURES = columnsOf(eventMeasures);

/** What is added to the rows of a rollup; `bucket` in ms. */
export interface RollupKey {
  readonly workspace_id: number;
  readonly grain: Grain;
  readonly bucket: number;
  readonly definition_id: number;
  readonly door: number;
}
export interface CountRow extends RollupKey {
  count: number;
}
export interface MeasureRow extends RollupKey {
  readonly property: string;
  readonly count: number;
  /** Numeric, in decimal digits. */
  readonly sum: string;
  readonly min: string;
  readonly max: string;
}

/** In the order of the key, so that concurrent writers cannot deadlock. */
export async function addCounts(connection: Connection, rows: readonly CountRow[]): Promise<void> {
  if (rows.length === 0) return;
  await connection.query(
    sqlText`insert into event_counts as c (${COUNTS.workspace_id}, ${COUNTS.grain}, ${COUNTS.bucket}, ${COUNTS.definition_id}, ${COUNTS.door}, ${COUNTS.count})
     select * from unnest($1::text::int[], $2::text::smallint[], $3::text::timestamptz[],
       $4::text::int[], $5::text::smallint[], $6::text::bigint[]) as a (w, g, b, d, r, n)
     order by w, g, b, d, r
     on conflict (${COUNTS.workspace_id}, ${COUNTS.grain}, ${COUNTS.bucket}, ${COUNTS.definition_id}, ${COUNTS.door})
       do update set ${COUNTS.count} = ${c.count} + excluded.${COUNTS.count}`,
    [...keyColumns(rows), list(rows.map(({ count }) => count))],
  );
}

/** Rows may repeat a key: they are summed first. */
export async function addMeasures(
  connection: Connection,
  rows: readonly MeasureRow[],
): Promise<void> {
  if (rows.length === 0) return;
  await connection.query(
    sqlText`insert into event_measures as m
       (${MEASURES.workspace_id}, ${MEASURES.grain}, ${MEASURES.bucket}, ${MEASURES.definition_id}, ${MEASURES.door}, ${MEASURES.property}, ${MEASURES.count}, ${MEASURES.sum}, ${MEASURES.min}, ${MEASURES.max})
     select w, g, b, d, r, p, sum(n), sum(s), min(lo), max(hi)
     from unnest($1::text::int[], $2::text::smallint[], $3::text::timestamptz[],
       $4::text::int[], $5::text::smallint[], $6::text::bigint[], $7::text::numeric[],
       $8::text::numeric[], $9::text::numeric[],
       (select array_agg(x order by i) from json_array_elements_text($10::text::json) with ordinality j (x, i))
     ) as a (w, g, b, d, r, n, s, lo, hi, p)
     group by w, g, b, d, r, p order by w, g, b, d, r, p
     on conflict (${MEASURES.workspace_id}, ${MEASURES.grain}, ${MEASURES.bucket}, ${MEASURES.definition_id}, ${MEASURES.door}, ${MEASURES.property}) do update set
       ${MEASURES.count} = ${m.count} + excluded.${MEASURES.count}, ${MEASURES.sum} = ${m.sum} + excluded.${MEASURES.sum},
       ${MEASURES.min} = least(${m.min}, excluded.${MEASURES.min}), ${MEASURES.max} = greatest(${m.max}, excluded.${MEASURES.max})`,
    [
      ...keyColumns(rows),
      list(rows.map(({ count }) => count)),
      list(rows.map(({ sum }) => sum)),
      list(rows.map(({ min }) => min)),
      list(rows.map(({ max }) => max)),
      JSON.stringify(rows.map(({ property }) => property)),
    ],
  );
}

function keyColumns(rows: readonly RollupKey[]): string[] {
  return [
    list(rows.map(row => row.workspace_id)),
    list(rows.map(row => row.grain)),
    list(rows.map(row => new Date(row.bucket).toISOString())),
    list(rows.map(row => row.definition_id)),
    list(rows.map(row => row.door)),
  ];
}

/** For values without quotes, commas or braces. */
function list(values: readonly (string | number)[]): string {
  return `{${values.join(',')}}`;
}
