/** How a row of `api_keys` becomes what may be shown of a key: never its hash. */
import type { ApiKeyInfo } from '../core/api-key.ts';
import type { Scope } from '../core/principal.ts';

export interface ApiKeyRow {
  id: number;
  name: string;
  prefix: string;
  scopes: Scope[];
  workspace_id: number | null;
  created_at: Date;
  last_used_at: Date | null;
  expires_at: Date | null;
  revoked_at: Date | null;
  created_by: number | null;
  addresses: string[] | null;
}

export const API_KEY_COLUMNS =
  'id, name, prefix, scopes, workspace_id, created_at, last_used_at, expires_at, revoked_at, ' +
  'created_by, addresses';

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
  };
}
