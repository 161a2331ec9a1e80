/**
 * The leaf of an event in its workspace's Merkle tree. It has two parts. The envelope says which
 * event it is, and outlives redaction and expiry. All else is the content, of which the leaf holds
 * only a commitment: SHA-256 over a random salt and the content's canonical JSON (RFC 8785). Once
 * salt and content are gone, nothing can be guessed from the commitment, and the leaf still stands.
 */
import { canonicalJson, quoted } from './canonical-json.ts';
import { parseExact, type ExactJson } from './exact-json.ts';
import { sha256 } from './merkle.ts';

export const SALT_BYTES = 32;
/** In the place of a salt that is no more. */
export const NO_SALT = Buffer.alloc(SALT_BYTES);

/** What redaction and expiry leave of an event, as its log keeps it. */
export interface NamedEvent {
  /** Of the database when its workspace's tree began. */
  readonly epoch: string;
  readonly workspaceId: number;
  readonly position: number;
  readonly recordedAt: Date;
  readonly occurredAt: Date;
  readonly expiresAt: Date | null;
  readonly eventId: string;
  readonly type: string;
  readonly door: string;
}

/** What they take away. */
export interface EventContent {
  readonly notify: boolean;
  readonly success: boolean | null;
  readonly source: string | null;
  readonly subject: string | null;
  readonly actor: string | null;
  readonly description: string | null;
  readonly icon: string | null;
  readonly clientIp: string | null;
  readonly parentId: string | null;
  readonly groupId: string | null;
  /** These three are JSON texts, whose numbers have all their digits. */
  readonly payload: string;
  readonly propertyTypes: string | null;
  readonly wire: string | null;
}

/** A `NamedEvent` as JSON. */
export interface Envelope {
  readonly door: string;
  readonly epoch: string;
  readonly eventId: string;
  readonly expiresAt: string | null;
  readonly occurredAt: string;
  readonly position: number;
  readonly recordedAt: string;
  readonly type: string;
  readonly workspaceId: number;
}

export function envelopeOf(event: NamedEvent): Envelope {
  return {
    door: event.door,
    epoch: event.epoch,
    eventId: event.eventId,
    expiresAt: event.expiresAt === null ? null : instant(event.expiresAt),
    occurredAt: instant(event.occurredAt),
    position: event.position,
    recordedAt: instant(event.recordedAt),
    type: event.type,
    workspaceId: event.workspaceId,
  };
}

/** The canonical JSON of all that redaction and expiry take away. What is null is left out. */
export function contentOf(event: EventContent): string {
  const content: Record<string, ExactJson | undefined> = {
    actor: event.actor ?? undefined,
    clientIp: event.clientIp ?? undefined,
    description: event.description ?? undefined,
    groupId: event.groupId ?? undefined,
    icon: event.icon ?? undefined,
    notify: event.notify,
    parentId: event.parentId ?? undefined,
    payload: parseExact(event.payload),
    propertyTypes: event.propertyTypes === null ? undefined : parseExact(event.propertyTypes),
    source: event.source ?? undefined,
    subject: event.subject ?? undefined,
    success: event.success ?? undefined,
    wire: event.wire === null ? undefined : parseExact(event.wire),
  };
  return canonicalJson(content);
}

export function commitmentOf(salt: Uint8Array, content: string): Buffer {
  return sha256(Buffer.concat([salt, Buffer.from(content)]));
}

/**
 * The bytes that are hashed for the tree: the canonical JSON of commitment, envelope and version. As
 * `canonicalJson` writes it, at a third of the cost: what keys there are is known.
 */
export function leafOf(envelope: Envelope, commitment: Buffer): Buffer {
  const { door, epoch, eventId, expiresAt, occurredAt, position } = envelope;
  const { recordedAt, type, workspaceId } = envelope;
  const expires = expiresAt === null ? 'null' : quoted(expiresAt);
  return Buffer.from(
    `{"commitment":"${commitment.toString('base64')}","envelope":{"door":${quoted(door)},` +
      `"epoch":${quoted(epoch)},"eventId":${quoted(eventId)},"expiresAt":${expires},` +
      `"occurredAt":${quoted(occurredAt)},"position":${position},` +
      `"recordedAt":${quoted(recordedAt)},"type":${quoted(type)},` +
      `"workspaceId":${workspaceId}},"version":1}`,
  );
}

/** Whether any content is there. An event that was emptied has none. */
export function hasContent(event: EventContent): boolean {
  return contentOf(event) !== EMPTIED;
}

const EMPTIED = '{"notify":false,"payload":{}}';

/** Also of one that no event can have. */
function instant(date: Date): string {
  return Number.isNaN(date.getTime()) ? String(date) : date.toISOString();
}
