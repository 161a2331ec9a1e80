import { blockOf } from '../core/search-index.ts';
import { columnsOf, sqlText } from '../db/columns.ts';
import type { Connection } from '../db/connection.ts';
import { searchBlocks, searchLogs, workspaceMarks } from '../db/schema.ts';
import { arrayLiteral } from '../db/sql-lists.ts';

const BLOCK = columnsOf(searchBlocks);
const l = columnsOf(searchLogs, 'l');
const m = columnsOf(workspaceMarks, 'm');

/**
 * Takes the terms of blocks away with the content of some of their events, in the same transaction,
 * which holds `lockTree`. They are made anew from what is left; until then the blocks are looked at.
 */
export async function forgetTerms(
  connection: Connection,
  workspaceId: number,
  positions: readonly number[],
): Promise<void> {
  if (positions.length === 0) return;
  await connection.query(
    sqlText`update search_blocks set ${BLOCK.terms} = null
     where ${BLOCK.workspace_id} = $1 and ${BLOCK.block} = any ($2::text::bigint[])
       and ${BLOCK.terms} is not null`,
    [workspaceId, arrayLiteral(new Set(positions.map(blockOf)))],
  );
}

/** Whether some terms are to be cut off or made anew: an expression of SQL. */
export const TERMS_DUE = sqlText`(
  exists (select from search_blocks where ${BLOCK.terms} is null)
  or exists (select from search_logs l join workspace_marks m on ${m.workspace_id} = ${l.workspace_id}
    where ${m.tail} > ${l.cut}))`;
