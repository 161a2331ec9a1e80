import type { LogPlace } from '../core/cursor.ts';
import type { StoredEvent } from '../core/event.ts';
import type { Json, JsonObject } from '../core/json.ts';
import type { FlushEntry } from './submission.ts';
import type { Recorded } from './writers.ts';

/**
 * What a flush stored in workspaces whose events somebody wants, as a read would give it, in
 * position order: it spares the tail the read. Payloads that only Postgres knows how to write are left to it.
 */
export function storedEvents(
  { entries }: Recorded,
  isWanted: (workspaceId: number) => boolean,
): StoredEvent[] {
  const events: StoredEvent[] = [];
  for (const [entry, outcome] of entries) {
    if (outcome.status !== 'RECORDED' || !isWanted(entry.workspaceId)) continue;
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

/**
 * JSON text as Postgres writes a jsonb: the members of an object by the bytes of their names, the
 * shorter ones first, a space after each colon and comma. Null where only Postgres knows how it
 * writes a number: one that a double does not hold as it stands, or with an exponent.
 * @see https://www.postgresql.org/docs/current/datatype-json.html
 */
export function jsonbText(text: string): string | null {
  // jsonb writes exponents out.
  if (/\d[eE][+-]?\d/.test(text)) return null;
  const value = JSON.parse(text) as Json;
  return JSON.stringify(value) === text ? write(value) : null;
}

function write(value: Json): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(write).join(', ')}]`;
  const object = value as JsonObject;
  const members = Object.keys(object)
    .sort(compareNames)
    .map(name => `${JSON.stringify(name)}: ${write(object[name] as Json)}`);
  return `{${members.join(', ')}}`;
}

function compareNames(a: string, b: string): number {
  const [x, y] = [Buffer.from(a), Buffer.from(b)];
  return x.length - y.length || Buffer.compare(x, y);
}
