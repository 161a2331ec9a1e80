/** How a row of `workspaces` becomes a `Workspace`: the one column list and the one decoder. */
import { type SQL, sql } from 'drizzle-orm';
import type { Workspace } from '../core/workspace.ts';
import { columnsOf, type Row, type SqlText, sqlText } from './columns.ts';
import { workspaceHeads, workspaces } from './schema.ts';

const WORKSPACE = columnsOf(workspaces);
const n = columnsOf(workspaceHeads, 'n');

const HEADS_OF = sqlText`select ${n.head}, ${n.recorded_at} from workspace_heads n where ${n.workspace_id} = `;
const NEWEST = sqlText` order by ${n.head} desc limit 1`;

/**
 * Selects `head` and `recorded_at` of the newest event of a workspace; no row where nothing was
 * recorded. It descends an index once.
 */
export function newestHead(workspaceId: SqlText): SqlText {
  return sqlText`${HEADS_OF}${workspaceId}${NEWEST}`;
}

export function newestHeadSql(workspaceId: SQL | number): SQL {
  return sql`${sql.raw(HEADS_OF)}${workspaceId}${sql.raw(NEWEST)}`;
}

export type WorkspaceRow = Omit<Row<typeof workspaces>, 'redactions'>;

export const WORKSPACE_COLUMNS = sqlText`${WORKSPACE.id}, ${WORKSPACE.slug}, ${WORKSPACE.name},
  ${WORKSPACE.created_at}, ${WORKSPACE.retention_days}, ${WORKSPACE.dedupe_days},
  ${WORKSPACE.time_zone}, ${WORKSPACE.unknown_types}, ${WORKSPACE.evidence}, ${WORKSPACE.search_index}`;

export function toWorkspace(row: WorkspaceRow): Workspace {
  return {
    id: row.id,
    slug: row.slug,
    name: row.name,
    createdAt: row.created_at,
    retentionDays: row.retention_days,
    dedupeDays: row.dedupe_days,
    timeZone: row.time_zone,
    unknownTypes: row.unknown_types,
    evidence: row.evidence,
    searchIndex: row.search_index,
  };
}
