/**
 * Asks the index of searches which events a condition is to be looked for in: those of the blocks
 * that have its terms, and those behind the index. The condition itself still decides, so that the
 * answer is that of a scan. The index is asked in a statement before: what it named then is all
 * that there can be, since events of a place never get new content.
 */
import { type SQL, sql } from 'drizzle-orm';
import { GatewayError } from '../core/errors.ts';
import type { EventCondition } from '../core/event-condition.ts';
import type { EventFilter } from '../core/filter.ts';
import {
  BLOCK_EVENTS,
  blockOf,
  clientIpTerm,
  firstOf,
  searchTerms,
  sourceTerm,
} from '../core/search-index.ts';
import { canonicalIp } from '../core/text.ts';
import { columnsOf } from '../db/columns.ts';
import type { Connection } from '../db/connection.ts';
import { rows } from '../db/query.ts';
import { events, searchBlocks, searchLogs, workspaceHeads } from '../db/schema.ts';
import { allOf, arrayLiteral, intArray } from '../db/sql-lists.ts';
import { newestHeadSql } from '../db/stored-workspace.ts';
import { isFilter } from './conditions.ts';

const e = columnsOf(events, 'e');
const b = columnsOf(searchBlocks, 'b');
const l = columnsOf(searchLogs, 'l');
const log = columnsOf(searchLogs, 'log');
const x = columnsOf(searchBlocks, 'x');
const n = columnsOf(workspaceHeads, 'n');

/** What holds of all events that meet a condition. */
interface Needs {
  /** They have all of these terms. */
  readonly all: readonly number[];
  /** They have one term of each of these. */
  readonly some: readonly (readonly number[])[];
}

export interface Asked {
  readonly workspaceId: number;
  readonly condition: EventCondition | null | undefined;
  /** More blocks than this are not named. */
  readonly blocksMax: number;
  /** Of a page: which way it is read, and from where. */
  readonly reading?: { readonly descending: boolean; readonly from: number | null };
}

export interface Narrowed {
  /** Instead of `events e`. */
  readonly source: SQL;
  /** True of the events that are to be read after those of the source; null: there are none. */
  readonly rest: SQL | null;
}

/** Beyond it the index does not answer before a scan would. */
const ASKED_WITHIN_MS = 300;
/** Events behind the index that are looked at one by one. */
const LAG_MAX = 5_000;
/** Of the blocks that are read first so many are looked at: where most have the terms, a scan is as quick. */
const SAMPLE_BLOCKS = 64;

/** Null where a scan is to answer: without an index, and where it would name too many events. */
export type Narrow = (asked: Asked) => Promise<Narrowed | null>;

/** Whether a workspace's settings say that it has an index. It may not be there yet, or still. */
export type HasSearchIndex = (workspaceId: number) => boolean | Promise<boolean>;

/** For who knows of no index. */
export const scanAll: Narrow = () => Promise.resolve(null);

/** Only workspaces that have an index cost a statement. */
export function createNarrow(read: Connection, hasSearchIndex: HasSearchIndex): Narrow {
  return async asked => {
    const needs = needsOf(asked.condition, asked.workspaceId);
    if (needs === null || !(await hasSearchIndex(asked.workspaceId))) return null;
    return narrowBy(read, asked, needs);
  };
}

async function narrowBy(read: Connection, asked: Asked, needs: Needs): Promise<Narrowed | null> {
  const { workspaceId, blocksMax, reading } = asked;
  const found = await ask(read, asked, needs);
  if (found === null || found.lag > LAG_MAX || found.is_usual) return null;
  const blocks = (JSON.parse(found.blocks ?? '[]') as FoundBlock[]).slice(0, blocksMax);
  const isCut = (found.named ?? 0) > blocksMax;
  if (!isCut) return { source: sourceOf(workspaceId, found, blocks, true), rest: null };
  const last = blocks.at(-1);
  if (reading === undefined || last === undefined) return null;
  const rest = reading.descending
    ? sql`${e.position} < ${firstOf(last.block)} and ${e.recorded_at} <= ${last.until}::timestamptz`
    : sql`${e.position} >= ${firstOf(last.block + 1)} and ${e.recorded_at} >= ${last.since}::timestamptz`;
  // Those behind the index are the newest.
  return { source: sourceOf(workspaceId, found, blocks, reading.descending), rest };
}

/** Null where it is of no use. */
function needsOf(condition: EventCondition | null | undefined, workspaceId: number): Needs | null {
  const all: number[] = [];
  const some: number[][] = [];
  let hasIndex = false;
  const collect = (part: EventCondition): void => {
    if ('allOf' in part) part.allOf.forEach(collect);
    else if (isFilter(part)) collectFilter(part);
  };
  const collectFilter = (filter: EventFilter): void => {
    hasIndex ||= isPinned(filter);
    if (filter.search != null) all.push(...searchTerms(workspaceId, filter.search));
    if (filter.sources != null) {
      some.push(filter.sources.map(source => sourceTerm(workspaceId, source)));
    }
    if (filter.clientIps != null) {
      some.push(filter.clientIps.map(ip => clientIpTerm(workspaceId, canonicalIp(ip))));
    }
    filter.and?.forEach(collectFilter);
  };
  if (condition != null) collect(condition);
  if (hasIndex || all.length + some.length === 0) return null;
  return { all: [...all, ...some.flatMap(terms => (terms.length === 1 ? terms : []))], some };
}

