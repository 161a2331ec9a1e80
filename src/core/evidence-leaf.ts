/**
 * The leaf of an event in its workspace's Merkle tree. It has two parts. The envelope says which
 * event it is, and outlives redaction and expiry. All else is the content, of which the leaf holds
 * only a commitment: SHA-256 over a random salt and the content's canonical JSON (RFC 8785). Once
 * salt and content are gone, nothing can be guessed from the commitment, and the leaf still stands.
 */
import { canonicalJson, quoted } from './canonical-json.ts';
import { parseExact } from './exact-json.ts';
import { sha256 } from './merkle.ts';

export const SALT_BYTES = 32;
/** In the place of a salt that is no more. */
export const NO_SALT = Buffer.alloc(SALT_BYTES);

/** What redaction and expiry leave of an event, as its log keeps it. Instants are as in JSON. */
export interface Envelope {
  readonly door: string;
  /** Of the database when its workspace's tree began. */
  readonly epoch: string;
  readonly eventId: string;
  readonly expiresAt: string | null;
  readonly occurredAt: string;
  readonly position: number;
  readonly recordedAt: string;
  readonly type: string;
  readonly workspaceId: number;
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

/**
 * The canonical JSON of all that redaction and expiry take away. What is null is left out. As
 * `canonicalJson` writes it, at half of the cost: what keys there are is known.
 */
export function contentOf(event: EventContent): string {
  const { actor, clientIp, description, groupId, icon, notify, parentId } = event;
  const { payload, propertyTypes, source, subject, success, wire } = event;
  const members =
    text('actor', actor) +
    text('clientIp', clientIp) +
    text('description', description) +
    text('groupId', groupId) +
    text('icon', icon) +
    `,"notify":${notify}` +
    text('parentId', parentId) +
    json('payload', payload) +
    json('propertyTypes', propertyTypes) +
    text('source', source) +
    text('subject', subject) +
    (success === null ? '' : `,"success":${success}`) +
    json('wire', wire);
  return `{${members.slice(1)}}`;
}

function text(name: string, value: string | null): string {
  return value === null ? '' : `,"${name}":${quoted(value)}`;
}

function json(name: string, value: string | null): string {
  return value === null ? '' : `,"${name}":${canonicalJson(parseExact(value))}`;
}

export function commitmentOf(salt: Uint8Array, content: string): Buffer {
  const bytes = Buffer.allocUnsafe(SALT_BYTES + Buffer.byteLength(content));
  bytes.set(salt);
  bytes.write(content, SALT_BYTES);
  return sha256(bytes);
}

/**
 * What is hashed for the tree, as UTF-8: the canonical JSON of commitment, envelope and version. As
 * `canonicalJson` writes it, at a third of the cost: what keys there are is known.
 */
export function leafOf(envelope: Envelope, commitment: Buffer): string {
  const { door, epoch, eventId, expiresAt, occurredAt, position } = envelope;
  const { recordedAt, type, workspaceId } = envelope;
  const expires = expiresAt === null ? 'null' : quoted(expiresAt);
  return (
    `{"commitment":"${commitment.toString('base64')}","envelope":{"door":${quoted(door)},` +
    `"epoch":${quoted(epoch)},"eventId":${quoted(eventId)},"expiresAt":${expires},` +
    `"occurredAt":${quoted(occurredAt)},"position":${position},` +
    `"recordedAt":${quoted(recordedAt)},"type":${quoted(type)},` +
    `"workspaceId":${workspaceId}},"version":1}`
  );
}

/**
 * The commitment of an event that was emptied before it came into its tree. Nobody can pretend that of
 * one whose content was in it.
 */
export const NOTHING_COMMITTED = commitmentOf(NO_SALT, '');

/** Whether any content is there. An event that was emptied has none. */
export function hasContent(event: EventContent): boolean {
  return contentOf(event) !== EMPTIED;
}

const EMPTIED = '{"notify":false,"payload":{}}';
