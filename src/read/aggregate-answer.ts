/**
 * Chooses between rollups, meters and events, and checks the choice against the snapshot that answered:
 * between the look that it was made by and the statement, the fold may have moved, the days may
 * have been made anew for another zone, a measure may have been dropped.
 */
import { sql } from 'drizzle-orm';
import { cutForRollups, intersect, isOfRollups, toRollupFilter } from '../core/aggregate-plan.ts';
import type { AggregateQuery, AggregateSource } from '../core/aggregate.ts';
import { ceilTo, floorTo, type Interval } from '../core/bucket.ts';
import { GatewayError } from '../core/errors.ts';
import { cutForMeter, findMeter, intervalOf, type MeterPlan } from '../core/meter-plan.ts';
import { QUARTER_HOUR_MS } from '../core/time-zone.ts';
import type { Connection } from '../db/connection.ts';
import { rows } from '../db/query.ts';
import type { Question } from './aggregate-events-sql.ts';
import { aggregateEvents, type EventScan } from './aggregate-from-events.ts';
import { aggregateMeter, type MeterAnswer } from './aggregate-from-meter.ts';
import {
  aggregateRollups,
  type RollupAnswer,
  type RollupQuestion,
} from './aggregate-from-rollups.ts';
import {
  type Answer,
  meterStandingSql,
  readStanding,
  standingColumns,
  type StandingRow,
  toStanding,
} from './aggregate-place.ts';
import { withAdvice } from './meter-advice.ts';
import { chosenSeries } from './meter-rows.ts';
import { selectMeters } from './meters.ts';

export interface SourcedAnswer extends Answer {
  readonly source: AggregateSource;
  /** Of each measure, where it is approximate. */
  readonly relativeErrors?: readonly (number | null)[];
}

interface Asked extends Question {
  /** The time of day: how far back minute rows reach. */
  readonly nowMs: number;
  /** Of a stream: where it can't be answered as it was, it waits or ends. @default false */
  readonly isLive?: boolean;
}

/** @throws GatewayError TIMEFRAME_UNALIGNED, CURSOR_EXPIRED, QUERY_TOO_EXPENSIVE */
export async function readAnswer(
  read: Connection,
  asked: Asked,
  scan: EventScan = {},
): Promise<SourcedAnswer> {
  const kept = await readKept(read, asked);
  if (kept !== null) return kept;
  try {
    return { ...(await aggregateEvents(read, asked, scan)), source: 'EVENTS' };
  } catch (error) {
    throw await withAdvice(read, error, asked);
  }
}

/**
 * From rollups or a meter; null where neither answers.
 * @throws GatewayError TIMEFRAME_UNALIGNED, CURSOR_EXPIRED; of a live answer SERVICE_UNAVAILABLE
 * while a meter is far behind
 */
export async function readKept(read: Connection, asked: Asked): Promise<SourcedAnswer | null> {
  const known = toRollupFilter(asked.query.filter);
  if (known !== null && isOfRollups(asked.query)) {
    const interval = intersect(asked.grid.timeframe, known.range);
    const answer = await fromRollups(read, { ...asked, filter: known.filter, interval });
    if (answer !== null) return answer;
  }
  if (!mayBeOfMeters(asked.query)) return null;
  const plan = findMeter(asked.query, await selectMeters(read, asked.workspaceId));
  return plan === null ? null : fromMeter(read, asked, plan);
}

/** Of minutes no meter has rows. */
function mayBeOfMeters({ granularity }: AggregateQuery): boolean {
  return granularity !== 'MINUTE';
}

