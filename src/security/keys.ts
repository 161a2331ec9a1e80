/**
 * Keys: `slc_<prefix>_<secret>` with 256 bits of randomness, or a credential that a client
 * already has. Kept and looked up as SHA-256; the secret is shown once.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { ApiKeyInfo } from '../core/api-key.ts';
import { GatewayError } from '../core/errors.ts';
import { LIMITS } from '../core/limits.ts';
import type { Scope } from '../core/principal.ts';
import { isStorableText, isWithinBytes } from '../core/text.ts';
import type { Connection } from '../db/client.ts';
import { codeOf, SQLSTATE, toGatewayError } from '../db/sqlstate.ts';
import { API_KEY_COLUMNS, toApiKeyInfo, type ApiKeyRow } from '../db/stored-api-key.ts';

export interface CreateKey {
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** Null covers every workspace. */
  readonly workspaceId: number | null;
  readonly expiresAt: Date | null;
  /** An existing credential to keep; one is made where none is given. */
  readonly secret?: string | undefined;
}

export interface KeyAdmin {
  /** @throws GatewayError BAD_USER_INPUT, CONFLICT when the credential is in use, NOT_FOUND */
  create(key: CreateKey): Promise<{ key: ApiKeyInfo; secret: string }>;
  /** @throws GatewayError NOT_FOUND */
  revoke(id: number): Promise<ApiKeyInfo>;
}

export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret, 'utf8').digest('hex');
}

export function mintSecret(): string {
  return `slc_${randomBytes(4).toString('hex')}_${randomBytes(32).toString('base64url')}`;
}

export interface KeyAdminOptions {
  /** Takes kept credentials that are shorter than they should be. */
  readonly allowWeak: boolean;
  readonly onRevoked: (keyId: number) => void;
}

export function createKeyAdmin(write: Connection, options: KeyAdminOptions): KeyAdmin {
  return {
    async create(key) {
      checkKey(key);
      const secret = key.secret ?? mintSecret();
      if (key.secret !== undefined) checkKept(key.secret, options.allowWeak);
      const row = await insertKey(write, key, secret);
      return { key: toApiKeyInfo(row), secret };
    },
    async revoke(id) {
      const [row] = await write.query<ApiKeyRow>(
        `update api_keys set revoked_at = coalesce(revoked_at, now()) where id = $1
         returning ${API_KEY_COLUMNS}`,
        [id],
      );
      if (row === undefined) throw new GatewayError('NOT_FOUND', 'There is no such key.');
      options.onRevoked(id);
      return toApiKeyInfo(row);
    },
  };
}

/** Its key may be known for a moment longer. */
const GONE = 'There is no such workspace for this key.';

async function insertKey(write: Connection, key: CreateKey, secret: string): Promise<ApiKeyRow> {
  try {
    const [row] = await write.query<ApiKeyRow>(
      `insert into api_keys (name, prefix, hash, scopes, workspace_id, expires_at)
       select $1::text, $2::text, $3::text, $4::text::text[], $5::int, $6::timestamptz
       where $5::int is null or exists (select from workspaces where id = $5::int for key share)
       returning ${API_KEY_COLUMNS}`,
      [
        key.name,
        prefixOf(secret),
        hashSecret(secret),
        `{${[...new Set(key.scopes)].join(',')}}`,
        key.workspaceId,
        key.expiresAt,
      ],
    );
    if (row === undefined) throw new GatewayError('NOT_FOUND', GONE);
    return row;
  } catch (error) {
    if (codeOf(error) !== SQLSTATE.uniqueViolation) throw toGatewayError(error, 'write');
    throw new GatewayError('CONFLICT', 'This secret is in use already: choose another.');
  }
}

/** Of a made key the part before its secret; of a kept one no more than a quarter. */
function prefixOf(secret: string): string {
  const made = /^slc_[0-9a-f]{8}(?=_)/.exec(secret);
  return made?.[0] ?? `${secret.slice(0, Math.min(4, Math.floor(secret.length / 4)))}…`;
}

const NAME_BYTES_MAX = 256;

function checkKey({ name, scopes }: CreateKey): void {
  if (name.trim() === '' || !isStorableText(name) || !isWithinBytes(name, NAME_BYTES_MAX)) {
    const message = `A key's name has 1 to ${NAME_BYTES_MAX} bytes, without U+0000.`;
    throw new GatewayError('BAD_USER_INPUT', message);
  }
  if (scopes.length === 0) throw new GatewayError('BAD_USER_INPUT', 'A key has a scope at least.');
}

function checkKept(secret: string, allowWeak: boolean): void {
  const { keptSecretCharsMin, keptSecretCharsMax } = LIMITS;
  const min = allowWeak ? 1 : keptSecretCharsMin;
  if (secret.length < min || secret.length > keptSecretCharsMax) {
    const message = `A secret has ${min} to ${keptSecretCharsMax} characters, but ${secret.length} came.`;
    throw new GatewayError('BAD_USER_INPUT', message);
  }
  if (!isStorableText(secret) || secret.trim() !== secret) {
    const message = 'A secret is text without U+0000 and without white space at its ends.';
    throw new GatewayError('BAD_USER_INPUT', message);
  }
}

/**
 * Makes sure that somebody can administer the installation: keeps `configured` as an admin key,
 * or makes one when there is none. Returns the secret of one that was made now.
 */
export async function ensureAdminKey(
  write: Connection,
  configured: string | null,
): Promise<string | null> {
  const admin: Omit<CreateKey, 'secret'> = {
    name: configured === null ? 'first admin key' : 'SLUICE_ADMIN_KEY',
    scopes: ['ADMIN'],
    workspaceId: null,
    expiresAt: null,
  };
  if (configured !== null) {
    await insertKey(write, admin, configured).catch((error: unknown) => {
      if (!(error instanceof GatewayError) || error.code !== 'CONFLICT') throw error;
    });
    return null;
  }
  const secret = mintSecret();
  const [made] = await write.query(
    `insert into api_keys (name, prefix, hash, scopes)
     select $1, $2, $3, '{ADMIN}'
     where not exists (
       select from api_keys where 'ADMIN' = any (scopes) and workspace_id is null
         and revoked_at is null and (expires_at is null or expires_at > now()))
     returning id`,
    [admin.name, prefixOf(secret), hashSecret(secret)],
  );
  return made === undefined ? null : secret;
}
