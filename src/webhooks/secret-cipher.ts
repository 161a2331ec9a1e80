/**
 * Seals what the gateway must know again and nobody may read beside it: secrets of webhooks and
 * addresses of notifications, as the tokens of doors are sealed. The key is in the database: whoever has all of it can open them.
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

/**
 * @param sealingKey of the installation
 * @param purpose what is sealed for one is not opened for another
 */
export function createSecretCipher(
  sealingKey: Buffer,
  purpose: 'webhooks' | 'notifications',
): SecretCipher {
  const key = createHmac('sha256', sealingKey).update(purpose).digest();
  return {
    seal(workspaceId, text) {
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv(CIPHER, key, iv).setAAD(Buffer.from(String(workspaceId)));
      const sealed = [iv, cipher.update(text, 'utf8'), cipher.final()];
      return Buffer.concat([...sealed, cipher.getAuthTag()]).toString('base64url');
    },
    open(workspaceId, sealed) {
      const bytes = Buffer.from(sealed, 'base64url');
      const options = { authTagLength: TAG_BYTES };
      const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, IV_BYTES), options)
        .setAAD(Buffer.from(String(workspaceId)))
        .setAuthTag(bytes.subarray(-TAG_BYTES));
      const opened = decipher.update(bytes.subarray(IV_BYTES, -TAG_BYTES));
      return Buffer.concat([opened, decipher.final()]).toString('utf8');
    },
  };
}
