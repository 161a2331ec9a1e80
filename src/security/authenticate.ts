/**
 * From a secret to a principal. An answer is kept for a moment, so that a busy key costs no look-up
 * a request. A revoked key ends at once where it was revoked, and within 2 s elsewhere. A wrong
 * secret is looked up each time, by its hash: its refusal takes the same time and says the same as
 * any other.
 */
import { LRUCache } from 'lru-cache';
import { LIMITS } from '../core/limits.ts';
import { unauthenticated, type Principal } from '../core/principal.ts';
import type { Connection } from '../db/client.ts';
import { columnsOf, sqlText, type Row } from '../db/columns.ts';
import { apiKeys } from '../db/schema.ts';
import { isValidKey, toQuota } from '../db/stored-api-key.ts';
import { allowsOf, type Allows } from './address-ranges.ts';
import { hashSecret } from './key-secret.ts';
import { createLookupCache } from './lookup-cache.ts';

const KEY = columnsOf(apiKeys);

export interface Authenticator {
  /**
   * @param addressOf the caller's address; asked only of keys that are bound to addresses
   * @throws GatewayError UNAUTHENTICATED
   */
  readonly authenticate: (secret: string, addressOf: () => string) => Promise<Principal>;
  /** The key was changed: what is kept of it, or is being looked up, is not used again. */
  readonly forget: (keyId: number) => void;
}

export interface AuthenticatorOptions {
  readonly read: Connection;
  readonly write: Connection;
  readonly nowMs: () => number;
}

const KEPT_MS = 2_000;
const NOTED_MAX = 10_000;
/** `lastUsedAt` is behind by no more. */
const LAST_USED_EVERY_MS = 60_000;

interface KnownKey {
  readonly principal: Principal;
  /** Null: from everywhere. */
  readonly allows: Allows | null;
}

export function createAuthenticator({ read, write, nowMs }: AuthenticatorOptions): Authenticator {
  const keys = createLookupCache({
    lookUp: (hash: string) => lookUp(read, hash),
    keptMs: KEPT_MS,
    nowMs,
  });
  const lastUsedMs = new LRUCache<number, number>({ max: NOTED_MAX });

  function noteUse({ keyId }: Principal): void {
    if (nowMs() - (lastUsedMs.get(keyId) ?? -Infinity) < LAST_USED_EVERY_MS) return;
    lastUsedMs.set(keyId, nowMs());
    write
      .query(sqlText`update api_keys set ${KEY.last_used_at} = now() where ${KEY.id} = $1`, [keyId])
      .catch(() => {
        lastUsedMs.delete(keyId);
      });
  }

  return {
    async authenticate(secret, addressOf) {
      if (secret === '' || secret.length > LIMITS.keptSecretCharsMax) throw unauthenticated();
      const found = keys.find(hashSecret(secret));
      const key = found instanceof Promise ? await found : found;
      // From elsewhere a key is refused as one that is not there: who found it learns nothing.
      if (key === null || key.allows?.(addressOf()) === false) throw unauthenticated();
      noteUse(key.principal);
      return key.principal;
    },
    forget: keyId => keys.forget(({ principal }) => principal.keyId === keyId),
  };
}

type KeyRow = Row<
  typeof apiKeys,
  'id' | 'scopes' | 'workspace_id' | 'addresses' | 'events_per_day' | 'events_per_month'
>;

async function lookUp(read: Connection, hash: string): Promise<KnownKey | null> {
  const [row] = await read.query<KeyRow>(
    sqlText`select ${KEY.id}, ${KEY.scopes}, ${KEY.workspace_id}, ${KEY.addresses},
       ${KEY.events_per_day}, ${KEY.events_per_month} from api_keys
     where ${KEY.hash} = $1 and ${isValidKey(KEY)}`,
    [hash],
  );
  if (row === undefined) return null;
  const { id: keyId, scopes, workspace_id: workspaceId, addresses } = row;
  const quota = toQuota(row);
  const hasQuota = quota.eventsPerDay !== null || quota.eventsPerMonth !== null;
  return {
    principal: { keyId, scopes, workspaceId, ...(hasQuota && { quota }) },
    allows: addresses === null ? null : allowsOf(addresses),
  };
}
