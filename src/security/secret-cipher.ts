/**
 * Seals what the gateway must know again and nobody may read beside it (AES-256-GCM): secrets of
 * webhooks, addresses of notifications, tokens of doors. The key is in the database: whoever has
 * all of it can open them.
 */
import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';

export interface SecretCipher {
  seal(workspaceId: number, text: string): string;
  /** @throws Error for what was not sealed for the workspace */
  open(workspaceId: number, sealed: string): string;
}

const CIPHER = 'aes-256-gcm';
const IV_BYTES = 12;
const TAG_BYTES = 16;
const NOTHING = Buffer.alloc(0);

/**
 * The sealed bytes in base64url.
 * @param context must be given again to open them
 */
export function seal(key: Buffer, plain: Buffer, context = NOTHING): string {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv(CIPHER, key, iv).setAAD(context);
  const sealed = [iv, cipher.update(plain), cipher.final()];
  return Buffer.concat([...sealed, cipher.getAuthTag()]).toString('base64url');
}

/** Null for what was not sealed with this key and context. */
export function open(key: Buffer, sealed: string, context = NOTHING): Buffer | null {
  const bytes = Buffer.from(sealed, 'base64url');
  if (bytes.length < IV_BYTES + TAG_BYTES) return null;
  const options = { authTagLength: TAG_BYTES };
  const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, IV_BYTES), options)
    .setAAD(context)
    .setAuthTag(bytes.subarray(-TAG_BYTES));
  try {
    return Buffer.concat([decipher.update(bytes.subarray(IV_BYTES, -TAG_BYTES)), decipher.final()]);
  } catch {
    return null;
  }
}

/**
 * @param sealingKey of the installation
 * @param purpose what is sealed for one is not opened for another
 */
export function createSecretCipher(
  sealingKey: Buffer,
  purpose: 'webhooks' | 'notifications',
): SecretCipher {
  const key = createHmac('sha256', sealingKey).update(purpose).digest();
  const contextOf = (workspaceId: number) => Buffer.from(String(workspaceId));
  return {
    seal: (workspaceId, text) => seal(key, Buffer.from(text), contextOf(workspaceId)),
    open(workspaceId, sealed) {
      const plain = open(key, sealed, contextOf(workspaceId));
      if (plain === null) throw new Error('This was not sealed for the workspace.');
      return plain.toString('utf8');
    },
  };
}