async function fromMeter(
  read: Connection,
  question: Asked,
  plan: MeterPlan,
): Promise<SourcedAnswer | null> {
  const { grid, workspaceId } = question;
  const interval = intervalOf(plan, grid.timeframe);
  const look = await lookAtMeter(read, workspaceId, plan);
  const { seriesCount } = look;
  let { daysZone } = look;
  for (;;) {
    const pieces = cutForMeter(grid, interval, daysZone);
    if (pieces === null) return null;
    const asked = { ...question, plan, pieces, interval, seriesCount, daysZone };
    const answer = await aggregateMeter(read, asked);
    if (answer.isLacking) {
      if (question.isLive === true && plan.meter.fault === null) throw farBehind(plan);
      return null;
    }
    const isOtherZone = daysZone !== null && answer.standing.daysZone !== daysZone;
    if (!isOtherZone) {
      if (answer.isTorn && question.isLive === true) throw unaligned(interval);
      if (answer.isTorn || isBeyondTaking(question, answer)) return null;
      const isMixed = pieces.some(({ grain }) => grain === null);
      return { ...answer, source: isMixed ? 'MIXED' : 'METER' };
    }
    daysZone = null;
  }
}

function farBehind({ meter }: MeterPlan): GatewayError {
  const message = `The meter "${meter.name}" is being updated. Try again shortly.`;
  return new GatewayError('SERVICE_UNAVAILABLE', message);
}

/** What decides how a meter's rows are read: the zone of its days, and how many groups are wanted. */
async function lookAtMeter(read: Connection, workspaceId: number, plan: MeterPlan) {
  const [row] = await rows<StandingRow & { series: number }>(
    read,
    sql`with place as (${meterStandingSql(workspaceId, plan.meter.id)}), chosen as (${chosenSeries(workspaceId, plan)})
      select ${standingColumns}, coalesce(cardinality(chosen.ids), 0) as series from place cross join chosen`,
  );
  const { series, ...standing } = row as StandingRow & { series: number };
  return { daysZone: toStanding(standing).daysZone, seriesCount: series };
}

/** Null where the events have to answer. */
async function fromRollups(
  read: Connection,
  question: Omit<RollupQuestion, 'pieces'>,
): Promise<SourcedAnswer | null> {
  let { daysZone } = await readStanding(read, question.workspaceId);
  for (;;) {
    const { nowMs, interval, grid } = question;
    const pieces = cutForRollups(grid, interval, { nowMs, daysZone });
    if (pieces === null) return null;
    const answer = await aggregateRollups(read, { ...question, pieces });
    if (answer.isLacking) return null;
    const isOtherZone = daysZone !== null && answer.standing.daysZone !== daysZone;
    if (!isOtherZone) {
      if (isBeyondTaking(question, answer)) return null;
      if (answer.isTorn) throw unaligned(interval);
      const isMixed = pieces.some(({ grain }) => grain === null);
      return { ...answer, source: isMixed ? 'MIXED' : 'ROLLUP' };
    }
    daysZone = null;
  }
}

/**
 * A later page takes off what the fold has added since the first. That can't be done to minima and
 * maxima, which are then counted from the events; nor with events that are gone.
 */
function isBeyondTaking(
  { asOf, query }: Question,
  answer: Pick<RollupAnswer | MeterAnswer, 'standing' | 'isStale'>,
): boolean {
  const { folded, tail, hasExpired } = answer.standing;
  if (asOf === null || folded <= asOf.position) return false;
  const isExtreme = query.measures.some(({ function: name }) => name === 'MIN' || name === 'MAX');
  const isGone = isExtreme ? tail > 1 || hasExpired : tail > asOf.position + 1;
  if (!isGone && !answer.isStale) return isExtreme;
  const message =
    'Events recorded since this cursor can no longer be distinguished from earlier ones. ' +
    'Read the first page again.';
  throw new GatewayError('CURSOR_EXPIRED', message);
}

function unaligned(interval: Interval): GatewayError {
  const nearest = (at: number) => [
    new Date(floorTo(at, QUARTER_HOUR_MS)).toISOString(),
    new Date(ceilTo(at, QUARTER_HOUR_MS)).toISOString(),
  ];
  const [from, to] = [nearest(interval.from), nearest(interval.to)];
  const message =
    'The timeframe begins or ends inside a quarter hour whose events are no longer all kept. ' +
    `Begin at ${from.join(' or ')}, and end at ${to.join(' or ')}.`;
  return new GatewayError('TIMEFRAME_UNALIGNED', message, { extensions: { from, to } });
}
