/** Events by what names them, many at once: a page of references costs one statement. */
import { type SQL, sql } from 'drizzle-orm';
import type { LogPlace } from '../core/cursor.ts';
import { eventKey } from '../core/event-key.ts';
import type { StoredEvent } from '../core/event.ts';
import { columnsOf } from '../db/columns.ts';
import type { EventRows, EventStatement } from '../db/event-rows.ts';
import { eventKeys, events } from '../db/schema.ts';
import { arrayLiteral } from '../db/sql-lists.ts';
import { eventSource, notExpired, toEventHead } from '../db/stored-event.ts';
import type { LookupOptions } from './event-reader.ts';
import { inOrderOf } from './lists.ts';

const e = columnsOf(events, 'e');
const k = columnsOf(eventKeys, 'k');

/** An id of any form may be asked for. */
export async function readByEventIds(
  eventRows: EventRows,
  workspaceId: number,
  eventIds: readonly string[],
  options: LookupOptions = {},
): Promise<(StoredEvent | null)[]> {
  const found = await readByKeys(eventRows, workspaceId, eventIds.map(eventKey), options);
  // A key is also that of other spellings.
  return found.map((event, at) => (event?.eventId === eventIds[at] ? event : null));
}

/** By the keys that dedupe compares, which lead to the places: `events` has no index by event id. */
export async function readByKeys(
  eventRows: EventRows,
  workspaceId: number,
  keys: readonly string[],
  options: LookupOptions = {},
): Promise<(StoredEvent | null)[]> {
  if (keys.length === 0) return [];
  const distinct = [...new Set(keys)];
  const places = sql`event_keys k where ${k.workspace_id} = ${workspaceId} and ${k.key} = any(${arrayLiteral(distinct)}::uuid[])`;
  const asked = { workspaceId, places, rowsMax: distinct.length, ...options };
  const events = await readAtPlaces(eventRows, asked);
  return inOrderOf(keys, events, ({ eventId }) => eventKey(eventId));
}

export async function readByPlaces(
  eventRows: EventRows,
  workspaceId: number,
  places: readonly LogPlace[],
  options: LookupOptions = {},
): Promise<(StoredEvent | null)[]> {
  const real = places.filter(isPossible);
  if (real.length === 0) return places.map(() => null);
  const positions = arrayLiteral(real.map(place => place.position));
  const instants = arrayLiteral(real.map(place => place.recordedAt.toISOString()));
  const distinct = sql`(
      select distinct asked.position, asked.recorded_at
      from unnest(${positions}::bigint[], ${instants}::timestamptz[]) as asked (position, recorded_at)
    ) k`;
  const asked = { workspaceId, places: distinct, rowsMax: real.length, ...options };
  const events = await readAtPlaces(eventRows, asked);
  const byPosition = new Map(events.map(event => [event.position, event]));
  return places.map(({ position, recordedAt }) => {
    const event = byPosition.get(position);
    return event?.recordedAt.getTime() === recordedAt.getTime() ? event : null;
  });
}

interface Asked extends LookupOptions {
  readonly workspaceId: number;
  /** What follows `from`: rows `k` with a position and an instant. */
  readonly places: SQL;
  readonly rowsMax: number;
}

async function readAtPlaces(
  eventRows: EventRows,
  { workspaceId, places, rowsMax, content = true }: Asked,
): Promise<StoredEvent[]> {
  // The limit fences each look-up: with the place at hand one partition is read, by its key.
  const statement: EventStatement = {
    workspaceId,
    rowsMax,
    options: { byIndex: true },
    select: columns => sql`
      select e.* from (select k.position, k.recorded_at from ${places}) as place
      cross join lateral (
        select ${columns} from ${eventSource}
        where ${e.workspace_id} = ${workspaceId} and ${e.position} = place.position
          and ${e.recorded_at} = place.recorded_at and ${notExpired}
        limit 1
      ) e`,
  };
  if (content) return eventRows.all(statement);
  return (await eventRows.heads(statement)).map(toEventHead);
}

/** Whether an event could stand there: a place may come from an id that a client made up. */
function isPossible({ position, recordedAt }: LogPlace): boolean {
  const year = recordedAt.getUTCFullYear();
  return Number.isSafeInteger(position) && position > 0 && year >= 1 && year <= 9999;
}
