import { sql } from 'drizzle-orm';
import type { SetAsideMeasure, UpkeepFault, UpkeepStatus } from '../core/gateway-status.ts';
import type { Connection } from '../db/connection.ts';
import { rows } from '../db/query.ts';

/** Of each list. */
const SHOWN_MAX = 100;

/** What upkeep does not do, and for whom: the oldest first. */
export async function readUpkeepStatus(read: Connection): Promise<UpkeepStatus> {
  const [faults, setAsideMeasures] = await Promise.all([
    rows<UpkeepFault>(
      read,
      sql`
        select f.workspace_id as "workspaceId", f.step, f.since, f.retry_at as "retryAt", f.message
        from upkeep_faults f join workspaces w on w.id = f.workspace_id
        order by f.since, f.workspace_id, f.step limit ${SHOWN_MAX}`,
    ),
    rows<SetAsideMeasure>(
      read,
      sql`
        select f.workspace_id as "workspaceId", d.name as type, f.property, f.set_aside_at as since
        from measure_fills f join workspaces w on w.id = f.workspace_id
        join event_definitions d on d.workspace_id = f.workspace_id and d.id = f.definition_id
        where f.set_aside_at is not null and not f.dropped
        order by f.set_aside_at, f.workspace_id, d.name, f.property limit ${SHOWN_MAX}`,
    ),
  ]);
  return { faults, setAsideMeasures };
}
