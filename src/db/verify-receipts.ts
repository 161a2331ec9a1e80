/**
 * Holds receipts that clients were given against what is stored: each event must be there, once,
 * and at the position it was told. An id has no index among the events, so that each batch reads
 * all of its workspaces' events: that also finds one that stands twice.
 */
import { columnsOf, sqlText } from './columns.ts';
import type { Pool } from './connection.ts';
import { events, workspaceMarks } from './schema.ts';

const e = columnsOf(events, 'e');
const m = columnsOf(workspaceMarks, 'm');

export interface GivenReceipt {
  readonly workspaceId: number;
  readonly eventId: string;
  readonly position: number;
}

export type Finding =
  | { readonly verdict: 'HOLDS' }
  /** Retention has removed the events up to there. */
  | { readonly verdict: 'NO_LONGER_KEPT' }
  /** No event of this id is there. */
  | { readonly verdict: 'LOST' }
  /** It is there, but at other positions, or also there. */
  | { readonly verdict: 'ELSEWHERE'; readonly positions: readonly number[] };

/** Some 10 MB of statement. */
export const RECEIPTS_AT_ONCE = 50_000;

/** One for each, in the order given; at most `RECEIPTS_AT_ONCE`. */
export async function verifyReceipts(
  upkeep: Pool,
  receipts: readonly GivenReceipt[],
): Promise<Finding[]> {
  const given = receipts.map(({ workspaceId, eventId, position }, index) => {
    return { o: index, w: workspaceId, i: eventId, p: position };
  });
  const rows = await upkeep.query<{ o: number; kept: boolean; positions: number[] }>(
    sqlText`with given as materialized (
       select * from json_to_recordset($1::text::json) as g (o int, w int, i text, p bigint)
     ), found as (
       select g.o, array_agg(${e.position} order by ${e.position}) as positions
       from given g join events e on ${e.workspace_id} = g.w and ${e.event_id} = g.i group by g.o
     )
     select g.o, g.p >= coalesce(${m.tail}, 1) as kept, coalesce(f.positions, '{}') as positions
     from given g left join found f using (o) left join workspace_marks m on ${m.workspace_id} = g.w
     where f.positions is distinct from array[g.p]`,
    [JSON.stringify(given)],
  );
  const findings: Finding[] = receipts.map(() => ({ verdict: 'HOLDS' }));
  for (const { o, kept, positions } of rows) findings[o] = toFinding(kept, positions);
  return findings;
}

function toFinding(isKept: boolean, positions: readonly number[]): Finding {
  if (positions.length > 0) return { verdict: 'ELSEWHERE', positions };
  return { verdict: isKept ? 'LOST' : 'NO_LONGER_KEPT' };
}
