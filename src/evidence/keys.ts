/**
 * The keys that sign checkpoints. One is made at the first start and kept in the database, or it is
 * a setting. A key that was replaced stays known, so that what it signed can be verified.
 */
import { randomBytes } from 'node:crypto';
import {
  SEED_BYTES,
  signingKeyOf,
  signNote,
  textOfTreeHead,
  verifierKeyOf,
  type SigningKey,
  type TreeHead,
} from '../core/signed-note.ts';
import { columnsOf, sqlText } from '../db/columns.ts';
import type { Connection } from '../db/connection.ts';
import { evidenceKeys } from '../db/schema.ts';
import { base64Sql, fromBase64 } from './leaf-rows.ts';

const KEY = columnsOf(evidenceKeys);

export interface SignedTreeHead {
  /** The checkpoint as a signed note. */
  readonly note: string;
  readonly verifierKey: string;
}

export type SignTreeHead = (head: TreeHead) => Promise<SignedTreeHead>;

/** How long a gateway goes on with a key that was replaced. */
const KEPT_MS = 5_000;

/** Makes a key where there is none. Null is the seed of a setting that is not set. */
export async function ensureEvidenceKey(write: Connection, seed: Buffer | null): Promise<void> {
  if (seed !== null) {
    await addKey(write, { publicKey: signingKeyOf(seed).publicKey, seed: null });
  } else if ((await newestSeed(write)) === null) {
    // Where two gateways start at once, the later key is the one that signs.
    await rotateEvidenceKey(write);
  }
}

/** Makes a new key that signs from now on, and returns it. */
export async function rotateEvidenceKey(write: Connection): Promise<SigningKey> {
  const seed = randomBytes(SEED_BYTES);
  const key = signingKeyOf(seed);
  await addKey(write, { publicKey: key.publicKey, seed });
  return key;
}

async function addKey(
  write: Connection,
  { publicKey, seed }: { readonly publicKey: Buffer; readonly seed: Buffer | null },
): Promise<void> {
  await write.query(
    sqlText`insert into evidence_keys (${KEY.public_key}, ${KEY.seed})
     values (decode($1, 'base64'), decode($2, 'base64')) on conflict (${KEY.public_key}) do nothing`,
    [publicKey.toString('base64'), seed?.toString('base64') ?? null],
  );
}

async function newestSeed(read: Connection): Promise<Buffer | null> {
  const [row] = await read.query<{ seed: string }>(
    sqlText`select ${base64Sql(KEY.seed)} as seed from evidence_keys
     where ${KEY.seed} is not null order by ${KEY.id} desc limit 1`,
  );
  return row === undefined ? null : fromBase64(row.seed);
}

/** Every key that ever signed here, the newest first; 32 bytes each. */
export async function readPublicKeys(read: Connection): Promise<Buffer[]> {
  const rows = await read.query<{ key: string }>(
    sqlText`select ${base64Sql(KEY.public_key)} as key from evidence_keys order by ${KEY.id} desc`,
  );
  return rows.map(({ key }) => fromBase64(key));
}

/** Signs with the key of the setting, else with the newest in the database. */
export function createSigner(
  read: Connection,
  seed: Buffer | null,
  nowMs: () => number,
): SignTreeHead {
  const given = seed === null ? null : signingKeyOf(seed);
  let known: { readonly key: SigningKey; readonly untilMs: number } | null = null;
  return async head => {
    if (given !== null) return signed(head, given);
    if (known === null || known.untilMs < nowMs()) {
      const newest = await newestSeed(read);
      if (newest === null) throw new Error('there is no key that signs checkpoints');
      known = { key: signingKeyOf(newest), untilMs: nowMs() + KEPT_MS };
    }
    return signed(head, known.key);
  };
}

function signed(head: TreeHead, key: SigningKey): SignedTreeHead {
  return {
    note: signNote(textOfTreeHead(head), head.origin, key),
    verifierKey: verifierKeyOf(head.origin, key.publicKey),
  };
}
