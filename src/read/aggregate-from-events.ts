/** Aggregates straight from the events: those still there, under the time limit of reads. */
import { type SQL, sql } from 'drizzle-orm';
import { type BucketGrid } from '../core/aggregate-plan.ts';
import type { AggregateQuery } from '../core/aggregate.ts';
import type { LogPlace } from '../core/cursor.ts';
import { columnsOf } from '../db/columns.ts';
import type { Connection } from '../db/connection.ts';
import { rows } from '../db/query.ts';
import { events } from '../db/schema.ts';
import { allEvents, countedEventsOf, notExpired } from '../db/stored-event.ts';
import {
  groupColumn,
  instantArray,
  instantParam,
  isOfDefinition,
  measureColumn,
  valueColumn,
} from './aggregate-columns.ts';
import {
  type Answer,
  besideStanding,
  type CountedRow,
  groupBySql,
  limitSql,
  standingSql,
  toAnswer,
  totalSql,
} from './aggregate-place.ts';
import { filterSql, isSearching } from './filters.ts';
import type { Narrow } from './search-index.ts';

const e = columnsOf(events, 'e');

/** That the index of searches names: events in more of them are as soon counted by a scan. */
const BLOCKS_MAX = 20_000;

export interface Question {
  readonly workspaceId: number;
  readonly query: AggregateQuery;
  readonly grid: BucketGrid;
  /** Counts no event behind this place; null: all there are. */
  readonly asOf: LogPlace | null;
  readonly rowsMax: number;
}

export async function aggregateEvents(
  read: Connection,
  question: Question,
  narrow: Narrow,
): Promise<Answer> {
  const { workspaceId, query } = question;
  const asked = { workspaceId, condition: query.filter, blocksMax: BLOCKS_MAX };
  const narrowed = await narrow(asked);
  const from = narrowed?.source ?? allEvents;
  const found = await rows<CountedRow>(read, eventsSql(question, from));
  return toAnswer(found, question.query);
}

/** `offset 0`: what a measure looks at is taken out of the payload once, not for each measure. */
function eventsSql({ workspaceId, query, grid, asOf, rowsMax }: Question, source: SQL): SQL {
  const { groupBy, measures, filter } = query;
  const { from, to } = grid.timeframe;
  const groups = groupBy.map((key, at) => sql`, ${groupColumn(key)} as ${sql.raw(`g${at}`)}`);
  const values = measures.map((key, at) => sql`, ${valueColumn(key)} as ${sql.raw(`x${at}`)}`);
  const groupNames = sql.raw(groupBy.map((_, at) => `, x.g${at}`).join(''));
  const measured = measures.map(
    (measure, at) => sql`, ${measureColumn(measure, sql.raw(`x.x${at}`))} as ${sql.raw(`m${at}`)}`,
  );
  const isUpTo = asOf === null ? sql`` : sql`and ${e.position} <= ${asOf.position}::bigint`;
  return sql`
    with place as materialized (${standingSql(workspaceId)}),
    grid as materialized (select ${instantArray(grid.boundaries.slice(0, -1))} as starts)
    ${besideStanding(
      query,
      sql``,
      sql`
      select x.b${groupNames}, count(*) as n${sql.join(measured)}${totalSql(query)}
      from (
        select width_bucket(${e.occurred_at}, (select starts from grid)) as b
          ${sql.join(groups)}${sql.join(values)}
        from ${sourceOf(query, source)}
        where ${e.workspace_id} = ${workspaceId}::int and ${e.occurred_at} >= ${instantParam(from)}
          and ${e.occurred_at} < ${instantParam(to)} ${isUpTo}
          and ${notExpired} and ${filterSql(filter, workspaceId)}
        offset 0
      ) x
      group by ${groupBySql(query)} ${limitSql(query, rowsMax)}`,
    )}`;
}

/** Definitions are joined where something looks at them. */
function sourceOf({ groupBy, measures, filter }: AggregateQuery, from: SQL): SQL {
  const isNeeded = [...groupBy, ...measures].some(isOfDefinition) || isSearching(filter);
  return isNeeded ? countedEventsOf(from) : from;
}
