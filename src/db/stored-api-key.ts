/** What may be shown of a key, from a row of `api_keys`: everything but its hash. */
import type { ApiKeyInfo } from '../core/api-key.ts';
import type { KeyQuota } from '../core/quota.ts';
import { type ColumnName, columnsOf, type Row, type SqlText, sqlText } from './columns.ts';
import { apiKeys } from './schema.ts';

const KEY = columnsOf(apiKeys);

export type ApiKeyRow = Omit<Row<typeof apiKeys>, 'hash' | 'from_setting'>;

export const API_KEY_COLUMNS = sqlText`${KEY.id}, ${KEY.name}, ${KEY.prefix}, ${KEY.scopes},
  ${KEY.workspace_id}, ${KEY.created_at}, ${KEY.last_used_at}, ${KEY.expires_at}, ${KEY.revoked_at},
  ${KEY.created_by}, ${KEY.addresses}, ${KEY.events_per_day}, ${KEY.events_per_month}`;

/** Whether a key may act: over the columns of `api_keys`, bare or behind their alias. */
export function isValidKey(
  key: { readonly revoked_at: ColumnName; readonly expires_at: ColumnName },
  now = sqlText`now()`,
): SqlText {
  return sqlText`${key.revoked_at} is null and (${key.expires_at} is null or ${key.expires_at} > ${now})`;
}

export function toApiKeyInfo(row: ApiKeyRow): ApiKeyInfo {
  return {
    id: row.id,
    name: row.name,
    prefix: row.prefix,
    scopes: row.scopes,
    workspaceId: row.workspace_id,
    createdAt: row.created_at,
    lastUsedAt: row.last_used_at,
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at,
    createdBy: row.created_by,
    addresses: row.addresses,
    quota: toQuota(row),
  };
}

export function toQuota(row: Pick<ApiKeyRow, 'events_per_day' | 'events_per_month'>): KeyQuota {
  return { eventsPerDay: row.events_per_day, eventsPerMonth: row.events_per_month };
}
