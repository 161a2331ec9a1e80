/**
 * A question of many events, read in slices of time. The first slice says up to which position all
 * of them count, so that what is recorded meanwhile is in none of them. An event that is removed
 * meanwhile may still be counted, as in an answer of a moment before.
 */
import { performance } from 'node:perf_hooks';
import { AGGREGATE_ROWS_MAX, byCount } from '../core/aggregate-list.ts';
import { GatewayError } from '../core/errors.ts';
import { type Cell, nextSize, takeSlice } from '../core/log-slices.ts';
import type { Connection } from '../db/connection.ts';
import { rows } from '../db/query.ts';
import { isTimeout } from '../db/sqlstate.ts';
import { allEvents } from '../db/stored-event.ts';
import { type CountedSlice, eventsSql, type Question } from './aggregate-events-sql.ts';
import {
  type Answer,
  bytesOf,
  type CountedLists,
  type CountedRow,
  mergedSql,
  toAnswer,
  toStanding,
} from './aggregate-place.ts';

/** What all slices may have counted: beyond it the whole is read at once. */
const COUNTED_BYTES_MAX = 8 * 1_024 * 1_024;

export interface SlicesOptions {
  readonly limitMs: number;
  /** How much of it is left. */
  readonly leftMs: () => number;
  /** See `SliceLimits`. */
  readonly sliceMin: number;
}

/**
 * Null where slices have too many groups to be put together.
 * @throws GatewayError QUERY_TOO_EXPENSIVE with the `share` of the events that was read
 */
export async function aggregateInSlices(
  read: Connection,
  question: Question,
  cells: readonly Cell[],
  options: SlicesOptions,
): Promise<Answer | null> {
  const { query, grid } = question;
  const isPart = grid.granularity === null;
  const total = cells.reduce((sum, { events }) => sum + events, 0);
  const parts: CountedRow[] = [];
  let { from } = grid.timeframe;
  let { asOf } = question;
  let [done, counted, bytes] = [0, 0, 0];
  for (let start = 0, wanted = options.sliceMin; start < cells.length;) {
    const { end, events } = takeSlice(cells, start, wanted);
    const { to } = cells[end - 1] as Cell;
    const asked = { ...question, asOf, ...(isPart && { rowsMax: AGGREGATE_ROWS_MAX + 1 }) };
    const startedMs = performance.now();
    const slice = { interval: { from, to }, isPart };
    const row = await readSlice(read, asked, slice, options.leftMs()).catch((error: unknown) => {
      throw isTimeout(error) ? outOfTime(error, done / total) : error;
    });
    parts.push(row);
    counted = isPart ? (row.total ?? 0) : counted + (row.total ?? 0);
    bytes += bytesOf(row, query);
    // No list has so many rows.
    if (query.orderBy === 'BUCKET' && counted > AGGREGATE_ROWS_MAX) break;
    if ((isPart && counted > AGGREGATE_ROWS_MAX) || bytes > COUNTED_BYTES_MAX) return null;
    asOf ??= toStanding(row).head;
    done += events;
    [start, from] = [end, to];
    wanted = nextSize({ events, ms: performance.now() - startedMs }, options);
  }
  return isPart ? merged(read, question, parts) : listed(question, parts);
}

async function readSlice(
  read: Connection,
  question: Question,
  slice: CountedSlice,
  timeoutMs: number,
): Promise<CountedRow> {
  // What is planned for any slice would be planned for a short one, and read by one worker alone.
  const options = { unprepared: true, timeoutMs };
  const [row] = await rows<CountedRow>(read, eventsSql(question, allEvents, slice), options);
  return row as CountedRow;
}

async function merged(
  read: Connection,
  { query, rowsMax }: Question,
  parts: readonly CountedRow[],
): Promise<Answer> {
  const [lists] = await rows<CountedLists>(read, mergedSql(query, parts, rowsMax));
  return toAnswer([{ ...(parts[0] as CountedRow), ...(lists as CountedLists) }], query);
}

/** Of slices that have no bucket in common. */
function listed({ query, rowsMax }: Question, parts: readonly CountedRow[]): Answer {
  const answers = parts.map(row => toAnswer([row], query));
  const all = answers.flatMap(answer => answer.rows);
  return {
    standing: (answers[0] as Answer).standing,
    rows: query.orderBy === 'COUNT_DESC' ? all.sort(byCount).slice(0, rowsMax) : all,
    total: answers.reduce((sum, { total }) => sum + total, 0),
  };
}

function outOfTime(error: unknown, share: number): GatewayError {
  const percent = Math.floor(share * 100);
  const message =
    `The query reached its time limit after ${percent < 1 ? 'less than 1' : percent} % of the ` +
    'events in its timeframe. Narrow its time frame or its filter.';
  const { cause } = error as Error;
  return new GatewayError('QUERY_TOO_EXPENSIVE', message, {
    cause,
    extensions: { share: percent / 100 },
  });
}
