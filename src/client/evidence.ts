/**
 * Verifies proofs of a workspace's log: that an event is in the tree of a checkpoint, that a
 * checkpoint was signed by a key, that a log only grew. Nothing is asked of a gateway. It needs
 * WebCrypto with Ed25519: Node 20, Chrome 137, Firefox 129, Safari 17.
 */
import { SluiceError } from './errors.ts';

type Bytes = Uint8Array<ArrayBuffer>;

/** `Checkpoint` of the API. */
export interface Checkpoint {
  /** Of the first event in the tree. */
  readonly firstPosition: number;
  readonly size: number;
  /** In base64, as all hashes and salts. */
  readonly rootHash: string;
  readonly note: string;
  readonly verifierKey: string;
}

/** `InclusionProof` of the API. */
export interface InclusionProof {
  readonly index: number;
  readonly size: number;
  readonly leafHash: string;
  readonly hashes: readonly string[];
  readonly envelope: Readonly<Record<string, unknown>>;
  readonly commitment: string;
  readonly salt: string | null;
  readonly content: string | null;
  readonly checkpoint: Pick<Checkpoint, 'note' | 'verifierKey'>;
}

/** `ConsistencyProof` of the API. */
export interface ConsistencyProof {
  readonly from: number;
  readonly to: number;
  readonly hashes: readonly string[];
}

/** What a note says, once its signature was verified. */
export interface VerifiedCheckpoint {
  /** The name of the log. */
  readonly origin: string;
  readonly size: number;
  readonly rootHash: string;
}

/** An event as it was recorded. */
export interface VerifiedEvent {
  readonly eventId: string;
  readonly type: string;
  readonly position: number;
  readonly recordedAt: string;
  readonly occurredAt: string;
  readonly expiresAt: string | null;
  readonly door: string;
  /**
   * The other fields. Null: they were removed, and what they were is not proven any more. Numbers
   * that a double does not hold are rounded: `content` of the proof has all digits.
   */
  readonly content: Readonly<Record<string, unknown>> | null;
  readonly checkpoint: VerifiedCheckpoint;
}

export interface VerifyOptions {
  /**
   * The key that is trusted, such as `sluice/acme/4f…+5bd1e4a0+AbQ9…`: get it from somebody whom you
   * trust, not with the proof.
   */
  readonly verifierKey: string;
  /** What a receipt said: the proof must be of this event, at this position. */
  readonly receipt?: { readonly eventId: string | null; readonly position: number | null };
}

/** The fields of `InclusionProof` that are verified, for a query. */
export const INCLUSION_PROOF_FIELDS =
  'index size leafHash hashes envelope commitment salt content checkpoint { note verifierKey }';

/**
 * That an event is in the tree of a signed checkpoint, as it was recorded.
 *
 * @throws SluiceError NOT_PROVEN with what does not hold
 *
 * @example
 * const { event } = await client.query(
 *   `query ($id: String!) { event(eventId: $id) { inclusionProof { ${INCLUSION_PROOF_FIELDS} } } }`,
 *   { id: receipt.eventId },
 * );
 * const { content } = await verifyProof(event.inclusionProof, { verifierKey, receipt });
 */
export async function verifyProof(
  proof: InclusionProof,
  { verifierKey, receipt }: VerifyOptions,
): Promise<VerifiedEvent> {
  const checkpoint = await verifyCheckpoint(proof.checkpoint.note, verifierKey);
  const { envelope, commitment, salt, content } = proof;
  if (proof.size !== checkpoint.size) {
    throw notProven(`the proof is for size ${proof.size}, the checkpoint has ${checkpoint.size}`);
  }
  if ((salt === null) !== (content === null)) {
    throw notProven('only one of salt and content is present');
  }
  if (salt !== null && content !== null) {
    const committed = await sha256(bytesOf(salt), utf8(content));
    if (bytesOf(salt).length !== 32 || !isSame(committed, bytesOf(commitment))) {
      throw notProven('the content is not the one that was recorded');
    }
  }
  const leaf = await sha256(LEAF, utf8(canonical({ commitment, envelope, version: 1 })));
  if (!isSame(leaf, bytesOf(proof.leafHash))) {
    throw notProven('the envelope is not that of the leaf');
  }
  const place = { index: proof.index, size: proof.size };
  const root = await rootByInclusion(place, leaf, proof.hashes.map(bytesOf));
  if (root === null || !isSame(root, bytesOf(checkpoint.rootHash))) {
    throw notProven('the leaf is not in the tree of the checkpoint');
  }
  return verified(envelope, content, checkpoint, receipt);
}

