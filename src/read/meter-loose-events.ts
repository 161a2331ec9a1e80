/**
 * Events that no row of a meter tells: those behind its place, and those of a piece that a timeframe
 * cuts out of a row. They are counted from the log, in the statement that reads the rows.
 */
import { type SQL, sql } from 'drizzle-orm';
import { type Interval, rowsAroundQuarters } from '../core/bucket.ts';
import { columnsOf } from '../db/columns.ts';
import { events, meterCounts } from '../db/schema.ts';
import { instantParam } from './aggregate-columns.ts';
import { filterSql } from './filters.ts';
import {
  definitionFor,
  keySql,
  labelSql,
  namesOf,
  operandColumn,
  seriesByKey,
  seriesOfEvent,
} from './meter-columns.ts';
import type { MeterRows } from './meter-rows.ts';

const e = columnsOf(events, 'e');
const c = columnsOf(meterCounts, 'c');
/** Of lists that are read again. */
const x = columnsOf(events, 'x');

/**
 * Events that no row tells: behind the meter's place (`sign` 1), those to be taken off again (-1),
 * and in pieces that rows can't tell, with what the meter keeps of events.
 */
export function looseEvents(meter: MeterRows): SQL {
  const { workspaceId, asOf, interval, pieces, query } = meter.question;
  const columns = [...meter.values, ...meter.sketched].map(
    ({ number, operand }) => sql`, ${operandColumn(operand)} as ${raw(`v${number}`)}`,
  );
  const emptied = sql`(${e.redacted_at} is not null or ${e.expired_at} is not null)`;
  const inTime = ({ from, to }: Interval) =>
    sql`${e.occurred_at} >= ${instantParam(from)} and ${e.occurred_at} < ${instantParam(to)}`;
  const filter = filterSql(query.filter, workspaceId);
  const selected = (sign: SQL, from: SQL, where: SQL) => sql`
    select ${sign} as sign, ${e.occurred_at}, ${emptied} as emptied${seriesOfEvent(meter.columns)}${sql.join(columns)}
    from ${from} e ${definitionFor(query.filter, workspaceId)} where ${where}`;
  // An emptied one may have matched: that it is there is to be seen.
  const matching = sql`(${emptied} or ${filter})`;
  const behind = (sign: SQL, bounds: SQL, where: SQL) =>
    selected(
      sign,
      sql`(select * from events e where ${e.workspace_id} = ${workspaceId}::int and ${bounds} offset 0)`,
      sql`${inTime(interval)} and ${where}`,
    );
  const folded = sql`(select folded from place)`;
  const foldedAt = sql`(select folded_at from place)`;
  const isUpTo = asOf === null ? sql`` : sql`and ${e.position} <= ${asOf.position}::bigint`;
  const parts = [
    behind(
      sql`1`,
      sql`${e.position} > ${folded} and ${e.recorded_at} >= ${foldedAt} ${isUpTo}`,
      sql`${e.expired_at} is null and ${filter}`,
    ),
  ];
  if (asOf !== null) {
    const taken = sql`${e.position} > ${asOf.position}::bigint and ${e.position} <= ${folded}
      and ${e.recorded_at} >= ${asOf.recordedAt}::timestamptz and ${e.recorded_at} <= ${foldedAt}`;
    parts.push(behind(sql`-1`, taken, matching));
  }
  for (const piece of pieces) {
    if (piece.grain !== null) continue;
    const own = sql`${e.workspace_id} = ${workspaceId}::int and ${inTime(piece)} and ${e.position} <= ${folded}`;
    parts.push(selected(sql`1`, sql`events`, sql`${own} and ${matching}`));
  }
  const all = sql.join(parts, sql` union all `);
  return meter.hasOther ? withOther(meter, all) : all;
}

/** Events of groups that the meter has not stand in that of all others. */
function withOther(meter: MeterRows, loose: SQL): SQL {
  const { plan } = meter.question;
  const label = labelSql(meter.columns, 'x');
  const columns = namesOf(meter.columns).map(name =>
    raw(`, case when s.id is not null then x.${name} end as ${name}`),
  );
  const values = [...meter.values, ...meter.sketched].map(({ number }) => raw(`, x.v${number}`));
  return sql`
    select x.sign, ${x.occurred_at}, x.emptied${sql.join(columns)}${sql.join(values)}, s.id is null as o
    from (select x.*, ${keySql(label)} as label_key from (${loose}) x) x
    ${seriesByKey(plan.meter, sql`x.label_key`)}`;
}

/** In a cut piece an event is emptied, or rows around it count more than is left there. */
export function tornSql(meter: MeterRows): SQL {
  const { workspaceId, pieces, query } = meter.question;
  const cut = pieces.filter(({ grain }) => grain === null);
  if (cut.length === 0) return sql`false`;
  const isShort = cut.map(piece => {
    const around = rowsAroundQuarters(piece);
    return sql`(
      select coalesce(sum(x.n), 0) from (${meter.withSeries(
        sql`select 1 as b, ${c.series_id}, sum(${c.count}) as n
          from meter_counts c where ${meter.rowsOf('c', around)} group by 1, 2`,
        sql`, x.n`,
      )}) x
    ) <> (
      select count(*) from events e ${definitionFor(query.filter, workspaceId)}
      where ${e.workspace_id} = ${workspaceId}::int and ${e.occurred_at} >= ${instantParam(around.from)}
        and ${e.occurred_at} < ${instantParam(around.to)} and ${e.position} <= place.folded
        and ${filterSql(query.filter, workspaceId)}
    )`;
  });
  return sql`(exists (select from loose where emptied and sign > 0)
    or case when place.tail > 1 then ${sql.join(isShort, sql` or `)} else false end)`;
}

const raw = (text: string) => sql.raw(text);
