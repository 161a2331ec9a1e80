/**
 * Keys outlive their events until `dedupeDays` have passed since they were recorded, so that a
 * late retry is still known. They are found by reading all keys once a day, block by block in the
 * order of the disk: an index by time would cost every flush, and to look each up when its event
 * goes costs more than this, and finds nothing where a partition is dropped whole.
 */
import type { Pool } from '../db/client.ts';
import { columnsOf, rawSql, sqlText } from '../db/columns.ts';
import { eventKeys, installation, workspaceMarks, workspaces } from '../db/schema.ts';
import { removing } from './removal.ts';

const w = columnsOf(workspaces, 'w');
const k = columnsOf(eventKeys, 'k');
const m = columnsOf(workspaceMarks, 'm');
const INSTALLATION = columnsOf(installation);
const MARKS = columnsOf(workspaceMarks);

/** 2 MiB: some 20,000 keys. */
const BLOCKS = 256;

/** How far a sweep has come. */
export interface KeySweep {
  readonly partition: number;
  readonly block: number;
}

/** Whether a day has passed since the last sweep, and any event was removed. */
export async function isSweepDue(upkeep: Pool): Promise<boolean> {
  const [row] = await upkeep.query<{ due: boolean }>(
    sqlText`select coalesce(${INSTALLATION.keys_swept_at} < now() - interval '1 day', true)
       and exists (select from workspace_marks where ${MARKS.tail} > 1) as due
     from installation`,
  );
  return row?.due === true;
}

/**
 * Removes what is due from some blocks. Returns where to go on, null at the end, which is noted;
 * the same place while another process removes.
 */
export async function sweepKeys(upkeep: Pool, at: KeySweep): Promise<KeySweep | null> {
  const next = await removing(upkeep, async connection => {
    const [partition] = await connection.query<{ table: string; blocks: number }>(
      `select i.inhrelid::regclass::text as table,
         pg_relation_size(i.inhrelid) / current_setting('block_size')::int as blocks
       from pg_inherits i where i.inhparent = 'event_keys'::regclass
       order by i.inhrelid offset $1 limit 1`,
      [at.partition],
    );
    if (partition === undefined) {
      await connection.query(
        sqlText`update installation set ${INSTALLATION.keys_swept_at} = now()`,
      );
      return { sweep: null };
    }
    const end = at.block + BLOCKS;
    await connection.query(sweepSql(partition.table), [`(${at.block},0)`, `(${end},0)`]);
    const isLast = end >= partition.blocks;
    const sweep = isLast ? { partition: at.partition + 1, block: 0 } : { ...at, block: end };
    return { sweep };
  });
  return next === null ? at : next.sweep;
}

export const sweepSql = (table: string) => sqlText`
  delete from ${rawSql(table)} k using workspaces w, workspace_marks m
  where k.ctid >= $1::text::tid and k.ctid < $2::text::tid
    and ${w.id} = ${k.workspace_id} and ${m.workspace_id} = ${k.workspace_id} and ${k.position} < ${m.tail}
    and ${k.recorded_at} < now() - make_interval(days => ${w.dedupe_days})`;
