/** Measures that the rollups do not count, since a number of theirs is too long for one. */
import { ROLLUP_DIGITS_MAX } from '../core/aggregate.ts';
import { GRAINS } from '../core/bucket.ts';
import type { Connection } from '../db/client.ts';
import { columnsOf, sqlText } from '../db/columns.ts';
import { eventDefinitions, eventMeasures, measureFills } from '../db/schema.ts';

const d = columnsOf(eventDefinitions, 'd');
const f = columnsOf(measureFills, 'f');
const FILL = columnsOf(measureFills);
const MEASURES = columnsOf(eventMeasures);
const long = columnsOf(eventMeasures, 'long');

/** One that is set aside: some number of it is too long for a rollup. */
export interface Measure {
  readonly workspaceId: number;
  readonly type: string;
  readonly property: string;
}

interface MeasureKey {
  readonly workspace_id: number;
  readonly definition_id: number;
  readonly property: string;
}

export function measureKey({ workspace_id, definition_id, property }: MeasureKey): string {
  return `${workspace_id} ${definition_id} ${property}`;
}

export async function setAsideTooLong(
  connection: Connection,
  found: readonly (MeasureKey & { readonly too_long: boolean })[],
): Promise<readonly (MeasureKey & { readonly name: string })[]> {
  const tooLong = found.filter(({ too_long }) => too_long);
  if (tooLong.length === 0) return [];
  return connection.query(
    sqlText`update measure_fills f set ${FILL.set_aside_at} = now()
     from (
       select distinct r.workspace_id, r.definition_id, r.property from json_to_recordset($1::text::json)
         as r (workspace_id int, definition_id int, property text)
     ) r
     join event_definitions d on ${d.workspace_id} = r.workspace_id and ${d.id} = r.definition_id
     where ${f.workspace_id} = r.workspace_id and ${f.definition_id} = r.definition_id
       and ${f.property} = r.property
     returning ${f.workspace_id}, ${f.definition_id}, ${f.property}, ${d.name}`,
    [JSON.stringify(tooLong)],
  );
}

/** Rows of before there was a bound: their sums could not be added up to days. */
export async function setAsideOfRows(connection: Connection, workspaceId: number): Promise<void> {
  await connection.query(
    sqlText`update measure_fills f set ${FILL.set_aside_at} = now()
     from (
       select distinct ${MEASURES.definition_id}, ${MEASURES.property} from event_measures
       where ${MEASURES.workspace_id} = $1 and ${MEASURES.grain} = ${GRAINS.QUARTER_HOUR}
         and greatest(abs(${MEASURES.sum}), abs(${MEASURES.min}), abs(${MEASURES.max})) >= 1e${2 * ROLLUP_DIGITS_MAX}
     ) long
     where ${f.workspace_id} = $1 and ${f.definition_id} = ${long.definition_id} and ${f.property} = ${long.property}
       and ${f.set_aside_at} is null`,
    [workspaceId],
  );
}
