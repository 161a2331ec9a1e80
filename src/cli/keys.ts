import { SluiceError } from '../client/index.ts';
import { UsageError } from './errors.ts';
import { atGateway, clientFrom } from './gateway-connection.ts';
import type { ConnectionOptions } from './options.ts';
import {
  isForPeople,
  printable,
  table,
  tell,
  write,
  writeLine,
  type OutputOptions,
} from './output.ts';
import { PAGE_INFO, readAll } from './pages.ts';

interface ApiKey {
  readonly id: string;
  readonly name: string;
  readonly prefix: string;
  readonly scopes: readonly string[];
  readonly workspace: { readonly slug: string } | null;
  readonly createdAt: string;
  readonly lastUsedAt: string | null;
  readonly expiresAt: string | null;
  readonly revokedAt: string | null;
  readonly addresses: readonly string[] | null;
  readonly eventsPerDay: number | null;
  readonly eventsPerMonth: number | null;
  readonly usage: { readonly today: number; readonly thisMonth: number };
  /** Null: the gateway, or a key that this one may not see. */
  readonly createdBy: { readonly prefix: string } | null;
}

const FIELDS =
  'id name prefix scopes workspace { slug } createdAt lastUsedAt expiresAt revokedAt addresses ' +
  'eventsPerDay eventsPerMonth usage { today thisMonth } createdBy { prefix }';

const LIST = `query ($after: String) {
  apiKeys(first: 1000, after: $after) { nodes { ${FIELDS} } ${PAGE_INFO} }
}`;
const CREATE = `mutation ($input: CreateApiKeyInput!) {
  createApiKey(input: $input) { secret apiKey { ${FIELDS} } }
}`;
const UPDATE = `mutation ($input: UpdateApiKeyInput!) {
  updateApiKey(input: $input) { apiKey { ${FIELDS} } }
}`;
const ROTATE = `mutation ($input: RotateApiKeyInput!) {
  rotateApiKey(input: $input) { secret previousStopsAt apiKey { ${FIELDS} } }
}`;
const REVOKE = `mutation ($id: ID!, $force: Boolean!) {
  revokeApiKey(input: { id: $id, force: $force }) { apiKey { ${FIELDS} } }
}`;

type Options = ConnectionOptions & OutputOptions;

interface QuotaOptions {
  /** False: any number. */
  readonly eventsPerDay?: number | false;
  readonly eventsPerMonth?: number | false;
}

export type UpdateKeyOptions = Options & QuotaOptions;

export interface CreateKeyOptions extends Options, QuotaOptions {
  readonly scope: readonly string[];
  readonly expires?: string;
  readonly address?: readonly string[];
}

export interface RevokeKeyOptions extends Options {
  readonly force?: boolean;
}

export interface RotateKeyOptions extends Options {
  readonly overlap?: string;
}

/** For programs the secret is in the line; for people the only thing on standard output. */
export async function createKey(name: string, options: CreateKeyOptions): Promise<void> {
  const { workspace, scope, expires, address } = options;
  const input = {
    name,
    workspace,
    scopes: scope,
    expiresAt: expires,
    addresses: address,
    ...quotaOf(options),
  };
  const { createApiKey } = await atGateway(options, () =>
    clientFrom(options).query<{ createApiKey: { secret: string; apiKey: ApiKey } }>(CREATE, {
      input,
    }),
  );
  const { secret, apiKey } = createApiKey;
  if (!isForPeople(options)) return writeLine({ ...apiKey, secret });
  tell('This is the key. It is shown only once:');
  await write(`${secret}\n`);
}

/** What is left out stays as it is. */
function quotaOf({ eventsPerDay, eventsPerMonth }: QuotaOptions) {
  return {
    eventsPerDay: eventsPerDay === false ? null : eventsPerDay,
    eventsPerMonth: eventsPerMonth === false ? null : eventsPerMonth,
  };
}

