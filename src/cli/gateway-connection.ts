import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createClient, type SluiceClient } from '../client/index.ts';
import { endpointOf } from '../client/transport.ts';
import { UsageError } from './errors.ts';
import type { ConnectionOptions } from './options.ts';
import { tell } from './output.ts';

export interface GatewayConnection {
  readonly url: string;
  readonly key: string;
}

/**
 * By option, else `SLUICE_URL` and `SLUICE_KEY`, else the gateway of this folder. Warns once of a
 * key that goes over the network in the clear.
 */
export function connectionFrom(options: ConnectionOptions): GatewayConnection {
  const url = options.url ?? process.env['SLUICE_URL'] ?? 'http://127.0.0.1:4000';
  const key = givenKey(options) ?? process.env['SLUICE_KEY'] ?? keptAdminKey();
  if (key === null) throw new UsageError('A key is needed: set SLUICE_KEY, or use --key-file.');
  // Says at once where it is no address.
  endpointOf(url);
  if (isInTheClear(url) && !hasWarned) {
    hasWarned = true;
    const host = new URL(url).host;
    tell(
      `warning: the key is sent to ${host} unencrypted, so anybody on the way can read it. Use https.`,
    );
  }
  return { url: url.replace(/\/+$/, ''), key };
}

export function clientFrom(options: ConnectionOptions): SluiceClient {
  const { workspace } = options;
  return createClient({
    ...connectionFrom(options),
    ...(workspace !== undefined && { workspace }),
  });
}

let hasWarned = false;

/** Whether it is plain HTTP to another machine. */
export function isInTheClear(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  if (protocol !== 'http:') return false;
  return !/^(localhost|.+\.localhost|127(\.\d{1,3}){3}|\[::1\])$/i.test(hostname);
}

/** @throws UsageError where the file can't be read, or holds no key */
function givenKey({ key, keyFile }: ConnectionOptions): string | undefined {
  if (keyFile === undefined) return key;
  let text: string;
  try {
    text = readFileSync(keyFile, 'utf8').trim();
  } catch (error) {
    const { code = 'an error' } = error as NodeJS.ErrnoException;
    throw new UsageError(`--key-file expects a file that can be read: ${keyFile} (${code}).`);
  }
  if (text === '' || /\s/.test(text)) {
    throw new UsageError(
      `--key-file expects a file that holds a key and nothing else: ${keyFile}.`,
    );
  }
  return text;
}

function keptAdminKey(): string | null {
  try {
    const dataDir = process.env['SLUICE_DATA_DIR'] ?? '.sluice';
    return readFileSync(join(dataDir, 'admin-key'), 'utf8').trim();
  } catch {
    return null;
  }
}
