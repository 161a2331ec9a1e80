/**
 * Secrets of keys: `slc_<prefix>_<secret>` with 256 bits of randomness, or a credential that a client
 * already has.
 */
import { hash, randomBytes } from 'node:crypto';
import { isExampleSecret } from '../core/api-key.ts';
import { GatewayError } from '../core/errors.ts';
import { LIMITS } from '../core/limits.ts';
import { isStorableText } from '../core/text.ts';

export function hashSecret(secret: string): string {
  return hash('sha256', secret, 'hex');
}

export function mintSecret(): string {
  return `slc_${randomBytes(4).toString('hex')}_${randomBytes(32).toString('base64url')}`;
}

/** Of a made key the part before its secret; of a kept one no more than a quarter. */
export function prefixOf(secret: string): string {
  const made = /^slc_[0-9a-f]{8}(?=_)/.exec(secret);
  return made?.[0] ?? `${secret.slice(0, Math.min(4, Math.floor(secret.length / 4)))}…`;
}

/** @throws GatewayError BAD_USER_INPUT */
export function checkKept(secret: string, allowWeak: boolean): void {
  const { keptSecretCharsMin, keptSecretCharsMax } = LIMITS;
  const min = allowWeak ? 1 : keptSecretCharsMin;
  if (secret.length < min || secret.length > keptSecretCharsMax) {
    const message = `A secret expects ${min} to ${keptSecretCharsMax} characters, but got ${secret.length}.`;
    throw new GatewayError('BAD_USER_INPUT', message);
  }
  if (isExampleSecret(secret)) {
    const message = 'This secret is an example from documentation, so everybody knows it.';
    throw new GatewayError('BAD_USER_INPUT', message);
  }
  if (!isStorableText(secret) || secret.trim() !== secret) {
    const message = 'A secret must not have U+0000, or white space at its ends.';
    throw new GatewayError('BAD_USER_INPUT', message);
  }
}
