import type { Tenant } from '../core/fairness.ts';
import type { Actor } from '../core/principal.ts';
import type { Connection, HeldConnection } from './connection.ts';
import { isConnectionLost, isSerializationFailure } from './sqlstate.ts';

export interface TransactionOptions {
  /** @default 'read committed' */
  readonly isolation?: 'read committed' | 'repeatable read' | 'serializable';
  /** A snapshot for several reads. @default false */
  readonly readOnly?: boolean;
  /** As of `StatementOptions`. */
  readonly tenant?: Tenant;
}

/** After a deadlock or a serialization failure, `work` runs again from its start. */
const TRIES_MAX = 3;

/** A pool, or anything else that lends a connection to one user. */
export interface Holder {
  hold<T>(use: (connection: HeldConnection) => Promise<T>, tenant?: Tenant): Promise<T>;
}

/**
 * Runs `work` in a transaction on a connection of its own: committed when it resolves, rolled
 * back when it rejects. The driver's own `begin` is not used (porsager/postgres #823, #1204:
 * statements of others slip in under load).
 * @throws what `work` or the commit threw; a ConnectionLost from the commit leaves unknown
 * whether it happened.
 */
export async function transaction<T>(
  holder: Holder,
  work: (connection: Connection) => Promise<T>,
  options: TransactionOptions = {},
): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await holder.hold(connection => once(connection, work, options), options.tenant);
    } catch (error) {
      if (tries >= TRIES_MAX || !isSerializationFailure(error)) throw error;
    }
  }
}

async function once<T>(
  connection: HeldConnection,
  work: (connection: Connection) => Promise<T>,
  options: TransactionOptions,
): Promise<T> {
  const { isolation = 'read committed', readOnly = false } = options;
  const begin = `begin isolation level ${isolation} ${readOnly ? 'read only' : 'read write'}`;
  await connection.query(begin);
  try {
    const result = await work(connection);
    await connection.query('commit');
    return result;
  } catch (error) {
    // A lost connection has rolled back by itself. One that can't, since that was cancelled too,
    // is closed: its next user would stand in a failed transaction.
    if (!isConnectionLost(error)) await connection.query('rollback').catch(connection.discard);
    throw error;
  }
}

/**
 * The last statement before the commit of what a key does: fails with SL002 where the key was
 * revoked, has expired or has lost its scope since the request was let in. `toGatewayError` makes
 * UNAUTHENTICATED of that. Locks are to be taken before it, so that no wait lies behind it.
 */
export async function requireKey(connection: Connection, actor: Actor | null): Promise<void> {
  if (actor === null) return;
  await connection.query('select require_key($1, $2)', [actor.keyId, actor.scope]);
}
