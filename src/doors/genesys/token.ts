/**
 * Access tokens of the client credentials grant. A token is the key's own secret and an end of
 * its life, sealed (AES-256-GCM) with a secret of the installation: opening it gives the key
 * back, which is then authenticated as always. So a token works at every gateway on the database
 * and never outlives its key (one that is revoked or expires ends its tokens within seconds),
 * nothing is stored, and whoever sees a token learns no key. Whoever reads the database can forge
 * none, since it has only hashes of keys. What was weighed and left: a row for each token piles
 * up; a key's id signed with the secret could be forged by a reader of the database.
 */
import { open, seal } from '../../security/secret-cipher.ts';
import type { DoorRequest } from '../door.ts';
import { basicOf } from '../request.ts';

export interface Tokens {
  readonly validS: number;
  seal(secret: string): string;
  /** The key of a token; null for one that has expired or is none of ours. */
  open(token: string): string | null;
}

/** As long as the vendor's by default. */
const VALID_S = 86_400;
const PREFIX = 'sluice-token.';
const TIME_BYTES = 8;

export function isToken(text: string): boolean {
  return text.startsWith(PREFIX);
}

/** @param sealing 32 bytes */
export function createTokens(nowMs: () => number, sealing: Buffer): Tokens {
  return {
    validS: VALID_S,
    seal(secret) {
      const until = Buffer.alloc(TIME_BYTES);
      until.writeBigUInt64BE(BigInt(nowMs() + VALID_S * 1_000));
      return PREFIX + seal(sealing, Buffer.concat([until, Buffer.from(secret)]));
    },
    open(token) {
      const plain = isToken(token) ? open(sealing, token.slice(PREFIX.length)) : null;
      if (plain === null || plain.length < TIME_BYTES) return null;
      if (plain.readBigUInt64BE() <= BigInt(nowMs())) return null;
      return plain.toString('utf8', TIME_BYTES);
    },
  };
}

/**
 * The key that Basic client credentials mean: the client id is the key's prefix, the client
 * secret the key, whole or what follows its prefix. Null where the header is none.
 */
export function clientKey(request: Pick<DoorRequest, 'headers'>): string | null {
  const decoded = basicOf(request);
  if (decoded === null) return null;
  const colon = decoded.indexOf(':');
  if (colon === -1) return '';
  // A kept credential's prefix is shown with an ellipsis.
  const id = decoded.slice(0, colon).replace(/…$/u, '');
  const secret = decoded.slice(colon + 1);
  if (id === '') return '';
  if (secret.startsWith(id)) return secret;
  return /^slc_[0-9a-f]{8}$/.test(id) && secret !== '' ? `${id}_${secret}` : '';
}
