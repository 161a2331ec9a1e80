/** How a row of `workspaces` becomes a `Workspace`: the one column list and the one decoder. */
import type { UnknownTypePolicy, Workspace } from '../core/workspace.ts';

export interface WorkspaceRow {
  id: number;
  slug: string;
  name: string;
  created_at: Date;
  retention_days: number | null;
  dedupe_days: number;
  time_zone: string;
  unknown_types: UnknownTypePolicy;
}

export const WORKSPACE_COLUMNS =
  'id, slug, name, created_at, retention_days, dedupe_days, time_zone, unknown_types';

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
  };
}
