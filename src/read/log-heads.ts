import { sql } from 'drizzle-orm';
import { LOG_BEGINNING, type LogPlace } from '../core/cursor.ts';
import { columnsOf, type Row } from '../db/columns.ts';
import type { Connection } from '../db/connection.ts';
import { rows } from '../db/query.ts';
import { workspaceHeads } from '../db/schema.ts';
import { intArray } from '../db/sql-lists.ts';
import { newestHeadSql } from '../db/stored-workspace.ts';

const h = columnsOf(workspaceHeads, 'h');

/** The newest event of each workspace: one descent of an index each. */
export async function readLogHeads(
  read: Connection,
  workspaceIds: readonly number[],
): Promise<Map<number, LogPlace>> {
  const found = await rows<Row<typeof workspaceHeads>>(
    read,
    sql`
      select asked.id as workspace_id, ${h.head}, ${h.recorded_at}
      from unnest(${intArray(workspaceIds)}) as asked (id)
      cross join lateral (${newestHeadSql(sql`asked.id`)}) h`,
  );
  const heads = new Map(workspaceIds.map(id => [id, LOG_BEGINNING]));
  for (const row of found) {
    heads.set(row.workspace_id, { position: row.head, recordedAt: row.recorded_at });
  }
  return heads;
}
