/**
 * How many events a list shows, without a scan: rollups count what was recorded and is not gone,
 * and of those what was redacted is taken off.
 */
import { sql } from 'drizzle-orm';
import { checkFilter } from '../core/filter-check.ts';
import type { EventFilter } from '../core/filter.ts';
import { columnsOf, type Row } from '../db/columns.ts';
import type { Connection } from '../db/connection.ts';
import { rows } from '../db/query.ts';
import { eventDefinitions, events } from '../db/schema.ts';
import { countedEvents, notExpired } from '../db/stored-event.ts';
import type { AggregateCounts } from './aggregate-counts.ts';
import { filterSql } from './filters.ts';
import type { ListingFilter } from './listing-filter.ts';

const t = columnsOf(eventDefinitions, 't');
const e = columnsOf(events, 'e');

export interface ListingCounts {
  readonly read: Connection;
  readonly counts: Pick<AggregateCounts, 'countFromRollups'>;
}

/** More types than this are not named one by one. */
const TYPES_MAX = 1_000;

/**
 * Events since an instant, or of all times. Null where the events have to tell: for filters of
 * other things than types and doors, and once an event was removed or has expired.
 */
export async function countListed(
  { read, counts }: ListingCounts,
  workspaceId: number,
  { filter, typeContains, search }: ListingFilter,
  since: Date | null = null,
): Promise<number | null> {
  checkFilter(filter);
  if (search != null) return null;
  const and: EventFilter[] = filter == null ? [] : [filter];
  if (typeContains != null) {
    const types = await typesContaining(read, workspaceId, typeContains);
    if (types.length === 0) return 0;
    if (types.length > TYPES_MAX) return null;
    and.push({ types });
  }
  const counted: EventFilter = { and, occurredAt: since === null ? null : { from: since } };
  const known = await counts.countFromRollups(workspaceId, counted);
  return known === null || known === 0
    ? known
    : known - (await countRedacted(read, workspaceId, counted));
}

async function typesContaining(
  read: Connection,
  workspaceId: number,
  part: string,
): Promise<string[]> {
  const found = await rows<Row<typeof eventDefinitions, 'name'>>(
    read,
    sql`select ${t.name} from event_definitions t
      where ${t.workspace_id} = ${workspaceId}
        and strpos(lower(${t.name} collate "C"), lower(${part}::text collate "C")) > 0
      limit ${TYPES_MAX + 1}`,
  );
  return found.map(({ name }) => name);
}

async function countRedacted(
  read: Connection,
  workspaceId: number,
  filter: EventFilter,
): Promise<number> {
  const [row] = await rows<{ count: number }>(
    read,
    sql`select count(*) as count from ${countedEvents}
      where ${e.workspace_id} = ${workspaceId} and ${e.redacted_at} is not null and ${notExpired}
        and ${filterSql(filter, workspaceId)}`,
  );
  return row?.count ?? 0;
}
