/** What is sent for an event: body and headers, by the format of the webhook. Pure. */
import { createHash, createHmac } from 'node:crypto';
import type { StoredEvent } from '../core/event.ts';
import { parsePayload } from '../core/exact-json.ts';
import { instantText } from '../core/unreadable.ts';
import { keyOfSecret, type WebhookFormat, type WebhookTarget } from '../core/webhook.ts';
import { chatFormats, chatTextOf, type Content } from './chat.ts';

/** What the body of a request is made of. */
export interface Shown {
  readonly event: StoredEvent;
  /** Of the event's position; null for one that was not recorded. */
  readonly cursor: string | null;
  /** Slug of the workspace. */
  readonly workspace: string;
}

export interface Signing {
  /** The newest first. */
  readonly secrets: readonly string[];
  readonly messageId: string;
  readonly nowMs: number;
}

/** An event as a structured CloudEvent, in JSON. */
export type CloudEventText = (event: StoredEvent, workspace: string) => string;

/** The request for an event, signed by https://github.com/standard-webhooks/standard-webhooks */
export function messageOf(
  target: Pick<WebhookTarget, 'format' | 'headers'>,
  shown: Shown,
  signing: Signing,
  cloudEvent: CloudEventText,
): Content {
  const { body, headers } = contentOf(target.format, shown, cloudEvent);
  const timestamp = String(Math.floor(signing.nowMs / 1_000));
  return {
    body,
    headers: {
      'user-agent': 'sluice',
      ...Object.fromEntries(target.headers.map(({ name, value }) => [name.toLowerCase(), value])),
      ...headers,
      'webhook-id': signing.messageId,
      'webhook-timestamp': timestamp,
      'webhook-signature': signing.secrets
        .map(secret => signatureOf(secret, `${signing.messageId}.${timestamp}.${body}`))
        .join(' '),
      ...(shown.cursor !== null && { 'sluice-cursor': shown.cursor }),
    },
  };
}

function contentOf(format: WebhookFormat, shown: Shown, cloudEvent: CloudEventText): Content {
  switch (format) {
    case 'SLUICE':
      return { body: sluiceBody(shown), headers: { 'content-type': 'application/json' } };
    case 'CLOUDEVENTS':
      return {
        body: cloudEvent(shown.event, shown.workspace),
        headers: { 'content-type': 'application/cloudevents+json; charset=utf-8' },
      };
    case 'SLACK':
    case 'DISCORD':
    case 'NTFY':
      return chatFormats[format](chatTextOf(shown.event));
  }
}

function signatureOf(secret: string, content: string): string {
  const key = keyOfSecret(secret) ?? Buffer.alloc(0);
  return `v1,${createHmac('sha256', key).update(content).digest('base64')}`;
}

function sluiceBody({ event, cursor }: Shown): string {
  const { type, occurredAt } = event;
  return JSON.stringify({
    type,
    timestamp: instantText(occurredAt),
    data: eventData(event, cursor),
  });
}

/** The fields of an event as GraphQL shows them, but for those that lead to other objects. */
export function eventData(event: StoredEvent, cursor: string | null): Record<string, unknown> {
  const instant = (value: Date | null) => (value === null ? null : instantText(value));
  return {
    cursor,
    position: event.position,
    eventId: event.eventId,
    type: event.type,
    occurredAt: instant(event.occurredAt),
    recordedAt: instant(event.recordedAt),
    expiresAt: instant(event.expiresAt),
    redactedAt: instant(event.redactedAt),
    source: event.source,
    subject: event.subject,
    actor: event.actor,
    description: event.description,
    icon: event.icon,
    notify: event.notify,
    success: event.success,
    clientIp: event.clientIp,
    parentId: event.parentId,
    groupId: event.groupId,
    door: event.door,
    payload: parsePayload(event.payload),
    unreadable: event.unreadable ?? [],
  };
}

/** The same for every attempt to deliver an event of a consumer, and for no other event or consumer. */
export function messageIdOf(
  epoch: string,
  { workspaceId, position }: Pick<StoredEvent, 'workspaceId' | 'position'>,
  consumerId: number,
): string {
  const text = `${epoch} ${workspaceId} ${consumerId} ${position}`;
  return `msg_${createHash('sha256').update(text).digest('base64url').slice(0, 27)}`;
}
