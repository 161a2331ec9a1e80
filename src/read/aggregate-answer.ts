/**
 * Chooses between rollups and events, and checks the choice against the snapshot that answered:
 * between the look that it was made by and the statement, the fold may have moved, the days may
 * have been made anew for another zone, a measure may have been dropped.
 */
import { sql } from 'drizzle-orm';
import { cutForRollups, intersect, isOfRollups, toRollupFilter } from '../core/aggregate-plan.ts';
import type { AggregateSource } from '../core/aggregate.ts';
import { ceilTo, floorTo, type Interval } from '../core/bucket.ts';
import { GatewayError } from '../core/errors.ts';
import { QUARTER_HOUR_MS } from '../core/time-zone.ts';
import type { Connection } from '../db/connection.ts';
import { rows } from '../db/query.ts';
import { aggregateEvents, type Question } from './aggregate-from-events.ts';
import {
  aggregateRollups,
  type RollupAnswer,
  type RollupQuestion,
} from './aggregate-from-rollups.ts';
import {
  type Answer,
  type Standing,
  standingColumns,
  type StandingRow,
  standingSql,
  toStanding,
} from './aggregate-place.ts';

export interface SourcedAnswer extends Answer {
  readonly source: AggregateSource;
}

interface Asked extends Question {
  /** The time of day: how far back minute rows reach. */
  readonly nowMs: number;
}

/** @throws GatewayError TIMEFRAME_UNALIGNED, CURSOR_EXPIRED, QUERY_TOO_EXPENSIVE */
export async function readAnswer(read: Connection, asked: Asked): Promise<SourcedAnswer> {
  const known = toRollupFilter(asked.query.filter);
  if (known !== null && isOfRollups(asked.query)) {
    const interval = intersect(asked.grid.timeframe, known.range);
    const answer = await fromRollups(read, { ...asked, filter: known.filter, interval });
    if (answer !== null) return answer;
  }
  return { ...(await aggregateEvents(read, asked)), source: 'EVENTS' };
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

export async function readStanding(read: Connection, workspaceId: number): Promise<Standing> {
  const [row] = await rows<StandingRow>(
    read,
    sql`with place as (${standingSql(workspaceId)}) select ${standingColumns} from place`,
  );
  return toStanding(row as StandingRow);
}

/**
 * A later page takes off what the fold has added since the first. That can't be done to minima and
 * maxima, which are then counted from the events; nor with events that are gone.
 */
function isBeyondTaking({ asOf, query }: Question, answer: RollupAnswer): boolean {
  const { folded, tail, hasExpired } = answer.standing;
  if (asOf === null || folded <= asOf.position) return false;
  const isExtreme = query.measures.some(({ function: name }) => name === 'MIN' || name === 'MAX');
  const isGone = isExtreme ? tail > 1 || hasExpired : tail > asOf.position + 1;
  if (!isGone && !answer.isStale) return isExtreme;
  const message =
    'Events recorded since this cursor can no longer be told from earlier ones. Read the first page again.';
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