/** Fields whose own index names few events. */
const PINNING = ['eventIds', 'subjects', 'actors', 'groupIds', 'parentIds'] as const;

/** Whether all events of a filter are read by an index of their own. */
export function isPinned(filter: EventFilter): boolean {
  return PINNING.some(field => filter[field] != null) || (filter.and ?? []).some(isPinned);
}

interface FoundBlock {
  readonly block: number;
  readonly since: string;
  readonly until: string;
}

interface FoundRow {
  readonly indexed: number;
  /** May be infinite. */
  readonly indexed_at: string;
  readonly lag: number;
  /** Whether most events have the terms. */
  readonly is_usual: boolean;
  readonly named: number | null;
  /** In the order of reading. */
  readonly blocks: string | null;
}

async function ask(
  read: Connection,
  { workspaceId, blocksMax, reading }: Asked,
  { all, some }: Needs,
): Promise<FoundRow | null> {
  const isDescending = reading?.descending !== false;
  const from = reading?.from ?? null;
  const inReach =
    from === null
      ? sql`true`
      : sql`${b.block} ${sql.raw(isDescending ? '<=' : '>=')} ${blockOf(from)}::bigint`;
  const order = sql.raw(isDescending ? 'desc' : 'asc');
  const matching = allOf([
    ...(all.length === 0 ? [] : [sql`${b.terms} @> ${intArray(all)}`]),
    ...some.filter(terms => terms.length !== 1).map(terms => sql`${b.terms} && ${intArray(terms)}`),
  ]);
  const ofWorkspace = sql`${b.workspace_id} = ${workspaceId}::int and ${inReach}`;
  const isUsual =
    reading === undefined
      ? sql`false`
      : sql`(select count(*) filter (where ${matching}) > ${SAMPLE_BLOCKS / 2} from (
          select ${b.terms} from search_blocks b where ${ofWorkspace}
          order by ${b.block} ${order} limit ${SAMPLE_BLOCKS}) b)`;
  // Of an index that is being taken away blocks are left.
  const isIndexed = sql`${b.block} * ${sql.raw(String(BLOCK_EVENTS))} <= (select ${log.indexed} from log)`;
  // `+ 0` keeps the planner from reading all blocks in their order to find those with the terms.
  const statement = sql`
    with log as materialized (
      select ${l.indexed}, ${l.indexed_recorded_at}::text as indexed_at, coalesce(${n.head}, 0) - ${l.indexed} as lag,
        ${isUsual} as is_usual
      from search_logs l left join lateral (${newestHeadSql(workspaceId)}) n on true
      where ${l.workspace_id} = ${workspaceId}::int
    ), named as materialized (
      select x.* from (
        select ${b.block}, ${b.recorded_from}, ${b.recorded_to} from search_blocks b
        where ${ofWorkspace} and ${isIndexed} and ${matching} and (select not is_usual and lag <= ${LAG_MAX} from log)
        union all
        select ${b.block}, ${b.recorded_from}, ${b.recorded_to} from search_blocks b
        where ${ofWorkspace} and ${isIndexed} and ${b.terms} is null
      ) x order by ${x.block} + 0 ${order} limit ${blocksMax + 1}
    )
    select log.*, named.* from log cross join (
      select count(*) as named, json_agg(json_build_object('block', ${x.block}, 'since', ${x.recorded_from},
        'until', ${x.recorded_to}) order by ${x.block} ${order}) as blocks from named x
    ) named`;
  try {
    const [row] = await rows<FoundRow>(read, statement, {
      timeoutMs: ASKED_WITHIN_MS,
      tenant: workspaceId,
    });
    return row ?? null;
  } catch (error) {
    if (error instanceof GatewayError && error.code === 'QUERY_TOO_EXPENSIVE') return null;
    throw error;
  }
}

function sourceOf(
  workspaceId: number,
  { indexed, indexed_at: indexedAt }: FoundRow,
  blocks: readonly FoundBlock[],
  withNewest: boolean,
): SQL {
  const list = (field: keyof FoundBlock) => arrayLiteral(blocks.map(block => block[field]));
  // As a part of the text, and as a limit: how few events a block has is then known to the planner.
  const size = sql.raw(String(BLOCK_EVENTS));
  const newest = sql`
    union all
    select e.* from events e where ${e.workspace_id} = ${workspaceId}::int
      and ${e.position} > ${indexed}::bigint and ${e.recorded_at} >= ${indexedAt}::timestamptz`;
  return sql`(
    select found.* from unnest(${list('block')}::bigint[], ${list('since')}::timestamptz[],
      ${list('until')}::timestamptz[]) as b (block, since, until)
    cross join lateral (
      select e.* from events e where ${e.workspace_id} = ${workspaceId}::int
        and ${e.position} >= b.block * ${size} and ${e.position} < b.block * ${size} + ${size}
        and ${e.recorded_at} >= b.since and ${e.recorded_at} <= b.until
      limit ${size}
    ) found
    ${withNewest ? newest : sql``}) e`;
}
