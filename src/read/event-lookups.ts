/** Events by what names them, many at once: a page of references costs one statement. */
import { type SQL, sql } from 'drizzle-orm';
import type { LogPlace } from '../core/cursor.ts';
import { eventKey } from '../core/event-key.ts';
import type { StoredEvent } from '../core/event.ts';
import type { Connection } from '../db/connection.ts';
import { rows } from '../db/query.ts';
import {
  eventColumns,
  type EventRow,
  eventSource,
  notExpired,
  toStoredEvent,
} from '../db/stored-event.ts';
import { arrayLiteral } from './params.ts';

/**
 * By the key that dedupe compares, which leads to the place: `events` has no index by event id.
 * An id of any form may be asked for.
 */
export async function readByEventIds(
  read: Connection,
  workspaceId: number,
  eventIds: readonly string[],
): Promise<(StoredEvent | null)[]> {
  if (eventIds.length === 0) return [];
  const keys = [...new Set(eventIds.map(eventKey))];
  const events = await readAtPlaces(
    read,
    workspaceId,
    sql`event_keys k where k.workspace_id = ${workspaceId} and k.key = any(${arrayLiteral(keys)}::uuid[])`,
  );
  const byId = new Map(events.map(event => [event.eventId, event]));
  return eventIds.map(id => byId.get(id) ?? null);
}

export async function readByPlaces(
  read: Connection,
  workspaceId: number,
  places: readonly LogPlace[],
): Promise<(StoredEvent | null)[]> {
  const real = places.filter(isPossible);
  if (real.length === 0) return places.map(() => null);
  const positions = arrayLiteral(real.map(place => String(place.position)));
  const instants = arrayLiteral(real.map(place => place.recordedAt.toISOString()));
  const events = await readAtPlaces(
    read,
    workspaceId,
    sql`(
      select distinct asked.position, asked.recorded_at
      from unnest(${positions}::bigint[], ${instants}::timestamptz[]) as asked (position, recorded_at)
    ) k`,
  );
  const byPosition = new Map(events.map(event => [event.position, event]));
  return places.map(({ position, recordedAt }) => {
    const event = byPosition.get(position);
    return event?.recordedAt.getTime() === recordedAt.getTime() ? event : null;
  });
}

/** `places` is what follows `from`: rows `k` with a position and an instant. */
async function readAtPlaces(
  read: Connection,
  workspaceId: number,
  places: SQL,
): Promise<StoredEvent[]> {
  // The limit fences each look-up: with the place at hand one partition is read, by its key.
  const found = await rows<EventRow>(
    read,
    sql`
      select e.* from (select k.position, k.recorded_at from ${places}) as place
      cross join lateral (
        select ${eventColumns} from ${eventSource}
        where e.workspace_id = ${workspaceId} and e.position = place.position
          and e.recorded_at = place.recorded_at and ${notExpired}
        limit 1
      ) e`,
    { byIndex: true },
  );
  return found.map(toStoredEvent);
}

/** Whether an event could stand there: a place may come from an id that a client made up. */
function isPossible({ position, recordedAt }: LogPlace): boolean {
  const year = recordedAt.getUTCFullYear();
  return Number.isSafeInteger(position) && position > 0 && year >= 1 && year <= 9999;
}
