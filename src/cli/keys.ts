import { SluiceError } from '../client/index.ts';
import { atGateway } from './gateway-command.ts';
import { clientFrom } from './gateway-connection.ts';
import type { ConnectionOptions } from './options.ts';
import { isForPeople, table, write, writeLine, type OutputOptions } from './output.ts';

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
}

const FIELDS =
  'id name prefix scopes workspace { slug } createdAt lastUsedAt expiresAt revokedAt' as const;

const LIST = `query ($after: String) {
  apiKeys(first: 1000, after: $after) { nodes { ${FIELDS} } pageInfo { hasNextPage endCursor } }
}`;
const CREATE = `mutation ($input: CreateApiKeyInput!) {
  createApiKey(input: $input) { secret apiKey { ${FIELDS} } }
}`;
const REVOKE = `mutation ($id: ID!) { revokeApiKey(input: { id: $id }) { apiKey { ${FIELDS} } } }`;

type Options = ConnectionOptions & OutputOptions;

export interface CreateKeyOptions extends Options {
  readonly scope: readonly string[];
  readonly expires?: string;
}

export const SCOPES = ['EVENTS_WRITE', 'EVENTS_READ', 'DEFINITIONS_WRITE', 'ADMIN'] as const;

/** For programs the secret is in the line; for people the only thing on standard output. */
export async function createKey(name: string, options: CreateKeyOptions): Promise<void> {
  const { workspace, scope, expires } = options;
  const input = { name, scopes: scope, workspace, expiresAt: expires };
  const { createApiKey } = await atGateway(options, () =>
    clientFrom(options).query<{ createApiKey: { secret: string; apiKey: ApiKey } }>(CREATE, {
      input,
    }),
  );
  const { secret, apiKey } = createApiKey;
  if (!isForPeople(options)) return writeLine({ ...apiKey, secret });
  process.stderr.write('This is the key. It is shown this once:\n');
  await write(`${secret}\n`);
}

export async function listKeys(options: Options): Promise<void> {
  const keys = await atGateway(options, () => readKeys(options));
  if (!isForPeople(options)) {
    for (const key of keys) await writeLine(key);
    return;
  }
  const headings = ['KEY', 'NAME', 'SCOPES', 'WORKSPACE', 'LAST USED', 'STATE'];
  const rows = keys.map(key => [
    key.prefix,
    key.name,
    key.scopes.join(' '),
    key.workspace?.slug ?? 'every',
    key.lastUsedAt ?? 'never',
    stateOf(key),
  ]);
  await write(keys.length === 0 ? 'There are no keys.\n' : table(headings, rows));
}

/** By id, or by the beginning that the list shows. */
export async function revokeKey(which: string, options: Options): Promise<void> {
  const keys = await atGateway(options, () => readKeys(options));
  const found = keys.filter(({ id, prefix }) => id === which || prefix === which);
  const [key] = found;
  if (key === undefined || found.length > 1) {
    const message = `There is no key ${JSON.stringify(which)}: see "sluice keys list".`;
    throw new SluiceError('NOT_FOUND', message);
  }
  const { revokeApiKey } = await clientFrom(options).query<{ revokeApiKey: { apiKey: ApiKey } }>(
    REVOKE,
    { id: key.id },
  );
  if (!isForPeople(options)) return writeLine(revokeApiKey.apiKey);
  await write(`The key ${key.prefix} (${key.name}) is revoked.\n`);
}

async function readKeys(options: Options): Promise<ApiKey[]> {
  const client = clientFrom(options);
  const keys: ApiKey[] = [];
  let after: string | null = null;
  for (;;) {
    const { apiKeys }: { apiKeys: { nodes: ApiKey[]; pageInfo: PageInfo } } = await client.query(
      LIST,
      { after },
    );
    keys.push(...apiKeys.nodes);
    if (!apiKeys.pageInfo.hasNextPage) return keys;
    after = apiKeys.pageInfo.endCursor;
  }
}

interface PageInfo {
  readonly hasNextPage: boolean;
  readonly endCursor: string | null;
}

function stateOf({ revokedAt, expiresAt }: ApiKey): string {
  if (revokedAt !== null) return 'revoked';
  if (expiresAt === null) return 'valid';
  return Date.parse(expiresAt) > Date.now() ? `until ${expiresAt}` : 'expired';
}
