import { sql } from 'drizzle-orm';
import { AUDIT_WORKSPACE_ID } from '../core/audit.ts';
import { GRAINS } from '../core/bucket.ts';
import { columnsOf } from '../db/columns.ts';
import type { Connection } from '../db/connection.ts';
import { rows } from '../db/query.ts';
import { eventCounts, workspaceHeads, workspaceMarks } from '../db/schema.ts';

const h = columnsOf(workspaceHeads, 'h');
const m = columnsOf(workspaceMarks, 'm');
const c = columnsOf(eventCounts, 'c');
const HEADS = columnsOf(workspaceHeads);

/** Over which the growth of a day is told. */
const DAYS = 7;

export interface StorageUse {
  /** Of the whole database. */
  readonly usedBytes: number;
  /**
   * What an event takes, by as many as happened on a day of the last week. Those of the audit do not
   * count: they are few, and a new database has no others.
   */
  readonly bytesPerDay: number;
}

/** Sizes are those of files, so that this costs the same for any number of events. */
export async function readStorageUse(read: Connection, now: Date): Promise<StorageUse> {
  const since = new Date(now.getTime() - DAYS * 86_400_000);
  const [row] = await rows<{ used: number; event_bytes: number; kept: number; a_day: number }>(
    read,
    sql`
      select pg_database_size(current_database()) as used,
        (select coalesce(sum(pg_total_relation_size(p.relid)), 0)::float8
          from (values ('events'), ('event_keys')) as t (name)
          cross join lateral pg_partition_tree(t.name::regclass) p where p.isleaf) as event_bytes,
        (select coalesce(sum(${h.head} - ${m.tail} + 1), 0)::float8
          from workspace_marks m
          join (select ${HEADS.workspace_id}, max(${HEADS.head}) as ${HEADS.head} from workspace_heads group by 1) h
            using (${HEADS.workspace_id})) as kept,
        (select coalesce(sum(${c.count}) / greatest(1, least(${DAYS}::float8,
            extract(epoch from ${now}::timestamptz - min(${c.bucket})) / 86400)), 0)::float8
          from event_counts c
          where ${c.workspace_id} <> ${AUDIT_WORKSPACE_ID} and ${c.grain} = ${GRAINS.DAY} and ${c.bucket} >= ${since} and ${c.bucket} <= ${now}) as a_day`,
  );
  if (row === undefined) throw new Error('the sizes are one row');
  const { used, event_bytes, kept, a_day } = row;
  return { usedBytes: used, bytesPerDay: Math.round((event_bytes / Math.max(kept, 1)) * a_day) };
}
