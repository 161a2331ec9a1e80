/**
 * The admin key to begin with: of the setting, or made at the first start. A key of the setting is
 * valid as long as it stands there: the next value revokes it, unless a rotation has given it an
 * end of its own.
 */
import type { AuditType } from '../core/audit.ts';
import type { AuditedTransaction, Deed } from '../db/audit-log.ts';
import type { Connection, Pool } from '../db/client.ts';
import { columnsOf, sqlText, type Row } from '../db/columns.ts';
import { apiKeys } from '../db/schema.ts';
import { isValidKey } from '../db/stored-api-key.ts';
import { hashSecret, mintSecret, prefixOf } from './key-secret.ts';
import { aboutKey } from './keys.ts';

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
  { write, audited }: Port,
  configured: string | null,
  mayMake = true,
): Promise<AdminKey> {
  return configured === null
    ? makeFirst({ write, audited }, mayMake)
    : audited(write, (connection, deed) => keepConfigured(connection, deed, configured), {
        actor: null,
      });
}

interface Port {
  readonly write: Pool;
  readonly audited: AuditedTransaction;
}

const VALID = isValidKey(KEY);
const IS_ADMIN = sqlText`'ADMIN' = any (${KEY.scopes}) and ${KEY.workspace_id} is null`;

async function makeFirst({ write, audited }: Port, mayMake: boolean): Promise<AdminKey> {
  if (!mayMake) {
    const known = await write.query(`select from api_keys where ${IS_ADMIN} and ${VALID} limit 1`);
    return {
      made: null,
      notes: [...(known.length === 0 ? [NOBODY] : []), ...(await earlier(write))],
    };
  }
  const secret = mintSecret();
  const make = async (connection: Connection, deed: Deed) => {
    const keys = await connection.query<SettingKey>(
      sqlText`insert into api_keys (${KEY.name}, ${KEY.prefix}, ${KEY.hash}, ${KEY.scopes})
       select 'first admin key', $1, $2, '{ADMIN}'
       where not exists (select from api_keys where ${IS_ADMIN} and ${VALID})
       returning ${ABOUT}`,
      [prefixOf(secret), hashSecret(secret)],
    );
    await recordKeys(deed, 'sluice.key.created', keys);
    return keys;
  };
  const made = await audited(write, make, { actor: null });
  return { made: made.length === 0 ? null : secret, notes: await earlier(write) };
}

type SettingKey = Row<typeof apiKeys, 'id' | 'name' | 'workspace_id' | 'prefix'>;
const ABOUT = sqlText`${KEY.id}, ${KEY.name}, ${KEY.workspace_id}, ${KEY.prefix}`;

async function recordKeys(deed: Deed, type: AuditType, keys: readonly SettingKey[]): Promise<void> {
  for (const key of keys) await deed.record(aboutKey(type, key));
}

const NOBODY =
  'There is no ADMIN key. The gateway makes one only if a terminal shows it, because it ' +
  'must not be in a log: set SLUICE_ADMIN_KEY or SLUICE_ADMIN_KEY_FILE and start again.';

async function earlier(write: Pool): Promise<string[]> {
  const keys = await write.query<Row<typeof apiKeys, 'prefix'>>(
    sqlText`select ${KEY.prefix} from api_keys where ${KEY.from_setting} and ${VALID} order by ${KEY.id}`,
  );
  return keys.map(
    ({ prefix }) => `The key of an earlier SLUICE_ADMIN_KEY, ${prefix}, is still valid.`,
  );
}

async function keepConfigured(
  connection: Connection,
  deed: Deed,
  secret: string,
): Promise<AdminKey> {
  const hash = hashSecret(secret);
  const made = await connection.query<SettingKey>(
    sqlText`insert into api_keys (${KEY.name}, ${KEY.prefix}, ${KEY.hash}, ${KEY.scopes})
     values ('SLUICE_ADMIN_KEY', $1, $2, '{ADMIN}') on conflict (${KEY.hash}) do nothing
     returning ${ABOUT}`,
    [prefixOf(secret), hash],
  );
  const [kept] = await connection.query(
    sqlText`update api_keys set ${KEY.from_setting} = true
     where ${KEY.hash} = $1 and ${IS_ADMIN} and ${VALID} returning ${KEY.id}`,
    [hash],
  );
  // An earlier key is ended by its successor, not by a setting that is no key.
  const ended = kept === undefined ? [] : await endEarlier(connection, hash);
  // Behind the last lock.
  await recordKeys(deed, 'sluice.key.created', made);
  await recordKeys(deed, 'sluice.key.revoked', ended);
  if (kept === undefined) return { made: null, notes: [UNUSABLE] };
  const notes = ended.map(
    ({ prefix }) => `The key of the earlier SLUICE_ADMIN_KEY, ${prefix}, is revoked.`,
  );
  return { made: null, notes };
}

function endEarlier(connection: Connection, hash: string): Promise<SettingKey[]> {
  return connection.query<SettingKey>(
    sqlText`update api_keys set ${KEY.revoked_at} = now()
     where ${KEY.from_setting} and ${KEY.hash} <> $1 and ${KEY.revoked_at} is null and ${KEY.expires_at} is null
     returning ${ABOUT}`,
    [hash],
  );
}

const UNUSABLE =
  'SLUICE_ADMIN_KEY is not a valid admin key: it was revoked, has expired or has fewer rights. Set another.';
