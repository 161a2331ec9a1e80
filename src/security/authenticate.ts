/**
 * From a secret to a principal. An answer is kept for a moment, so that a busy key costs no look-up
 * a request; a revoked one ends at once where it was revoked, and within 2 s elsewhere. A wrong secret is looked up each
 * time, by its hash: its refusal takes the same time and says the same as any other.
 */
import { LIMITS } from '../core/limits.ts';
import { unauthenticated, type Principal, type Scope } from '../core/principal.ts';
import type { Connection } from '../db/client.ts';
import { createKept } from './kept.ts';
import { hashSecret } from './keys.ts';

export interface Authenticator {
  /** @throws GatewayError UNAUTHENTICATED */
  readonly authenticate: (secret: string) => Promise<Principal>;
  /** The key was revoked: what is kept of it, or is being looked up, is not used again. */
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

export function createAuthenticator({ read, write, nowMs }: AuthenticatorOptions): Authenticator {
  const principals = createKept({
    lookUp: (hash: string) => lookUp(read, hash),
    keptMs: KEPT_MS,
    nowMs,
  });
  const lastUsedMs = new Map<number, number>();

  function noteUse({ keyId }: Principal): void {
    if (nowMs() - (lastUsedMs.get(keyId) ?? -Infinity) < LAST_USED_EVERY_MS) return;
    if (lastUsedMs.size >= NOTED_MAX) lastUsedMs.clear();
    lastUsedMs.set(keyId, nowMs());
    write.query('update api_keys set last_used_at = now() where id = $1', [keyId]).catch(() => {
      lastUsedMs.delete(keyId);
    });
  }

  return {
    async authenticate(secret) {
      if (secret === '' || secret.length > LIMITS.keptSecretCharsMax) throw unauthenticated();
      const principal = await principals.find(hashSecret(secret));
      if (principal === null) throw unauthenticated();
      noteUse(principal);
      return principal;
    },
    forget: keyId => principals.forget(principal => principal.keyId === keyId),
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
