/**
 * The admin key to begin with: of the setting, or made at the first start. A key of the setting is
 * valid as long as it stands there: the next value revokes it, unless a rotation has given it an
 * end of its own.
 */
import type { Connection, Lane } from '../db/client.ts';
import { columnsOf, sqlText } from '../db/columns.ts';
import { apiKeys } from '../db/schema.ts';
import { transaction } from '../db/transaction.ts';
import { hashSecret, mintSecret, prefixOf } from './keys.ts';

const KEY = columnsOf(apiKeys);

export interface AdminKey {
  /** The secret of a key that was made now: it is shown this once. */
  readonly made: string | null;
  /** What an operator ought to know, in sentences. */
  readonly notes: readonly string[];
}

/**
 * @param configured the setting; null where it is absent
 * @param mayMake whether somebody learns of a key that is made
 */
export async function ensureAdminKey(
  write: Lane,
  configured: string | null,
  mayMake = true,
): Promise<AdminKey> {
  return configured === null
    ? makeFirst(write, mayMake)
    : transaction(write, connection => keepConfigured(connection, configured));
}

const VALID = sqlText`${KEY.revoked_at} is null and (${KEY.expires_at} is null or ${KEY.expires_at} > now())`;
const IS_ADMIN = sqlText`'ADMIN' = any (${KEY.scopes}) and ${KEY.workspace_id} is null`;

async function makeFirst(write: Lane, mayMake: boolean): Promise<AdminKey> {
  if (!mayMake) {
    const known = await write.query(`select from api_keys where ${IS_ADMIN} and ${VALID} limit 1`);
    return {
      made: null,
      notes: [...(known.length === 0 ? [NOBODY] : []), ...(await earlier(write))],
    };
  }
  const secret = mintSecret();
  const made = await write.query(
    sqlText`insert into api_keys (${KEY.name}, ${KEY.prefix}, ${KEY.hash}, ${KEY.scopes})
     select 'first admin key', $1, $2, '{ADMIN}'
     where not exists (select from api_keys where ${IS_ADMIN} and ${VALID})
     returning ${KEY.id}`,
    [prefixOf(secret), hashSecret(secret)],
  );
  return { made: made.length === 0 ? null : secret, notes: await earlier(write) };
}

const NOBODY =
  'There is no ADMIN key. One is made where a terminal shows it, not into a log: set SLUICE_ADMIN_KEY or SLUICE_ADMIN_KEY_FILE and start again.';

async function earlier(write: Lane): Promise<string[]> {
  const keys = await write.query<{ prefix: string }>(
    sqlText`select ${KEY.prefix} from api_keys where ${KEY.from_setting} and ${VALID} order by ${KEY.id}`,
  );
  return keys.map(
    ({ prefix }) => `The key of an earlier SLUICE_ADMIN_KEY, ${prefix}, is still valid.`,
  );
}

async function keepConfigured(connection: Connection, secret: string): Promise<AdminKey> {
  const hash = hashSecret(secret);
  await connection.query(
    sqlText`insert into api_keys (${KEY.name}, ${KEY.prefix}, ${KEY.hash}, ${KEY.scopes})
     values ('SLUICE_ADMIN_KEY', $1, $2, '{ADMIN}') on conflict (${KEY.hash}) do nothing`,
    [prefixOf(secret), hash],
  );
  const [kept] = await connection.query(
    sqlText`update api_keys set ${KEY.from_setting} = true
     where ${KEY.hash} = $1 and ${IS_ADMIN} and ${VALID} returning ${KEY.id}`,
    [hash],
  );
  // An earlier key is ended by its successor, not by a setting that is no key.
  if (kept === undefined) return { made: null, notes: [UNUSABLE] };
  const ended = await connection.query<{ prefix: string }>(
    sqlText`update api_keys set ${KEY.revoked_at} = now()
     where ${KEY.from_setting} and ${KEY.hash} <> $1 and ${KEY.revoked_at} is null and ${KEY.expires_at} is null
     returning ${KEY.prefix}`,
    [hash],
  );
  const notes = ended.map(
    ({ prefix }) => `The key of the earlier SLUICE_ADMIN_KEY, ${prefix}, is revoked.`,
  );
  return { made: null, notes };
}

const UNUSABLE =
  'SLUICE_ADMIN_KEY is not a valid admin key: it was revoked, has expired or has fewer rights. Set another.';