/** Changes the quotas of a key. */
export async function updateKey(which: string, options: UpdateKeyOptions): Promise<void> {
  const quota = quotaOf(options);
  if (Object.values(quota).every(value => value === undefined)) {
    throw new UsageError('Nothing is to be changed: give --events-per-day or --events-per-month.');
  }
  const { id } = await findKey(which, options);
  const { updateApiKey } = await clientFrom(options).query<{ updateApiKey: { apiKey: ApiKey } }>(
    UPDATE,
    { input: { id, ...quota } },
  );
  const { apiKey } = updateApiKey;
  if (!isForPeople(options)) return writeLine(apiKey);
  const { prefix, name, eventsPerDay, eventsPerMonth } = apiKey;
  const limits = `${eventsOf(eventsPerDay)} a day and ${eventsOf(eventsPerMonth)} a month`;
  await write(`${printable(`The key ${prefix} (${name}) may record ${limits}.`)}\n`);
}

function eventsOf(limit: number | null): string {
  return limit === null ? 'any number of events' : `${limit.toLocaleString('en')} events`;
}

export async function listKeys(options: Options): Promise<void> {
  const keys = await atGateway(options, () => readKeys(options));
  if (!isForPeople(options)) {
    for (const key of keys) await writeLine(key);
    return;
  }
  const headings = [
    ...['KEY', 'NAME', 'SCOPES', 'WORKSPACE', 'MADE BY', 'LAST USED'],
    ...['TODAY', 'THIS MONTH', 'STATE'],
  ];
  const rows = keys.map(key => [
    key.prefix,
    key.name,
    key.scopes.join(' '),
    key.workspace?.slug ?? 'every',
    key.createdBy?.prefix ?? '–',
    key.lastUsedAt ?? 'never',
    usageOf(key.usage.today, key.eventsPerDay),
    usageOf(key.usage.thisMonth, key.eventsPerMonth),
    stateOf(key),
  ]);
  await write(keys.length === 0 ? 'There are no keys.\n' : table(headings, rows));
}

/** Makes a key in the place of another, which ends after the overlap. */
export async function rotateKey(which: string, options: RotateKeyOptions): Promise<void> {
  const { id, prefix } = await findKey(which, options);
  const input = { id, overlap: options.overlap };
  const { rotateApiKey } = await clientFrom(options).query<{
    rotateApiKey: { secret: string; previousStopsAt: string; apiKey: ApiKey };
  }>(ROTATE, { input });
  const { secret, previousStopsAt, apiKey } = rotateApiKey;
  if (!isForPeople(options)) return writeLine({ ...apiKey, secret, previousStopsAt });
  tell(
    `The key ${prefix} remains valid until ${previousStopsAt}. This is the new key. It is shown only once:`,
  );
  await write(`${secret}\n`);
}

export async function revokeKey(which: string, options: RevokeKeyOptions): Promise<void> {
  const key = await findKey(which, options);
  const { revokeApiKey } = await revoke(key, options);
  if (!isForPeople(options)) return writeLine(revokeApiKey.apiKey);
  await write(`${printable(`The key ${key.prefix} (${key.name}) is revoked.`)}\n`);
}

async function revoke({ id }: ApiKey, options: RevokeKeyOptions) {
  const { force = false } = options;
  try {
    return await clientFrom(options).query<{ revokeApiKey: { apiKey: ApiKey } }>(REVOKE, {
      id,
      force,
    });
  } catch (error) {
    if (!(error instanceof SluiceError) || error.code !== 'FORCE_REQUIRED') throw error;
    throw new SluiceError(error.code, `${error.message} Use --force.`);
  }
}

/** By id, or by the beginning that the list shows. */
async function findKey(which: string, options: Options): Promise<ApiKey> {
  const keys = await atGateway(options, () => readKeys(options));
  const found = keys.filter(({ id, prefix }) => id === which || prefix === which);
  const [key] = found;
  if (key !== undefined && found.length === 1) return key;
  const message = `There is no key ${JSON.stringify(which)}: see "sluice keys list".`;
  throw new SluiceError('NOT_FOUND', message);
}

async function readKeys(options: Options): Promise<ApiKey[]> {
  const keys: ApiKey[] = [];
  for await (const key of readAll<ApiKey>(clientFrom(options), LIST)) keys.push(key);
  return keys;
}

function usageOf(recorded: number, limit: number | null): string {
  const events = recorded.toLocaleString('en');
  return limit === null ? events : `${events} of ${limit.toLocaleString('en')}`;
}

function stateOf({ revokedAt, expiresAt }: ApiKey): string {
  if (revokedAt !== null) return 'revoked';
  if (expiresAt === null) return 'valid';
  return Date.parse(expiresAt) > Date.now() ? `until ${expiresAt}` : 'expired';
}
