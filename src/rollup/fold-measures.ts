/**
 * Measures that are declared for a definition: how far the rollup of each has come, in
 * `measure_fills`. The fold counts a property from the batch on in which it first sees it
 * declared, and notes that place; what lies before is filled up in ranges. Both under the fold's
 * lock, so each event is counted once. Until it is filled, readers count the events.
 *
 * A measure that is declared late knows the events that are kept when it is filled, not those
 * removed before.
 */
import { ROLLUP_DIGITS_MAX } from '../core/aggregate.ts';
import { GRAINS, minutesFoldedSince, ROLLUP_GRAINS, rowStart } from '../core/bucket.ts';
import type { Connection } from '../db/client.ts';
import { columnsOf, type SqlText, sqlText } from '../db/columns.ts';
import {
  eventDefinitions,
  eventMeasures,
  events,
  measureFills,
  workspaceMarks,
  workspaces,
} from '../db/schema.ts';
import { clearFault, ofWorkspace } from '../upkeep/upkeep-faults.ts';
import { addMeasures, type MeasureRow } from './fold-rows.ts';
import { exactBefore, type FoldScope, idList, mayTrySql, MINUTE_OF_EVENT } from './fold-scope.ts';
import { type Measure, measureKey, setAsideTooLong } from './fold-set-aside.ts';

const d = columnsOf(eventDefinitions, 'd');
const m = columnsOf(workspaceMarks, 'm');
const f = columnsOf(measureFills, 'f');
const fill = columnsOf(measureFills, 'd');
const e = columnsOf(events, 'e');
const w = columnsOf(workspaces, 'w');
const FILL = columnsOf(measureFills);
const DEFINITION = columnsOf(eventDefinitions);
const EVENT = columnsOf(events);
const MEASURES = columnsOf(eventMeasures);

const FILL_EVENTS_MAX = 20_000;
const DROP_ROWS_MAX = 20_000;

/**
 * Begins what was newly declared, ends what no longer is; null looks at all workspaces.
 * Returns whether any property of these workspaces is to be counted.
 */
export async function syncFills(
  connection: Connection,
  workspaceIds: readonly number[] | null,
): Promise<boolean> {
  const [row] = await connection.query<{ counted: boolean }>(
    sqlText`with declared as materialized (
       select ${d.workspace_id}, ${d.id}, p.property, coalesce(${m.folded}, 0) as folded
       from event_definitions d
       cross join unnest(${d.measures}) p (property)
       left join workspace_marks m on ${m.workspace_id} = ${d.workspace_id}
       where ${d.measures} <> '{}' and ($1::text is null or ${d.workspace_id} = any ($1::text::int[]))
     ), begun as (
       insert into measure_fills (${FILL.workspace_id}, ${FILL.definition_id}, ${FILL.property}, ${FILL.filled}, ${FILL.upto})
       select ${DEFINITION.workspace_id}, ${DEFINITION.id}, declared.property, 0, declared.folded from declared order by 1, 2, 3
       on conflict (${FILL.workspace_id}, ${FILL.definition_id}, ${FILL.property}) do nothing
     ), ended as (
       update measure_fills f set ${FILL.dropped} = true
       where not ${f.dropped} and ($1::text is null or ${f.workspace_id} = any ($1::text::int[]))
         and not exists (
           select from declared d
           where ${d.workspace_id} = ${f.workspace_id} and ${d.id} = ${f.definition_id} and ${fill.property} = ${f.property})
     )
     select exists (select from declared) as counted`,
    [idList(workspaceIds)],
  );
  return row?.counted === true;
}

interface MeasuredRow {
  workspace_id: number;
  definition_id: number;
  door: number;
  at: Date;
  property: string;
  n: number;
  sum: string;
  min: string;
  max: string;
  too_long: boolean;
}

interface Source {
  /** `with … e as (…)`: the events to count; $1 is its own, $2 as `MINUTE_OF_EVENT` has it. */
  readonly from: SqlText;
  readonly params: readonly (string | Date)[];
  /** Only this property; absent: all that are counted. */
  readonly property?: string;
}

