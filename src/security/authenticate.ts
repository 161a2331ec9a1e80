/**
 * From a secret to a principal. An answer is kept for a moment, so that a revoked key stops
 * within seconds and a busy one costs no look-up a request. A wrong secret is looked up each
 * time, by its hash: its refusal takes the same time and says the same as any other.
 */
import { LIMITS } from '../core/limits.ts';
import { unauthenticated, type Principal, type Scope } from '../core/principal.ts';
import type { Connection } from '../db/client.ts';
import { hashSecret } from './keys.ts';

export type Authenticate = (secret: string) => Promise<Principal>;

export interface AuthenticateOptions {
  readonly read: Connection;
  readonly write: Connection;
  readonly nowMs: () => number;
}

const KEPT_MS = 2_000;
const KEPT_MAX = 10_000;
/** `lastUsedAt` is behind by no more. */
const LAST_USED_EVERY_MS = 60_000;

interface Kept {
  readonly principal: Principal;
  readonly untilMs: number;
}

export function createAuthenticate({ read, write, nowMs }: AuthenticateOptions): Authenticate {
  const kept = new Map<string, Kept>();
  const lastUsedMs = new Map<number, number>();

  function noteUse({ keyId }: Principal): void {
    if (nowMs() - (lastUsedMs.get(keyId) ?? -Infinity) < LAST_USED_EVERY_MS) return;
    if (lastUsedMs.size >= KEPT_MAX) lastUsedMs.clear();
    lastUsedMs.set(keyId, nowMs());
    write.query('update api_keys set last_used_at = now() where id = $1', [keyId]).catch(() => {
      lastUsedMs.delete(keyId);
    });
  }

  return async secret => {
    if (secret === '' || secret.length > LIMITS.keptSecretCharsMax) throw unauthenticated();
    const hash = hashSecret(secret);
    const known = kept.get(hash);
    if (known !== undefined && known.untilMs > nowMs()) {
      noteUse(known.principal);
      return known.principal;
    }
    kept.delete(hash);
    const principal = await lookUp(read, hash);
    if (principal === null) throw unauthenticated();
    if (kept.size >= KEPT_MAX) kept.clear();
    kept.set(hash, { principal, untilMs: nowMs() + KEPT_MS });
    noteUse(principal);
    return principal;
  };
}

async function lookUp(read: Connection, hash: string): Promise<Principal | null> {
  const [row] = await read.query<{ id: number; scopes: Scope[]; workspace_id: number | null }>(
    `select id, scopes, workspace_id from api_keys
     where hash = $1 and revoked_at is null and (expires_at is null or expires_at > now())`,
    [hash],
  );
  if (row === undefined) return null;
  return { keyId: row.id, scopes: row.scopes, workspaceId: row.workspace_id };
}
