import type { Connection } from './connection.ts';

/** The first key of a workspace's advisory lock; its second is the workspace's id. */
export const WORKSPACE_LOCK = 718_301;

/**
 * Takes the lock under which positions are given (`take_workspaces`, in the migrations, names the
 * same number) until the transaction ends: a flush is before it, or sees what it did.
 */
export async function lockWorkspace(connection: Connection, workspaceId: number): Promise<void> {
  await connection.query('select pg_advisory_xact_lock($1, $2)', [WORKSPACE_LOCK, workspaceId]);
}
