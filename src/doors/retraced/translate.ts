/** An event of Retraced ↔ an event. Pure. */
import type { EventInput, StoredEvent } from '../../core/event.ts';
import { parseExact, type ExactJson, type ExactObject } from '../../core/exact-json.ts';
import { isJsonObject } from '../../core/json.ts';
import { instantText } from '../../core/unreadable.ts';
import { addressIn, indexable, isoInstant } from '../value-conversion.ts';
import { differenceOf, restored } from '../wire-difference.ts';
import type { RetracedEvent } from './wire.ts';

/** What has a name and more beside its id, and the column of the id. */
const PARTS = { group: 'groupId', actor: 'actor', target: 'subject' } as const;
type Column = (typeof PARTS)[keyof typeof PARTS];

interface Mapped
  extends
    Pick<StoredEvent, Column | 'type' | 'occurredAt' | 'source' | 'description'>,
    Pick<StoredEvent, 'success' | 'clientIp'> {
  readonly payload: ExactObject;
}

export function decode(event: RetracedEvent, id: string): EventInput {
  const { created, description, fields, component, is_failure: isFailure } = event;
  const occurredAt = isoInstant(created);
  const mapped = {
    type: event.action,
    groupId: idIn(event['group']),
    actor: idIn(event['actor']),
    subject: idIn(event['target']),
    source: indexable(component),
    description: (description as string | undefined) ?? null,
    success: typeof isFailure === 'boolean' ? !isFailure : null,
    clientIp: addressIn(event['source_ip']),
    payload: (fields ?? {}) as ExactObject,
  };
  const derived = derive({ ...mapped, occurredAt: occurredAt ?? new Date(0) });
  return { ...mapped, id, occurredAt, wire: differenceOf(event, derived) };
}

/** The event that one of this door came by. */
export function encode(event: StoredEvent): ExactObject {
  const payload = parseExact(event.payload) as ExactObject;
  return restored(derive({ ...event, payload }), event.wire);
}

function derive(event: Mapped): ExactObject {
  const { type, occurredAt, source, description, success, clientIp, payload } = event;
  const parts = Object.entries(PARTS)
    .filter(([, column]) => event[column] !== null)
    .map(([name, column]) => [name, { id: event[column] }] as const);
  return {
    action: type,
    created: instantText(occurredAt),
    ...Object.fromEntries(parts),
    ...(clientIp === null ? {} : { source_ip: clientIp }),
    ...(description === null ? {} : { description }),
    ...(success === null ? {} : { is_failure: !success }),
    ...(source === null ? {} : { component: source }),
    fields: payload,
  };
}

function idIn(part: ExactJson | undefined): string | null {
  return isJsonObject(part) ? indexable((part as ExactObject)['id']) : null;
}
