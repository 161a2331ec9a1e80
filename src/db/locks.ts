import type { Connection, HeldConnection, Pool } from './connection.ts';
import { transaction } from './transaction.ts';

/**
 * Does the work in a transaction if no other process has this advisory lock; null where one has.
 * The lock ends with the transaction, or with its process.
 */
export function tryLocked<T>(
  pool: Pool,
  key: number,
  work: (connection: Connection) => Promise<T>,
): Promise<T | null> {
  return transaction(pool, async connection => {
    const [row] = await connection.query<{ had: boolean }>(
      'select pg_try_advisory_xact_lock($1) as had',
      [key],
    );
    return row?.had === true ? work(connection) : null;
  });
}

/**
 * The same for work that can't run in a transaction. The lock is the session's, and is given back
 * at the end of the work.
 */
export function tryLockedSession<T>(
  pool: Pool,
  key: number,
  work: (connection: HeldConnection) => Promise<T>,
): Promise<T | null> {
  return pool.hold(async connection => {
    const [row] = await connection.query<{ had: boolean }>(
      'select pg_try_advisory_lock($1) as had',
      [key],
    );
    if (row?.had !== true) return null;
    try {
      return await work(connection);
    } finally {
      // A lock that can't be given back ends with its connection.
      await connection.query('select pg_advisory_unlock($1)', [key]).catch(connection.discard);
    }
  });
}

/** The first key of a workspace's advisory lock; its second is the workspace's id. */
export const WORKSPACE_LOCK = 718_301;

/**
 * Takes the lock under which positions are given (`take_workspaces`, in the migrations, names the
 * same number) until the transaction ends: a flush is before it, or sees what it did.
 */
export async function lockWorkspace(connection: Connection, workspaceId: number): Promise<void> {
  await connection.query('select pg_advisory_xact_lock($1, $2)', [WORKSPACE_LOCK, workspaceId]);
}
