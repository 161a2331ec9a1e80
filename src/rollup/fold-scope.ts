import { WHOLE_MINUTES_SINCE } from '../core/bucket.ts';
import type { UpkeepStep } from '../core/gateway-status.ts';
import { columnsOf, sqlText, type SqlText } from '../db/columns.ts';
import { events } from '../db/schema.ts';
import { isClearSql } from '../upkeep/upkeep-faults.ts';

const e = columnsOf(events, 'e');

/** Which workspaces are folded. */
export interface FoldScope {
  /** Null: all. */
  readonly ids: readonly number[] | null;
  /** A workspace that somebody waits for. It is folded even if a step failed for it a moment ago. */
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

/**
 * Events are grouped by this before Node puts them into rows. $2 is `exactBefore()`: before it
 * minutes are not whole in every zone, and instants stay exact.
 */
export const MINUTE_OF_EVENT = sqlText`case when ${e.occurred_at} < $2::timestamptz then ${e.occurred_at}
  else date_trunc('minute', ${e.occurred_at}) end`;

export const exactBefore = () => new Date(WHOLE_MINUTES_SINCE);