interface Place {
  /** The zone of the day rows by workspace. */
  readonly zones: ReadonlyMap<number, string>;
  readonly nowMs: number;
}

/**
 * Adds the values of these events to the rollups; only numbers count. A measure with one that is too
 * long is set aside, and returned: readers count it from its events.
 */
export async function measuresOf(
  connection: Connection,
  { from, params, property }: Source,
  { zones, nowMs }: Place,
): Promise<readonly Measure[]> {
  const found = await connection.query<MeasuredRow>(
    sqlText`${from}
     select ${e.workspace_id}, ${e.definition_id}, ${e.door}, ${MINUTE_OF_EVENT} as at, ${f.property},
       count(*) as n, sum(v.value) as sum, min(v.value) as min, max(v.value) as max,
       bool_or(v.value is null) as too_long
     from e
     join measure_fills f on ${f.workspace_id} = ${e.workspace_id} and ${f.definition_id} = ${e.definition_id}
       and not ${f.dropped} and ${f.set_aside_at} is null and ($3::text is null or ${f.property} = $3)
     cross join lateral (
       select case when octet_length(t.digits) <= ${ROLLUP_DIGITS_MAX} then t.digits::numeric end as value
       from (
         select ${e.payload} ->> ${f.property} as digits
         where jsonb_typeof(${e.payload} -> ${f.property}) = 'number' offset 0
       ) t
     ) v
     group by 1, 2, 3, 4, 5`,
    [...params, property ?? null],
  );
  const minutesSince = minutesFoldedSince(nowMs);
  const added: MeasureRow[] = [];
  const setAside = await setAsideTooLong(connection, found);
  const isLeftOut = new Set(setAside.map(measureKey));
  for (const { at, n, too_long: _, ...row } of found) {
    if (isLeftOut.has(measureKey(row))) continue;
    for (const grain of ROLLUP_GRAINS) {
      const bucket = rowStart(grain, at.getTime(), zones.get(row.workspace_id) ?? 'UTC');
      if (grain === GRAINS.MINUTE && bucket < minutesSince) continue;
      added.push({ ...row, grain, bucket, count: n });
    }
  }
  await addMeasures(connection, added);
  return setAside.map(({ workspace_id, name, property }) => ({
    workspaceId: workspace_id,
    type: name,
    property,
  }));
}

interface Fill {
  workspace_id: number;
  definition_id: number;
  property: string;
  filled: number;
  upto: number;
  days_zone: string;
}

interface Filled {
  readonly isMore: boolean;
  readonly setAside: readonly Measure[];
}

interface FillPlace {
  readonly nowMs: number;
  readonly zoneOfTag: (tag: string) => string;
}

/** Fills one range of one measure; no more is left when there was nothing to fill. */
export async function fillNext(
  connection: Connection,
  workspaces: FoldScope,
  place: FillPlace,
): Promise<Filled> {
  const [fill] = await connection.query<Fill>(
    sqlText`select ${f.workspace_id}, ${f.definition_id}, ${f.property}, ${f.filled}, ${f.upto}, ${m.days_zone}
     from measure_fills f
     join workspaces w on ${w.id} = ${f.workspace_id}
     join workspace_marks m on ${m.workspace_id} = ${f.workspace_id}
     where not ${f.dropped} and ${f.set_aside_at} is null and ${f.filled} < ${f.upto}
       and ($1::text is null or ${f.workspace_id} = any ($1::text::int[]))
       and ${mayTrySql(workspaces, 'FILL', sqlText`${f.workspace_id}`)}
     order by ${f.workspace_id}, ${f.definition_id}, ${f.property} limit 1`,
    [idList(workspaces.ids)],
  );
  if (fill === undefined) return { isMore: false, setAside: [] };
  const setAside = await ofWorkspace(fill.workspace_id, 'FILL', async () => {
    const without = await fillRange(connection, fill, place);
    await clearFault(connection, fill.workspace_id, 'FILL');
    return without;
  });
  return { isMore: true, setAside };
}