function verified(
  envelope: InclusionProof['envelope'],
  content: string | null,
  checkpoint: VerifiedCheckpoint,
  receipt: VerifyOptions['receipt'],
): VerifiedEvent {
  const event = envelope as Record<string, unknown> & Omit<VerifiedEvent, 'content' | 'checkpoint'>;
  if (receipt !== undefined) {
    const isIt = event.eventId === receipt.eventId && event.position === receipt.position;
    const got = `${JSON.stringify(event.eventId)} at ${event.position}`;
    const told = `${JSON.stringify(receipt.eventId)} at ${receipt.position}`;
    if (!isIt) throw notProven(`the proof is of event ${got}, the receipt of ${told}`);
  }
  const { eventId, type, position, recordedAt, occurredAt, expiresAt, door } = event;
  return {
    eventId,
    type,
    position,
    recordedAt,
    occurredAt,
    expiresAt,
    door,
    content: content === null ? null : (JSON.parse(content) as Record<string, unknown>),
    checkpoint,
  };
}

/**
 * That a key signed a checkpoint.
 *
 * @throws SluiceError NOT_PROVEN
 */
export async function verifyCheckpoint(
  note: string,
  verifierKey: string,
): Promise<VerifiedCheckpoint> {
  const [, name = '', id = '', encoded = ''] =
    /^([^\s+]+)\+([\da-f]{8})\+([\w+/]+=*)$/.exec(verifierKey.trim()) ?? [];
  const key = bytesOf(encoded);
  if (key.length !== 33 || key[0] !== 1) throw notProven('the verifier key is not an Ed25519 key');
  const keyId = (await sha256(utf8(`${name}\n`), key)).subarray(0, 4);
  if (hex(keyId) !== id) throw notProven('the verifier key is damaged: its id does not match');
  const end = note.lastIndexOf('\n\n');
  if (end === -1) throw notProven('the checkpoint is not a signed note');
  const text = note.slice(0, end + 1);
  const publicKey = await crypto.subtle.importKey('raw', key.slice(1), 'Ed25519', false, [
    'verify',
  ]);
  for (const line of note.slice(end + 2).split('\n')) {
    const [, signer, signature = ''] = /^— (\S+) (\S+)$/.exec(line) ?? [];
    const bytes = bytesOf(signature);
    if (signer !== name || hex(bytes.subarray(0, 4)) !== id) continue;
    const isValid = await crypto.subtle.verify('Ed25519', publicKey, bytes.slice(4), utf8(text));
    if (!isValid) throw notProven('the signature of the checkpoint is not valid');
    return readCheckpoint(text, name);
  }
  throw notProven(`the checkpoint is not signed by ${name}+${id}`);
}

function readCheckpoint(text: string, name: string): VerifiedCheckpoint {
  const [origin = '', size = '', rootHash = ''] = text.split('\n');
  const isCheckpoint = /^(0|[1-9]\d*)$/.test(size) && bytesOf(rootHash).length === 32;
  if (!isCheckpoint) throw notProven('the signed note is not a checkpoint');
  if (origin !== name) throw notProven(`the checkpoint is of the log ${origin}, not of ${name}`);
  return { origin, size: Number(size), rootHash };
}

/**
 * That the log of the newer checkpoint begins as that of the older one: nothing up to there was
 * changed, removed or put in.
 *
 * @param older and `newer` were verified by `verifyCheckpoint`
 * @throws SluiceError NOT_PROVEN
 */
