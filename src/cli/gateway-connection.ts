import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createClient, type SluiceClient } from '../client/index.ts';
import { endpointOf } from '../client/transport.ts';
import { UsageError } from './errors.ts';
import type { ConnectionOptions } from './options.ts';

export interface GatewayConnection {
  readonly url: string;
  readonly key: string;
}

/** By option, else `SLUICE_URL` and `SLUICE_KEY`, else the gateway of this folder. */
export function connectionFrom(options: ConnectionOptions): GatewayConnection {
  const url = options.url ?? process.env['SLUICE_URL'] ?? 'http://127.0.0.1:4000';
  const key = options.key ?? process.env['SLUICE_KEY'] ?? keptAdminKey();
  if (key === null) throw new UsageError('A key is needed: set SLUICE_KEY, or use --key.');
  // Says at once where it is no address.
  endpointOf(url);
  return { url: url.replace(/\/+$/, ''), key };
}

export function clientFrom(options: ConnectionOptions): SluiceClient {
  const { workspace } = options;
  return createClient({
    ...connectionFrom(options),
    ...(workspace !== undefined && { workspace }),
  });
}

function keptAdminKey(): string | null {
  try {
    const dataDir = process.env['SLUICE_DATA_DIR'] ?? '.sluice';
    return readFileSync(join(dataDir, 'admin-key'), 'utf8').trim();
  } catch {
    return null;
  }
}
