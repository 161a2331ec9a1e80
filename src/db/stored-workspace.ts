/** How a row of `workspaces` becomes a `Workspace`: the one column list and the one decoder. */
import type { Workspace } from '../core/workspace.ts';
import { columnsOf, type Row, sqlText } from './columns.ts';
import { workspaces } from './schema.ts';

const WORKSPACE = columnsOf(workspaces);

export type WorkspaceRow = Omit<Row<typeof workspaces>, 'redactions'>;

export const WORKSPACE_COLUMNS = sqlText`${WORKSPACE.id}, ${WORKSPACE.slug}, ${WORKSPACE.name},
  ${WORKSPACE.created_at}, ${WORKSPACE.retention_days}, ${WORKSPACE.dedupe_days},
  ${WORKSPACE.time_zone}, ${WORKSPACE.unknown_types}, ${WORKSPACE.evidence}`;

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
  };
}
