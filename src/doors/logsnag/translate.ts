/** A call of LogSnag ↔ an event. Pure. */
import type { EventInput, StoredEvent } from '../../core/event.ts';
import { parseExact, type ExactJson, type ExactObject } from '../../core/exact-json.ts';
import { emojiOf } from '../value-conversion.ts';
import { differenceOf, restored } from '../wire-difference.ts';
import type { Call, Sent } from './wire.ts';

/** The types of the calls that name none. */
const TYPES: Readonly<Record<Exclude<Call, 'log'>, string>> = {
  identify: 'identify',
  group: 'group',
  insight: 'insight',
  increment: 'insight.increment',
};

type Mapped = Pick<
  StoredEvent,
  'type' | 'source' | 'subject' | 'actor' | 'description' | 'icon' | 'notify' | 'occurredAt'
> & { readonly payload: ExactObject };

/** @param raw the body as it came, with its nulls */
export function decode(call: Call, sent: Sent, raw: ExactObject): EventInput {
  const { channel, user_id, description, icon, notify, timestamp } = sent;
  const occurredAt = timestamp === undefined ? null : new Date(Number(timestamp) * MS_PER_S);
  const mapped = {
    type: call === 'log' ? (sent['event'] as string) : TYPES[call],
    source: call === 'log' ? (channel as string) : null,
    subject: subjectOf(call, sent),
    actor: textOrNull(user_id),
    description: call === 'log' ? textOrNull(description) : null,
    icon: typeof icon === 'string' && icon !== '' ? emojiOf(icon) : null,
    notify: call === 'log' && notify === true,
    payload: payloadOf(call, sent),
  };
  const derived = derive({ ...mapped, occurredAt: occurredAt ?? new Date(0) }, projectOf(sent));
  return { ...mapped, occurredAt, wire: differenceOf(raw, derived) };
}

/** The body that the event came by; `project` is the slug of its workspace. */
export function encode(event: StoredEvent, project: string): ExactObject {
  const payload = parseExact(event.payload) as ExactObject;
  return restored(derive({ ...event, payload }, project), event.wire);
}

const MS_PER_S = 1_000;

/** The slug of the workspace that is meant. */
export function projectOf({ project }: Sent): string {
  return project.toLowerCase();
}

function subjectOf(call: Call, sent: Sent): string | null {
  if (call === 'group') return textOrNull(sent['group_id']);
  return call === 'insight' || call === 'increment' ? textOrNull(sent['title']) : null;
}

function payloadOf(call: Call, sent: Sent): ExactObject {
  const { tags, properties, value } = sent;
  if (call === 'insight') return { value: value as ExactJson };
  if (call === 'increment') return { increment: (value as ExactObject)['$inc'] as ExactJson };
  return ((call === 'log' ? tags : properties) ?? {}) as ExactObject;
}

function derive(event: Mapped, project: string): ExactObject {
  const { type, source, subject, actor, description, icon, notify, occurredAt, payload } = event;
  const user: ExactObject = actor === null ? {} : { user_id: actor };
  const shown: ExactObject = icon === null ? { project } : { project, icon };
  if (type === TYPES.identify) return { ...shown, ...user, properties: payload };
  if (type === TYPES.group) return { ...shown, ...user, group_id: subject, properties: payload };
  if (type === TYPES.insight) return { ...shown, title: subject, value: payload['value'] ?? null };
  if (type === TYPES.increment) {
    return { ...shown, title: subject, value: { $inc: payload['increment'] ?? null } };
  }
  const told: ExactObject = description === null ? {} : { description };
  return {
    ...shown,
    ...user,
    ...told,
    channel: source,
    event: type,
    tags: payload,
    notify,
    timestamp: occurredAt.getTime() / MS_PER_S,
  };
}

function textOrNull(value: ExactJson | undefined): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}
