import { quoted } from '../core/canonical-json.ts';
import { DOORS } from '../core/event.ts';
import { writeExact } from '../core/exact-json.ts';
import type { FlushEntry } from './submission.ts';

/**
 * An event as the flush statement reads it: the names are those of the statement's record, and what
 * is null is left out. Written by hand, since each event of each flush passes here: `JSON.stringify`
 * of an object of all these takes a fifth longer and leaves the object behind.
 */
export function entryJson({ workspaceId, event, request, atomic }: FlushEntry): string {
  const { expiresAt, success, propertyTypes, wire } = event;
  return (
    `{"w":${workspaceId},"k":"${event.key}","h":"${event.hash}","d":${event.definitionId},` +
    `"dr":${DOORS[event.door]},"o":"${event.occurredAt.toISOString()}","n":${event.notify},` +
    `"i":${quoted(event.eventId)}` +
    (atomic ? `,"g":${request}` : '') +
    (expiresAt === null ? '' : `,"e":"${expiresAt.toISOString()}"`) +
    (success === null ? '' : `,"s":${success}`) +
    text('sr', event.source) +
    text('su', event.subject) +
    text('ac', event.actor) +
    text('de', event.description) +
    text('ic', event.icon) +
    text('ip', event.clientIp) +
    text('pa', event.parentId) +
    text('gr', event.groupId) +
    (propertyTypes === null ? '' : `,"t":${JSON.stringify(propertyTypes)}`) +
    (wire === null ? '' : `,"x":${writeExact(wire)}`) +
    `,"p":${event.payload}}`
  );
}

function text(name: string, value: string | null): string {
  return value === null ? '' : `,"${name}":${quoted(value)}`;
}
