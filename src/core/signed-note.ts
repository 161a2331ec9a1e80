/**
 * Signed notes and the checkpoints of logs in them, as C2SP describes them (signed-note,
 * tlog-checkpoint). Signatures are Ed25519.
 */
import { createPrivateKey, createPublicKey, sign, verify, type KeyObject } from 'node:crypto';
import { HASH_BYTES, sha256 } from './merkle.ts';

/** What a checkpoint says of a log. */
export interface TreeHead {
  /** The name of the log, without white space and plus signs. */
  readonly origin: string;
  /** Leaves of the tree. */
  readonly size: number;
  readonly root: Buffer;
}

export const SEED_BYTES = 32;
/** Of an Ed25519 key in PKCS #8 (RFC 8410), before its seed. */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
/** Of an Ed25519 key in SPKI, before its 32 bytes. */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');
const ED25519 = Buffer.from([1]);

export interface SigningKey {
  readonly privateKey: KeyObject;
  /** 32 bytes, as RFC 8032 has them. */
  readonly publicKey: Buffer;
}

export function signingKeyOf(seed: Buffer): SigningKey {
  const key = Buffer.concat([PKCS8_PREFIX, seed]);
  const privateKey = createPrivateKey({ key, format: 'der', type: 'pkcs8' });
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  return { privateKey, publicKey: spki.subarray(SPKI_PREFIX.length) };
}

/** The first four bytes of a signature: which key of which name made it. */
export function keyIdOf(name: string, publicKey: Buffer): Buffer {
  return sha256(Buffer.concat([Buffer.from(`${name}\n`), ED25519, publicKey])).subarray(0, 4);
}

/** `<name>+<key id in hex>+<base64 of the algorithm and the key>`: what a verifier keeps of a key. */
export function verifierKeyOf(name: string, publicKey: Buffer): string {
  const key = Buffer.concat([ED25519, publicKey]).toString('base64');
  return `${name}+${keyIdOf(name, publicKey).toString('hex')}+${key}`;
}

export interface VerifierKey {
  readonly name: string;
  readonly publicKey: Buffer;
}

/** Null for what is no verifier key of Ed25519. */
export function readVerifierKey(text: string): VerifierKey | null {
  const [, name = '', id = '', encoded = ''] =
    /^([^\s+]+)\+([\da-f]{8})\+([\w+/]+=*)$/.exec(text.trim()) ?? [];
  const key = Buffer.from(encoded, 'base64');
  if (key.length !== 33 || key[0] !== ED25519[0]) return null;
  const publicKey = key.subarray(1);
  return keyIdOf(name, publicKey).toString('hex') === id ? { name, publicKey } : null;
}

/** The text of a checkpoint, which is signed. */
export function textOfTreeHead({ origin, size, root }: TreeHead): string {
  return `${origin}\n${size}\n${root.toString('base64')}\n`;
}

/** A note: the text, and one signature of the key by that name. */
export function signNote(text: string, name: string, key: SigningKey): string {
  const signature = sign(null, Buffer.from(text), key.privateKey);
  const line = Buffer.concat([keyIdOf(name, key.publicKey), signature]).toString('base64');
  return `${text}\n— ${name} ${line}\n`;
}

export interface NoteSignature {
  readonly name: string;
  readonly keyId: Buffer;
  readonly signature: Buffer;
}

export interface SignedNote {
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

/** A note may have so many characters: signatures of witnesses are long. */
export const NOTE_CHARS_MAX = 100_000;
const SIGNATURE_LINE = /^— ([^\s+]+) ([\w+/]+=*)$/;

/** Null for what is no signed note. Nothing of it is verified. */
export function readNote(note: string): SignedNote | null {
  // The last empty line is where the signatures begin.
  const end = note.lastIndexOf('\n\n');
  if (end === -1 || note.length > NOTE_CHARS_MAX || !note.endsWith('\n')) return null;
  const signatures: NoteSignature[] = [];
  for (const line of note.slice(end + 2, -1).split('\n')) {
    const [, name, encoded = ''] = SIGNATURE_LINE.exec(line) ?? [];
    const bytes = Buffer.from(encoded, 'base64');
    if (name === undefined || bytes.length < 5) return null;
    signatures.push({ name, keyId: bytes.subarray(0, 4), signature: bytes.subarray(4) });
  }
  return { text: note.slice(0, end + 1), signatures };
}

/** What a checkpoint says, whoever signed it; null where the text is none. */
export function readTreeHead(text: string): TreeHead | null {
  const [origin = '', size = '', encoded = ''] = text.split('\n');
  const root = Buffer.from(encoded, 'base64');
  const isSize = /^(0|[1-9]\d*)$/.test(size) && Number.isSafeInteger(Number(size));
  if (origin === '' || !isSize || root.length !== HASH_BYTES) return null;
  return root.toString('base64') === encoded ? { origin, size: Number(size), root } : null;
}

/** Whether the key signed the note. */
export function isSignedBy({ text, signatures }: SignedNote, key: VerifierKey): boolean {
  const id = keyIdOf(key.name, key.publicKey);
  const spki = Buffer.concat([SPKI_PREFIX, key.publicKey]);
  const publicKey = createPublicKey({ key: spki, format: 'der', type: 'spki' });
  return signatures.some(
    ({ name, keyId, signature }) =>
      name === key.name &&
      keyId.equals(id) &&
      verify(null, Buffer.from(text), publicKey, signature),
  );
}
