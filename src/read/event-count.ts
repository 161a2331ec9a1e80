/**
 * How many events are shown. Rollups and positions tell where they can, without a scan. Else the
 * events are counted, for as long as the count may take.
 */
import { type SQL, sql } from 'drizzle-orm';
import type { EventCondition } from '../core/event-condition.ts';
import type { EventFilter } from '../core/filter.ts';
import { columnsOf, type Row } from '../db/columns.ts';
import type { Connection } from '../db/connection.ts';
import { rows } from '../db/query.ts';
import { eventDefinitions, events } from '../db/schema.ts';
import { textArray } from '../db/sql-lists.ts';
import { isTimeout } from '../db/sqlstate.ts';
import type { AggregateCounts } from './aggregate-counts.ts';
import { containsType, isFilter, shownSql, sourceOf } from './conditions.ts';
import { PARENT_CONDITIONS } from './event-page-plan.ts';
import type { EventParentField } from './event-reader.ts';
import type { Narrow } from './search-index.ts';

const e = columnsOf(events, 'e');
const t = columnsOf(eventDefinitions, 't');

export interface CountSources {
  readonly read: Connection;
  readonly counts: Pick<AggregateCounts, 'countFromRollups' | 'shownOfDefinitions'>;
}

export const COUNT_WITHIN_MS = 2_000;
/** That the index of searches names: events in more of them are as soon counted by a scan. */
const BLOCKS_MAX = 20_000;

export interface CountRequest {
  readonly workspaceId: number;
  readonly filter: EventCondition | null | undefined;
  readonly withinMs: number;
}

/** Exact, or null where it would take longer than its limit. */
export async function countEvents(
  sources: CountSources & { readonly narrow: Narrow },
  { workspaceId, filter, withinMs }: CountRequest,
): Promise<number | null> {
  const shown = shownSql(workspaceId, filter);
  const { read, narrow } = sources;
  if (isOfAll(filter)) return countWithin(read, countAll(workspaceId), withinMs);
  const known = await countWithoutScan(sources, workspaceId, filter, withinMs);
  if (known !== null) return known;
  const narrowed = await narrow({ workspaceId, condition: filter, blocksMax: BLOCKS_MAX });
  const source = sourceOf(filter, narrowed?.source);
  const statement = sql`select count(*) as count from ${source} where ${shown}`;
  return countWithin(read, statement, withinMs);
}

export interface CountByRequest extends CountRequest {
  readonly parents: { readonly field: EventParentField; readonly values: readonly string[] };
}

/** The same for each of many parents, in one statement; of types alone from what is kept of them. */
export async function countEventsBy(
  { read, counts }: CountSources,
  { workspaceId, filter, withinMs, parents: { field, values } }: CountByRequest,
): Promise<(number | null)[]> {
  const shown = shownSql(workspaceId, filter);
  if (field === 'definitionId' && isOfAll(filter)) {
    const known = await counts.shownOfDefinitions(workspaceId, values.map(Number));
    if (known !== null) return values.map(id => known.get(Number(id)) ?? 0);
  }
  const statement = sql`
    select (
      select count(*) from ${sourceOf(filter)} where ${shown} and ${PARENT_CONDITIONS[field]}
    ) as count
    from unnest(${textArray(values)}) with ordinality asked (value, ord) order by asked.ord`;
  const found = await countsWithin(read, statement, withinMs);
  return found ?? values.map(() => null);
}

/**
 * Null where the events have to tell: for conditions on other things than types, doors and time,
 * and once an event was removed or has expired.
 */
export async function countWithoutScan(
  { read, counts }: CountSources,
  workspaceId: number,
  filter: EventCondition | null | undefined,
  withinMs = COUNT_WITHIN_MS,
): Promise<number | null> {
  const parts = rollupPartsOf(filter);
  if (parts === null) return null;
  const and: EventFilter[] = [...parts.filters];
  for (const part of parts.typesContaining) {
    const types = await typesContaining(read, workspaceId, part);
    if (types.length === 0) return 0;
    if (types.length > TYPES_MAX) return null;
    and.push({ types });
  }
  const counted: EventFilter = { and };
  const known = and.every(isOfAll)
    ? await countWithin(read, countAll(workspaceId), withinMs)
    : await counts.countFromRollups(workspaceId, counted);
  if (known === null || known === 0 || !parts.withoutRedacted) return known;
  const redacted = shownSql(workspaceId, { allOf: [{ redacted: true }, counted] });
  const statement = sql`select count(*) as count from ${sourceOf(counted)} where ${redacted}`;
  const emptied = await countWithin(read, statement, withinMs);
  return emptied === null ? null : known - emptied;
}

/** A condition in parts, all of which hold. */
export interface RollupParts {
  readonly filters: readonly EventFilter[];
  readonly typesContaining: readonly string[];
  /** Rollups count redacted events. */
  readonly withoutRedacted: boolean;
}

/** Null where it has a part that rollups know nothing of. */
export function rollupPartsOf(condition: EventCondition | null | undefined): RollupParts | null {
  if (condition == null) return { filters: [], typesContaining: [], withoutRedacted: false };
  const none = { filters: [], typesContaining: [], withoutRedacted: false };
  if ('allOf' in condition) {
    return condition.allOf.map(rollupPartsOf).reduce((all, part) => {
      return (
        all &&
        part && {
          filters: [...all.filters, ...part.filters],
          typesContaining: [...all.typesContaining, ...part.typesContaining],
          withoutRedacted: all.withoutRedacted || part.withoutRedacted,
        }
      );
    }, none);
  }
  if ('typeContains' in condition) return { ...none, typesContaining: [condition.typeContains] };
  if ('redacted' in condition)
    return condition.redacted ? null : { ...none, withoutRedacted: true };
  return isFilter(condition) ? { ...none, filters: [condition] } : null;
}

/** More types than this are not named one by one. */
const TYPES_MAX = 1_000;

async function typesContaining(
  read: Connection,
  workspaceId: number,
  part: string,
): Promise<string[]> {
  const found = await rows<Row<typeof eventDefinitions, 'name'>>(
    read,
    sql`select ${t.name} from event_definitions t
      where ${t.workspace_id} = ${workspaceId} and ${containsType(part)} limit ${TYPES_MAX + 1}`,
  );
  return found.map(({ name }) => name);
}

function isOfAll(filter: EventCondition | null | undefined): boolean {
  return filter == null || Object.values(filter).every(value => value == null);
}

/** Positions are dense for ever, so only what has expired is counted one by one. */
function countAll(workspaceId: number): SQL {
  const end = (direction: 'asc' | 'desc') => sql`
    select ${e.position} from events e where ${e.workspace_id} = ${workspaceId}
    order by ${e.position} ${sql.raw(direction)} limit 1`;
  return sql`
    select coalesce((${end('desc')}) - (${end('asc')}) + 1, 0) - (
      select count(*) from events e
      where ${e.workspace_id} = ${workspaceId} and ${e.expires_at} <= now()
    ) as count`;
}

async function countWithin(
  read: Connection,
  statement: SQL,
  timeoutMs: number,
): Promise<number | null> {
  const found = await countsWithin(read, statement, timeoutMs);
  return found && (found[0] ?? 0);
}

/** The column `count` of each row; null where counting takes longer than its limit. */
async function countsWithin(
  read: Connection,
  statement: SQL,
  timeoutMs: number,
): Promise<number[] | null> {
  try {
    const found = await rows<{ count: number }>(read, statement, { timeoutMs });
    return found.map(({ count }) => count);
  } catch (error) {
    if (isTimeout(error)) return null;
    throw error;
  }
}
