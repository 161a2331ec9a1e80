/** Events by what names them, many at once: a page of references costs one statement. */
import { type SQL, sql } from 'drizzle-orm';
import type { LogPlace } from '../core/cursor.ts';
import { eventKey } from '../core/event-key.ts';
import type { StoredEvent } from '../core/event.ts';
import { columnsOf } from '../db/columns.ts';
import type { EventRows, EventStatement } from '../db/event-rows.ts';
import { events } from '../db/schema.ts';
import { eventSource, notExpired, toEventHead } from '../db/stored-event.ts';
import type { LookupOptions } from './event-reader.ts';
import { arrayLiteral } from './params.ts';

const e = columnsOf(events, 'e');

/**
 * By the key that dedupe compares, which leads to the place: `events` has no index by event id.
 * An id of any form may be asked for.
 */
export async function readByEventIds(
  eventRows: EventRows,
  workspaceId: number,
  eventIds: readonly string[],
  options: LookupOptions = {},
): Promise<(StoredEvent | null)[]> {
  if (eventIds.length === 0) return [];
  const keys = [...new Set(eventIds.map(eventKey))];
  const places = sql`event_keys k where k.workspace_id = ${workspaceId} and k.key = any(${arrayLiteral(keys)}::uuid[])`;
  const asked = { workspaceId, places, rowsMax: keys.length, ...options };
  const events = await readAtPlaces(eventRows, asked);
  const byId = new Map(events.map(event => [event.eventId, event]));
  return eventIds.map(id => byId.get(id) ?? null);
}

export async function readByPlaces(
  eventRows: EventRows,
  workspaceId: number,
  places: readonly LogPlace[],
  options: LookupOptions = {},
): Promise<(StoredEvent | null)[]> {
  const real = places.filter(isPossible);
  if (real.length === 0) return places.map(() => null);
  const positions = arrayLiteral(real.map(place => String(place.position)));
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
