import type { LogPlace } from '../core/cursor.ts';
import type { StoredEvent } from '../core/event.ts';
import { jsonbText } from '../core/jsonb-text.ts';
import type { FlushEntry } from './submission.ts';
import type { Recorded } from './writers.ts';

/**
 * What a flush stored in workspaces that somebody watches, as a read would give it, in position
 * order: it spares the tail the read. Payloads that only Postgres knows how to write are left to it.
 */
export function storedEvents(
  { entries }: Recorded,
  isWatched: (workspaceId: number) => boolean,
): StoredEvent[] {
  const events: StoredEvent[] = [];
  for (const [entry, outcome] of entries) {
    if (outcome.status !== 'RECORDED' || !isWatched(entry.workspaceId)) continue;
    const payload = jsonbText(entry.event.payload);
    if (payload !== null) events.push(toStored(entry, outcome, payload));
  }
  return events.sort((a, b) => a.position - b.position);
}

function toStored(
  { workspaceId, event }: FlushEntry,
  { position, recordedAt }: LogPlace,
  payload: string,
): StoredEvent {
  const { key: _key, hash: _hash, revision: _revision, ...stored } = event;
  return { ...stored, payload, workspaceId, position, recordedAt, redactedAt: null };
}
