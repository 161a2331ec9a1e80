import { sql } from 'drizzle-orm';
import type { SetAsideMeasure, UpkeepFault, UpkeepStatus } from '../core/gateway-status.ts';
import { columnsOf } from '../db/columns.ts';
import type { Connection } from '../db/connection.ts';
import { rows } from '../db/query.ts';
import { eventDefinitions, measureFills, upkeepFaults, workspaces } from '../db/schema.ts';

const f = columnsOf(upkeepFaults, 'f');
const w = columnsOf(workspaces, 'w');
const fill = columnsOf(measureFills, 'f');
const d = columnsOf(eventDefinitions, 'd');

/** Of each list. */
const SHOWN_MAX = 100;

/** What upkeep does not do, and for whom: the oldest first. */
export async function readUpkeepStatus(read: Connection): Promise<UpkeepStatus> {
  const [faults, setAsideMeasures] = await Promise.all([
    rows<UpkeepFault>(
      read,
      sql`
        select ${f.workspace_id} as "workspaceId", ${f.step}, ${f.since}, ${f.retry_at} as "retryAt", ${f.message}
        from upkeep_faults f join workspaces w on ${w.id} = ${f.workspace_id}
        order by ${f.since}, ${f.workspace_id}, ${f.step} limit ${SHOWN_MAX}`,
    ),
    rows<SetAsideMeasure>(
      read,
      sql`
        select ${fill.workspace_id} as "workspaceId", ${d.name} as type, ${fill.property}, ${fill.set_aside_at} as since
        from measure_fills f join workspaces w on ${w.id} = ${fill.workspace_id}
        join event_definitions d on ${d.workspace_id} = ${fill.workspace_id} and ${d.id} = ${fill.definition_id}
        where ${fill.set_aside_at} is not null and not ${fill.dropped}
        order by ${fill.set_aside_at}, ${fill.workspace_id}, ${d.name}, ${fill.property} limit ${SHOWN_MAX}`,
    ),
  ]);
  return { faults, setAsideMeasures };
}
