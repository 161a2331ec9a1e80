import type { UpkeepStep } from '../core/gateway-status.ts';
import { sqlText, type SqlText } from '../db/columns.ts';
import { isClearSql } from '../upkeep/upkeep-faults.ts';

/** Which workspaces are folded. */
export interface FoldScope {
  /** Null: all. */
  readonly ids: readonly number[] | null;
  /** One that somebody waits for: also if a step failed for it a moment ago. */
  readonly isNamed: boolean;
}

/** As `$n::text::int[]`; null is all. */
export function idList(workspaceIds: readonly number[] | null): string | null {
  return workspaceIds === null ? null : `{${workspaceIds.join(',')}}`;
}

/** Whether a step may try a workspace of the scope, an expression of SQL. */
export function mayTrySql({ isNamed }: FoldScope, step: UpkeepStep, workspaceId: SqlText): SqlText {
  return isNamed ? sqlText`true` : isClearSql(step, workspaceId);
}
