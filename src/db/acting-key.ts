import type { Actor } from '../core/principal.ts';
import type { Connection } from './connection.ts';

/**
 * The last statement before the commit of what a key does: fails with SL002 where the key was
 * revoked, has expired or has lost its scope since the request was let in. `toGatewayError` makes
 * UNAUTHENTICATED of that. Locks are to be taken before it, so that no wait lies behind it.
 */
export async function requireKey(connection: Connection, actor: Actor | null): Promise<void> {
  if (actor === null) return;
  await connection.query('select require_key($1, $2)', [actor.keyId, actor.scope]);
}
