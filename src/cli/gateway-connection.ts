import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createClient, SluiceError, type SluiceClient } from '../client/index.ts';
import { endpointOf } from '../client/transport.ts';
import { UsageError } from './errors.ts';
import type { ConnectionOptions } from './options.ts';
import { tell } from './output.ts';
import { DEFAULT_PROFILE, readProfiles, type Profile } from './profiles.ts';
import { suggestion } from './similar-names.ts';

export interface GatewayConnection {
  readonly url: string;
  readonly key: string;
}

/**
 * Address and key. Each comes from its option, else from the named profile, else from `SLUICE_URL`
 * and `SLUICE_KEY`, else from the gateway of this folder, else from the profile `default`. A key of a
 * profile is sent only to its own address. Warns once if a key is sent over the network unencrypted.
 */
export function connectionFrom(options: ConnectionOptions): GatewayConnection {
  const named = namedProfile(options);
  const given = {
    url: options.url ?? named?.url ?? process.env['SLUICE_URL'],
    key: givenKey(options) ?? named?.key ?? process.env['SLUICE_KEY'],
  };
  if (named !== null && options.url !== undefined && given.key === named.key) {
    throw new UsageError('--url together with --profile needs a key of its own: add --key-file.');
  }
  const isOpen = given.url === undefined && given.key === undefined && keptAdminKey() === null;
  const kept = isOpen ? readProfiles()[DEFAULT_PROFILE] : undefined;
  const url = given.url ?? kept?.url ?? keptAddress() ?? 'http://127.0.0.1:4000';
  const key = given.key ?? kept?.key ?? keptAdminKey();
  if (key === null) {
    throw new UsageError('A key is needed: run sluice login, set SLUICE_KEY, or use --key-file.');
  }
  // Fails at once if it is not an address.
  endpointOf(url);
  if (isInTheClear(url) && !hasWarned) {
    hasWarned = true;
    const host = new URL(url).host;
    tell(
      `warning: the key is sent to ${host} unencrypted, so anybody on the network path ` +
        'can read it. Use https.',
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
  const address = new URL(url);
  return address.protocol === 'http:' && !isOfThisMachine(address);
}

function isOfThisMachine({ hostname }: URL): boolean {
  return /^(localhost|.+\.localhost|127(\.\d{1,3}){3}|\[::1\])$/i.test(hostname);
}

/** @throws UsageError where the file can't be read, or holds no key */
function givenKey({ key, keyFile }: ConnectionOptions): string | undefined {
  return keyFile === undefined ? key : keyIn(keyFile);
}

/** @throws UsageError where the file can't be read, or holds no key */
export function keyIn(keyFile: string): string {
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

/** @throws UsageError where there is no such profile */
function namedProfile({ profile }: ConnectionOptions): Profile | null {
  const name = profile ?? process.env['SLUICE_PROFILE'];
  if (name === undefined || name === '') return null;
  const profiles = readProfiles();
  const found = Object.hasOwn(profiles, name) ? profiles[name] : undefined;
  if (found !== undefined) return found;
  const near = suggestion(name, Object.keys(profiles));
  throw new UsageError(
    `There is no profile ${JSON.stringify(name)}${near || '.'} Use sluice login.`,
  );
}

function keptAdminKey(): string | null {
  return keptIn('admin-key');
}

/**
 * Where the gateway of this folder was last started. Only an address of this machine counts:
 * otherwise the writer of the folder could have a key sent elsewhere.
 */
function keptAddress(): string | null {
  const address = keptIn(ADDRESS_FILE);
  return address !== null && URL.canParse(address) && isOfThisMachine(new URL(address))
    ? address
    : null;
}

/** In the data folder: the address that the gateway listens at. */
export const ADDRESS_FILE = 'address';

function keptIn(name: string): string | null {
  try {
    const dataDir = process.env['SLUICE_DATA_DIR'] ?? '.sluice';
    return readFileSync(join(dataDir, name), 'utf8').trim();
  } catch {
    return null;
  }
}

const WORKSPACES = '{ workspaces(first: 1000) { nodes { slug } } }';

/** Runs a command that calls a gateway. If its workspace does not exist, the error lists those that do. */
export async function atGateway<T>(options: ConnectionOptions, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw (await aboutWorkspace(error, options)) ?? error;
  }
}

async function aboutWorkspace(error: unknown, options: ConnectionOptions) {
  const { workspace } = options;
  if (!(error instanceof SluiceError)) return null;
  if (error.code === 'WORKSPACE_REQUIRED') {
    return new SluiceError(error.code, `${error.message} Use --workspace.`);
  }
  if (error.code !== 'NOT_FOUND') return null;
  if (workspace === undefined || !error.message.includes('workspace')) return null;
  try {
    const { workspaces } = await clientFrom(options).query<{
      workspaces: { nodes: { slug: string }[] };
    }>(WORKSPACES);
    const slugs = workspaces.nodes.map(({ slug }) => slug);
    const near = suggestion(workspace, slugs) || `: there are ${slugs.slice(0, 10).join(', ')}.`;
    const message = `There is no workspace ${JSON.stringify(workspace)} for this key${near}`;
    return new SluiceError('NOT_FOUND', message);
  } catch {
    return null;
  }
}
