/** Rows of `api_keys`, within the transactions that change them. */
import { GatewayError } from '../core/errors.ts';
import { unauthenticated, type Actor, type Scope } from '../core/principal.ts';
import { NO_QUOTA, type KeyQuota } from '../core/quota.ts';
import { workspaceNotFound } from '../core/workspace.ts';
import type { Connection } from '../db/client.ts';
import { columnsOf, sqlText } from '../db/columns.ts';
import { apiKeys, workspaces } from '../db/schema.ts';
import { arrayLiteral } from '../db/sql-lists.ts';
import { API_KEY_COLUMNS, isValidKey, type ApiKeyRow } from '../db/stored-api-key.ts';
import { hashSecret, prefixOf } from './key-secret.ts';

const KEY = columnsOf(apiKeys);
const WORKSPACE = columnsOf(workspaces);

/** No other change of the key lies between what is read here and the commit. */
export async function lockKey(
  connection: Connection,
  id: number,
): Promise<ApiKeyRow & { readonly is_valid: boolean }> {
  const [row] = await connection.query<ApiKeyRow & { is_valid: boolean }>(
    sqlText`select ${API_KEY_COLUMNS}, ${isValidKey(KEY, sqlText`clock_timestamp()`)} as is_valid
     from api_keys where ${KEY.id} = $1 for no key update`,
    [id],
  );
  if (row === undefined) throw new GatewayError('NOT_FOUND', 'There is no such key.');
  return row;
}

/** What the key that acts may hand on. */
export interface Maker {
  readonly keyId: number | null;
  readonly expiresAt: Date | null;
  readonly addresses: readonly string[] | null;
}

export async function readMaker(connection: Connection, actor: Actor | null): Promise<Maker> {
  if (actor === null) return { keyId: null, expiresAt: null, addresses: null };
  const [row] = await connection.query<Pick<ApiKeyRow, 'expires_at' | 'addresses'>>(
    sqlText`select ${KEY.expires_at}, ${KEY.addresses} from api_keys where ${KEY.id} = $1`,
    [actor.keyId],
  );
  // Its workspace was deleted a moment ago, and it went with it.
  if (row === undefined) throw unauthenticated();
  return { keyId: actor.keyId, expiresAt: row.expires_at, addresses: row.addresses };
}

/** Whether every range lies in one of the maker's. */
export async function isWithin(
  connection: Connection,
  ranges: readonly string[] | null,
  { addresses }: Maker,
): Promise<boolean> {
  if (addresses === null) return true;
  if (ranges === null) return false;
  const [row] = await connection.query<{ is_within: boolean }>(
    `select not exists (
       select from unnest($1::text::inet[]) as given (range)
       where not exists (
         select from unnest($2::text::inet[]) as own (range) where given.range <<= own.range)
     ) as is_within`,
    [arrayLiteral(ranges), arrayLiteral(addresses)],
  );
  return row?.is_within === true;
}

export interface NewKey {
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** Null covers every workspace. */
  readonly workspaceId: number | null;
  readonly addresses: readonly string[] | null;
  /** Absent: any number of events. */
  readonly quota?: KeyQuota | undefined;
  readonly expiresAt: Date | null;
  /** How long it lasts, where it takes the place of one that had an end. */
  readonly lifeMs: number | null;
  readonly ageDaysMax: number;
  readonly maker: Maker;
}

export async function insertKey(
  connection: Connection,
  secret: string,
  { maker, quota = NO_QUOTA, ...key }: NewKey,
): Promise<ApiKeyRow> {
  const [row] = await connection.query<ApiKeyRow>(
    sqlText`insert into api_keys (${KEY.name}, ${KEY.prefix}, ${KEY.hash}, ${KEY.scopes}, ${KEY.workspace_id}, ${KEY.addresses}, ${KEY.created_by},
       ${KEY.events_per_day}, ${KEY.events_per_month}, ${KEY.expires_at})
     select $1::text, $2::text, $3::text, $4::text::text[], $5::int, $6::text::text[], $7::int,
       $8::bigint, $9::bigint,
       least($10::timestamptz, $11::timestamptz, now() + make_interval(secs => $12::float8 / 1000),
         now() + make_interval(days => $13::int))
     where $5::int is null or exists (select from workspaces where ${WORKSPACE.id} = $5::int for key share)
     returning ${API_KEY_COLUMNS}`,
    [
      ...[key.name, prefixOf(secret), hashSecret(secret), arrayLiteral([...new Set(key.scopes)])],
      ...[key.workspaceId, key.addresses && arrayLiteral(key.addresses), maker.keyId],
      ...[quota.eventsPerDay, quota.eventsPerMonth],
      // The earliest of these that is not null.
      ...[key.expiresAt, maker.expiresAt, key.lifeMs, key.ageDaysMax || null],
    ],
  );
  // Its key may be known for a moment longer.
  if (row === undefined) throw workspaceNotFound();
  return row;
}