export async function verifyConsistency(
  proof: ConsistencyProof,
  older: VerifiedCheckpoint,
  newer: VerifiedCheckpoint,
): Promise<void> {
  if (older.origin !== newer.origin) throw notProven('the checkpoints are of different logs');
  if (proof.from !== older.size || proof.to !== newer.size) {
    throw notProven('the sizes in the proof are not those of the checkpoints');
  }
  const roots = await rootsByConsistency(proof, bytesOf(older.rootHash));
  const holds =
    roots !== null &&
    isSame(roots[0], bytesOf(older.rootHash)) &&
    isSame(roots[1], bytesOf(newer.rootHash));
  if (!holds) throw notProven('the newer log does not continue the older one');
}

interface Place {
  readonly index: number;
  readonly size: number;
}

/** RFC 9162, section 2.1.3.2. Null where there are too few hashes or too many. */
async function rootByInclusion(
  { index, size }: Place,
  leaf: Bytes,
  hashes: readonly Bytes[],
): Promise<Bytes | null> {
  if (!Number.isSafeInteger(index) || index < 0 || index >= size) return null;
  let [at, last, root] = [index, size - 1, leaf];
  for (const hash of hashes) {
    if (last === 0) return null;
    if (isOdd(at) || at === last) {
      root = await node(hash, root);
      while (!isOdd(at) && at !== 0) [at, last] = [half(at), half(last)];
    } else {
      root = await node(root, hash);
    }
    [at, last] = [half(at), half(last)];
  }
  return last === 0 ? root : null;
}

/** RFC 9162, section 2.1.4.2: the roots of both trees. Null where the proof is of another form. */
async function rootsByConsistency(
  { from, to, hashes: encoded }: ConsistencyProof,
  olderRoot: Bytes,
): Promise<[Bytes, Bytes] | null> {
  if (!Number.isSafeInteger(to) || !(from >= 1) || from > to) return null;
  if (from === to) return encoded.length === 0 ? [olderRoot, olderRoot] : null;
  const hashes = encoded.map(bytesOf);
  // A whole subtree stands in the proof as its root, which is known.
  if (isPowerOfTwo(from)) hashes.unshift(olderRoot);
  let [at, last] = [from - 1, to - 1];
  while (isOdd(at)) [at, last] = [half(at), half(last)];
  const first = hashes.shift();
  if (first === undefined) return null;
  let [older, newer] = [first, first];
  for (const hash of hashes) {
    if (last === 0) return null;
    if (isOdd(at) || at === last) {
      [older, newer] = [await node(hash, older), await node(hash, newer)];
      while (!isOdd(at) && at !== 0) [at, last] = [half(at), half(last)];
    } else {
      newer = await node(newer, hash);
    }
    [at, last] = [half(at), half(last)];
  }
  return last === 0 ? [older, newer] : null;
}

const LEAF = new Uint8Array([0]);
const NODE = new Uint8Array([1]);

function node(left: Bytes, right: Bytes): Promise<Bytes> {
  return sha256(NODE, left, right);
}

function isPowerOfTwo(value: number): boolean {
  let rest = value;
  while (rest > 1 && !isOdd(rest)) rest /= 2;
  return rest === 1;
}

/** Numbers beyond 32 bits are none for the operators of bits. */
function isOdd(value: number): boolean {
  return value % 2 === 1;
}

function half(value: number): number {
  return Math.floor(value / 2);
}

async function sha256(...parts: readonly Bytes[]): Promise<Bytes> {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
}

/** RFC 8785 of what an envelope holds: objects, texts, whole numbers, null. */
function canonical(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${canonical(member)}`).join(',')}}`;
}

/** None for what is no base64, or not in its one form. */
function bytesOf(base64: string): Bytes {
  try {
    const binary = atob(base64);
    if (btoa(binary) !== base64) return new Uint8Array();
    return Uint8Array.from(binary, character => character.charCodeAt(0));
  } catch {
    return new Uint8Array();
  }
}

function utf8(text: string): Bytes {
  return new TextEncoder().encode(text) as Bytes;
}

function hex(bytes: Bytes): string {
  return [...bytes].map(byte => byte.toString(16).padStart(2, '0')).join('');
}

function isSame(a: Bytes, b: Bytes): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}

function notProven(why: string): SluiceError {
  return new SluiceError('NOT_PROVEN', `Not proven: ${why}.`);
}
