/**
 * Any event as an operational event. The door is for reading only, so it shows what every other
 * door and GraphQL recorded; what has no place in the vendor's event is not shown here.
 */
import type { EventDefinition } from '../../core/definition.ts';
import type { EventProblem, StoredEvent } from '../../core/event.ts';
import { parseExact, writeExact, type ExactJson, type ExactObject } from '../../core/exact-json.ts';
import { isNumber, plainLiteral } from '../../core/exact-number.ts';
import type { EventFilter } from '../../core/filter.ts';
import { instantText } from '../../core/unreadable.ts';
import { WORKSPACE_PARAMETER } from '../door.ts';
import type { Interval } from './interval.ts';
import {
  PAYLOAD_FIELDS,
  type EventDefinitionEntity,
  type EventQueryRequest,
  type OperationalEvent,
  type Reference,
} from './wire.ts';

export const QUERY_URI = '/api/v2/usage/events/query';

export function toEventDefinition(definition: EventDefinition): EventDefinitionEntity {
  const { name, title, description } = definition;
  return { id: name, name: title ?? name, description: description ?? '' };
}

export function definitionReference(name: string): Reference {
  const id = encodeURIComponent(name);
  return { id: name, selfUri: `/api/v2/usage/events/definitions/${id}` };
}

export function toOperationalEvent(event: StoredEvent): OperationalEvent {
  const payload = parseExact(event.payload) as ExactObject;
  const fromPayload = PAYLOAD_FIELDS.flatMap(name => {
    const text = Object.hasOwn(payload, name) ? textOf(payload[name] as ExactJson) : null;
    return text === null ? [] : [[name, text] as const];
  });
  const dateModified = Object.hasOwn(payload, 'dateModified')
    ? instantOf(payload['dateModified'] as ExactJson)
    : null;
  const { subject, source, actor, parentId, groupId } = event;
  return {
    eventDefinition: definitionReference(event.type),
    ...(subject === null ? {} : { entityId: subject }),
    ...(source === null ? {} : { entityName: source }),
    ...(parentId === null ? {} : { parentEntityId: parentId }),
    ...(groupId === null ? {} : { conversation: conversation(groupId) }),
    dateCreated: instantText(event.occurredAt),
    ...(actor === null ? {} : { entityModifiedBy: actor }),
    ...Object.fromEntries(fromPayload),
    ...(event.unreadable === undefined ? {} : { errorCode: unreadableCode(event.unreadable) }),
    ...(dateModified === null ? {} : { dateModified }),
  };
}

/** In the vendor's place for what went wrong with an event. */
function unreadableCode(problems: readonly EventProblem[]): string {
  return `sluice.unreadable: ${problems.map(({ code }) => code).join(', ')}`;
}

function conversation(id: string): Reference {
  return { id, selfUri: `/api/v2/conversations/${encodeURIComponent(id)}` };
}

/** The vendor's fields are texts: what is nested comes as JSON. */
function textOf(value: ExactJson): string | null {
  if (value === null) return null;
  if (isNumber(value)) return plainLiteral(value);
  return typeof value === 'object' ? writeExact(value) : String(value);
}

function instantOf(value: ExactJson): string | null {
  if (typeof value !== 'string') return null;
  const instant = new Date(value.toUpperCase());
  return Number.isNaN(instant.getTime()) ? null : instant.toISOString();
}

/**
 * The end is in the interval to its millisecond: tools page by shrinking it to the oldest
 * `dateCreated` − 1 ms, and would lose the events there otherwise.
 */
export function queryFilter(request: EventQueryRequest, { start, end }: Interval): EventFilter {
  const { eventDefinitionIds: types, searchTerm } = request;
  return {
    occurredAt: { from: start, to: new Date(end.getTime() + 1) },
    ...(types == null || types.length === 0 ? {} : { types }),
    ...(searchTerm == null ? {} : { search: searchTerm }),
  };
}

/** A page of the query that is asked for with the same body again. */
export function pageUri(
  given: URLSearchParams,
  place: { readonly after: string } | { readonly before: string } | null,
): string {
  const query = new URLSearchParams({ ...place });
  for (const name of ['pageSize', WORKSPACE_PARAMETER]) {
    const value = given.get(name);
    if (value !== null) query.set(name, value);
  }
  return query.size === 0 ? QUERY_URI : `${QUERY_URI}?${query}`;
}
