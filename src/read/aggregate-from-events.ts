/**
 * Aggregates straight from the events: those still there, under the time limit of reads. A question
 * of few events is one statement. One of many is read in slices of time, so that it can be said how
 * far it came.
 */
import type { SQL } from 'drizzle-orm';
import { performance } from 'node:perf_hooks';
import { intersect, rangeOf } from '../core/aggregate-plan.ts';
import { type Cell, cellsOf, edgesOf, SLICE_LIMITS, type SliceLimits } from '../core/log-slices.ts';
import type { Connection, StatementOptions } from '../db/connection.ts';
import { rows } from '../db/query.ts';
import { allEvents } from '../db/stored-event.ts';
import { eventsSql, type Question } from './aggregate-events-sql.ts';
import { aggregateInSlices } from './aggregate-in-slices.ts';
import { type Answer, type CountedRow, toAnswer } from './aggregate-place.ts';
import { weighEvents } from './event-weights.ts';
import { isPinned, type Narrow, scanAll } from './search-index.ts';

/** That the index of searches names: events in more of them are as soon counted by a scan. */
const BLOCKS_MAX = 20_000;

/** How events are read. */
export interface EventScan {
  /** @default all conditions are met by a scan */
  readonly narrow?: Narrow | undefined;
  /** Of one question. @default 3000 */
  readonly limitMs?: number | undefined;
  readonly slices?: SliceLimits | undefined;
}

/** @throws GatewayError QUERY_TOO_EXPENSIVE, with the `share` that was read where that is known */
export async function aggregateEvents(
  read: Connection,
  question: Question,
  { narrow = scanAll, limitMs = 3_000, slices = SLICE_LIMITS }: EventScan,
): Promise<Answer> {
  const startedMs = performance.now();
  const { workspaceId, query } = question;
  const asked = { workspaceId, condition: query.filter, blocksMax: BLOCKS_MAX };
  const narrowed = await narrow(asked);
  const hasIndex = narrowed !== null || (query.filter !== null && isPinned(query.filter));
  const cells = hasIndex ? null : await cellsFor(read, question, slices.wholeMax);
  if (cells === null) return aggregateWhole(read, question, narrowed?.source ?? allEvents);
  const leftMs = () => limitMs - (performance.now() - startedMs);
  const how = { limitMs, leftMs, sliceMin: slices.sliceMin };
  const answer = cells.length === 1 ? null : await aggregateInSlices(read, question, cells, how);
  if (answer !== null) return answer;
  const options = { unprepared: true, timeoutMs: leftMs() };
  return aggregateWhole(read, question, allEvents, options);
}

async function aggregateWhole(
  read: Connection,
  question: Question,
  source: SQL,
  options: StatementOptions = {},
): Promise<Answer> {
  const slice = { interval: question.grid.timeframe, isPart: false };
  const found = await rows<CountedRow>(read, eventsSql(question, source, slice), options);
  return toAnswer(found, question.query);
}

/** What slices are made of; null where the question is one of few events. */
async function cellsFor(
  read: Connection,
  { workspaceId, query, grid }: Question,
  wholeMax: number,
): Promise<readonly Cell[] | null> {
  const { filter } = query;
  const interval = intersect(grid.timeframe, rangeOf(filter?.occurredAt));
  const weights = await weighEvents(read, { workspaceId, filter, interval }, wholeMax);
  if (weights === 'FEW') return null;
  if (weights === null) return [{ to: interval.to, events: 0 }];
  const total = weights.reduce((sum, { events }) => sum + events, 0);
  return total < wholeMax ? null : cellsOf(interval, edgesOf(grid, query, weights), weights);
}
