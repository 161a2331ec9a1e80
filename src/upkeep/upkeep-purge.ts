import { LIMITS } from '../core/limits.ts';
import type { Pool } from '../db/client.ts';
import { columnsOf, rawSql, type Row, sqlText } from '../db/columns.ts';
import {
  apiKeys,
  deliveries,
  events,
  keyUsage,
  quarantinedEvents,
  workspaceMarks,
  workspaces,
} from '../db/schema.ts';
import { isOfWorkspace } from './upkeep-faults.ts';

const d = columnsOf(deliveries, 'd');
const e = columnsOf(events, 'e');
const m = columnsOf(workspaceMarks, 'm');
const parked = columnsOf(deliveries, 'parked');
const w = columnsOf(workspaces, 'w');
const t = columnsOf(workspaceMarks, 't');
const q = columnsOf(quarantinedEvents, 'q');
const u = columnsOf(keyUsage, 'u');
const k = columnsOf(apiKeys, 'k');
const USAGE = columnsOf(keyUsage);
const MARKS = columnsOf(workspaceMarks);
const QUARANTINED = columnsOf(quarantinedEvents);

const PURGED_PER_STATEMENT = 5_000;
const QUARANTINED_PER_STATEMENT = 1_000;

const PURGED_TABLES = [
  'events',
  'event_keys',
  'event_counts',
  'event_measures',
  'measure_fills',
  'meter_sketches',
  'meter_values',
  'meter_counts',
  'meter_series',
  'meters',
  'upkeep_faults',
  'quarantined_events',
  'deliveries',
  'webhook_attempts',
  'webhooks',
  'notifications',
  'notification_rules',
  'consumers',
  'evidence_bundles',
  'evidence_tiles',
  'evidence_logs',
  'definition_schemas',
  'search_blocks',
  'search_logs',
  'event_definitions',
  'workspace_heads',
] as const;

/** Rows of workspaces that are no more, a batch at a time. */
export async function purgeDeleted(upkeep: Pool): Promise<number> {
  let purged = 0;
  const gone = await upkeep.query<Row<typeof workspaceMarks, 'workspace_id'>>(
    sqlText`select ${m.workspace_id} from workspace_marks m
     where not exists (select from workspaces w where ${w.id} = ${m.workspace_id})
     order by random() limit 100`,
  );
  const failures: unknown[] = [];
  for (const { workspace_id } of gone) {
    try {
      for (const table of PURGED_TABLES) purged += await purgeTable(upkeep, table, workspace_id);
      await upkeep.query(sqlText`delete from workspace_marks where ${MARKS.workspace_id} = $1`, [
        workspace_id,
      ]);
    } catch (error) {
      // The others' turn all the same: this one is tried again at the next.
      if (!isOfWorkspace(error)) throw error;
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
  return purged;
}

async function purgeTable(upkeep: Pool, table: string, workspaceId: number): Promise<number> {
  for (let purged = 0; ;) {
    const [row] = await upkeep.query<{ deleted: number }>(
      sqlText`with batch as (
         select tableoid, ctid from ${rawSql(table)} where ${MARKS.workspace_id} = $1 limit ${PURGED_PER_STATEMENT}
       ), deleted as (
         delete from ${rawSql(table)} t using batch
         where t.tableoid = batch.tableoid and t.ctid = batch.ctid and ${t.workspace_id} = $1 returning 1
       ) select count(*) as deleted from deleted`,
      [workspaceId],
    );
    const deleted = row?.deleted ?? 0;
    purged += deleted;
    if (deleted < PURGED_PER_STATEMENT) return purged;
  }
}

/** Parked deliveries whose events are removed or have expired. A batch at a time. */
export async function purgeParked(upkeep: Pool): Promise<number> {
  for (let purged = 0; ;) {
    const gone = await upkeep.query(PURGE_PARKED_SQL);
    purged += gone.length;
    if (gone.length < PURGED_PER_STATEMENT) return purged;
  }
}

const PURGE_PARKED_SQL = sqlText`
  delete from deliveries d where (${d.workspace_id}, ${d.consumer_id}, ${d.position}) in (
    select ${parked.workspace_id}, ${parked.consumer_id}, ${parked.position} from deliveries parked
    where ${parked.parked_at} is not null and not exists (
      select from events e where ${e.workspace_id} = ${parked.workspace_id}
        and ${e.position} = ${parked.position} and ${e.recorded_at} = ${parked.recorded_at}
        and (${e.expires_at} is null or ${e.expires_at} > now()))
    limit ${PURGED_PER_STATEMENT}
  ) and ${d.parked_at} is not null returning 1`;

/** Nothing leaves quarantine before its age by itself. A batch at a time. */
export async function purgeQuarantine(upkeep: Pool): Promise<number> {
  for (let purged = 0; ;) {
    const gone = await upkeep.query(PURGE_QUARANTINE_SQL, [LIMITS.quarantineDays]);
    purged += gone.length;
    if (gone.length < QUARANTINED_PER_STATEMENT) return purged;
  }
}

/** Workspace by workspace, as the index by age is; what a deleted one left goes with the rest of it. */
export const PURGE_QUARANTINE_SQL = sqlText`
  delete from quarantined_events where (${QUARANTINED.workspace_id}, ${QUARANTINED.id}) in (
    select ${q.workspace_id}, ${q.id} from workspaces w cross join lateral (
      select ${QUARANTINED.workspace_id}, ${QUARANTINED.id} from quarantined_events
      where ${QUARANTINED.workspace_id} = ${w.id} and ${QUARANTINED.received_at} < now() - make_interval(days => $1)
      limit ${QUARANTINED_PER_STATEMENT} for update skip locked
    ) q limit ${QUARANTINED_PER_STATEMENT}
  ) returning 1`;

/** Days that counts of what keys record are kept: those of the month before the current one, too. */
const USAGE_DAYS = 62;

/** What keys recorded long ago, and what those recorded that are no more. A batch at a time. */
export async function purgeUsage(upkeep: Pool): Promise<number> {
  for (let purged = 0; ;) {
    const gone = await upkeep.query(PURGE_USAGE_SQL);
    purged += gone.length;
    if (gone.length < PURGED_PER_STATEMENT) return purged;
  }
}

const PURGE_USAGE_SQL = sqlText`
  delete from key_usage where (${USAGE.key_id}, ${USAGE.day}) in (
    select ${u.key_id}, ${u.day} from key_usage u
    where ${u.day} < current_date - ${USAGE_DAYS}
      or not exists (select from api_keys k where ${k.id} = ${u.key_id})
    limit ${PURGED_PER_STATEMENT} for update skip locked
  ) returning 1`;