async function fillRange(
  connection: Connection,
  fill: Fill,
  { nowMs, zoneOfTag }: FillPlace,
): Promise<readonly Measure[]> {
  const { workspace_id, definition_id, property, filled, upto } = fill;
  const [range] = await connection.query<{ n: number; last: number | null }>(
    sqlText`select count(*) as n, max(${EVENT.position}) as last from (
       select ${EVENT.position} from events
       where ${EVENT.workspace_id} = $1 and ${EVENT.definition_id} = $2 and ${EVENT.position} > $3 and ${EVENT.position} <= $4
       order by ${EVENT.position} limit $5
     ) e`,
    [workspace_id, definition_id, filled, upto, FILL_EVENTS_MAX],
  );
  const isLast = range?.last == null || range.n < FILL_EVENTS_MAX;
  const end = isLast ? upto : Number(range.last);
  const zones = new Map([[workspace_id, zoneOfTag(fill.days_zone)]]);
  const range_ = JSON.stringify({ w: workspace_id, d: definition_id, after: filled, upto: end });
  const source = { from: FILL_EVENTS, params: [range_, exactBefore()], property };
  const setAside = await measuresOf(connection, source, { zones, nowMs });
  await connection.query(
    sqlText`update measure_fills set ${FILL.filled} = $4
     where ${FILL.workspace_id} = $1 and ${FILL.definition_id} = $2 and ${FILL.property} = $3`,
    [workspace_id, definition_id, property, end],
  );
  return setAside;
}

const FILL_EVENTS = sqlText`
  with span as materialized (
    select * from json_to_record($1::text::json) as s (w int, d int, after bigint, upto bigint)
  ), e as (
    select e.* from span cross join lateral (
      select * from events e
      where ${e.workspace_id} = span.w and ${e.definition_id} = span.d
        and ${e.position} > span.after and ${e.position} <= span.upto
    ) e
  )`;

interface DroppedFill {
  w: number;
  d: number;
  property: string;
}

/** Removes some rows of a measure that is no longer declared; false when none is left. */
export async function dropNext(connection: Connection, workspaces: FoldScope): Promise<boolean> {
  const [fill] = await connection.query<DroppedFill>(
    sqlText`select ${f.workspace_id} as w, ${f.definition_id} as d, ${f.property}
     from measure_fills f join workspaces w on ${w.id} = ${f.workspace_id}
     where ${f.dropped} and ($1::text is null or ${w.id} = any ($1::text::int[]))
       and ${mayTrySql(workspaces, 'DROP', sqlText`${w.id}`)} limit 1`,
    [idList(workspaces.ids)],
  );
  if (fill === undefined) return false;
  await ofWorkspace(fill.w, 'DROP', async () => {
    await dropRows(connection, fill);
    await clearFault(connection, fill.w, 'DROP');
  });
  return true;
}

async function dropRows(connection: Connection, fill: DroppedFill): Promise<void> {
  const [row] = await connection.query<{ deleted: number }>(
    sqlText`with picked as (
       select ctid from event_measures
       where ${MEASURES.workspace_id} = $1 and ${MEASURES.definition_id} = $2 and ${MEASURES.property} = $3 limit $4
     ), deleted as (
       delete from event_measures m using picked p where m.ctid = p.ctid returning 1
     ) select count(*) as deleted from deleted`,
    [fill.w, fill.d, fill.property, DROP_ROWS_MAX],
  );
  if ((row?.deleted ?? 0) < DROP_ROWS_MAX) {
    await connection.query(
      sqlText`delete from measure_fills where ${FILL.workspace_id} = $1 and ${FILL.definition_id} = $2 and ${FILL.property} = $3`,
      [fill.w, fill.d, fill.property],
    );
  }
}
