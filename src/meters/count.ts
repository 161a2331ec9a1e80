/**
 * Counts a span of events into a meter: in the caller's transaction, which holds the fold's lock, so
 * that every event is counted once. The meter itself says up to where it has counted: whoever dies
 * before the commit has counted nothing, and readers count what lies behind that place themselves.
 */
import { GRAINS, rowStart } from '../core/bucket.ts';
import { daysTag, isOutdated, zoneOfTag } from '../core/days-tag.ts';
import { columnsOf, sqlText } from '../db/columns.ts';
import type { Connection } from '../db/connection.ts';
import { rows } from '../db/query.ts';
import { events, meters } from '../db/schema.ts';
import {
  countSql,
  instantsSql,
  type CountedSpan,
  type MeterSpan,
  type Starts,
} from './count-sql.ts';
import { addSketches } from './sketches.ts';
import { countedOperands, type MeterWork } from './work.ts';

const METER = columnsOf(meters);
const m = columnsOf(meters, 'm');
const EVENT = columnsOf(events);

/** When the events of a span occurred, for all meters of a workspace. */
export async function readInstants(
  connection: Connection,
  workspaceId: number,
  span: MeterSpan,
): Promise<number[]> {
  const found = await rows<{ at: Date }>(connection, instantsSql(workspaceId, span));
  return found.map(({ at }) => at.getTime());
}

export interface Counting {
  readonly span: MeterSpan;
  /** See `readInstants`. */
  readonly instants: readonly number[];
  /** It answers from now on. */
  readonly isFilled: boolean;
}

/** Counts the span, and moves the meter behind it. */
export async function countSpan(
  connection: Connection,
  given: MeterWork,
  { span, instants, isFilled }: Counting,
): Promise<void> {
  const meter = withDays(given);
  const zone = zoneOfTag(meter.daysZone);
  const [found] = await rows<CountedSpan>(
    connection,
    countSql(meter, span, startsOf(instants, zone)),
  );
  const { sketched } = countedOperands(meter);
  if (sketched.length > 0) await addSketches(connection, meter, { span, sketched, zone });
  const { made = 0, overflowed = false, cut = false, too_long: tooLong = [] } = found ?? {};
  await connection.query(
    sqlText`update meters m set ${METER.folded} = $3,
       ${METER.folded_recorded_at} = coalesce((
         select ${EVENT.recorded_at} from events
         where ${EVENT.workspace_id} = $1 and ${EVENT.position} = $3
           and ${EVENT.recorded_at} >= $4::timestamptz and ${EVENT.recorded_at} <= $5::timestamptz limit 1), ${m.folded_recorded_at}),
       ${METER.series_count} = ${m.series_count} + $6, ${METER.overflowed} = ${m.overflowed} or $7,
       ${METER.values_cut} = ${m.values_cut} or $8, ${METER.set_aside} = ${m.set_aside} || $9::text::smallint[],
       ${METER.days_zone} = $10, ${METER.active_at} = case when $11 then coalesce(${m.active_at}, now()) else ${m.active_at} end,
       ${METER.fault} = null, ${METER.failed_at} = null, ${METER.tries} = 0, ${METER.retry_at} = null,
       ${METER.worked_at} = now()
     where ${m.workspace_id} = $1 and ${m.id} = $2`,
    [
      ...[meter.workspaceId, meter.id, span.upto, span.since, span.until],
      ...[made, overflowed, cut, `{${tooLong.join(',')}}`, meter.daysZone, isFilled],
    ],
  );
}

/** One that has no rows yet gets its days of the workspace's zone. */
function withDays(meter: MeterWork): MeterWork {
  const isNew = meter.seriesCount === 0 && isOutdated(meter.daysZone, meter.timeZone);
  return isNew ? { ...meter, daysZone: daysTag(meter.timeZone), daysBuilt: Infinity } : meter;
}

function startsOf(instants: readonly number[], zone: string): Starts {
  const startsBy = (grain: typeof GRAINS.DAY | typeof GRAINS.MONTH, of: Iterable<number>) =>
    new Set([...of].map(at => rowStart(grain, at, zone)));
  const days = startsBy(GRAINS.DAY, instants);
  const inOrder = (starts: ReadonlySet<number>) => [...starts].sort((a, b) => a - b);
  return { days: inOrder(days), months: inOrder(startsBy(GRAINS.MONTH, days)) };
}
