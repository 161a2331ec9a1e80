/**
 * The parts of the fold's work. Each is one transaction under the fold's lock, does a bounded
 * piece and says whether it found any: whoever runs it goes on until it did not.
 */
import { GRAINS, minutesKeptSince } from '../core/bucket.ts';
import type { Connection, Lane } from '../db/client.ts';
import { tryLocked } from '../db/try-lock.ts';
import { foldBatch } from './fold-batch.ts';
import { rebuildNext, zoneOfTag } from './fold-days.ts';
import { dropNext, fillNext, syncFills } from './fold-measures.ts';

/** Whether there may be more to do; null while another process folds. */
export type Job = () => Promise<boolean | null>;

export interface JobOptions {
  readonly upkeep: Lane;
  readonly nowMs: () => number;
  readonly onFolded?: (workspaceIds: readonly number[]) => void;
}

const LOCK_KEY = 718_302;
const MINUTES_REMOVED_MAX = 20_000;

/** In the order in which they are to run; of these workspaces, or of all. */
export function foldJobs(options: JobOptions, workspaceIds: readonly number[] | null): Job[] {
  const { upkeep, nowMs, onFolded } = options;
  return [
    async () => {
      const batch = await locked(upkeep, c => foldBatch(c, workspaceIds, nowMs()));
      if (batch === null) return null;
      if (batch.workspaceIds.length > 0) onFolded?.(batch.workspaceIds);
      // What is recorded meanwhile is left to gather, or small flushes were folded one by one.
      return !batch.isAll;
    },
    () => locked(upkeep, async c => (await syncFills(c, workspaceIds), false)),
    () => locked(upkeep, c => rebuildNext(c, workspaceIds)),
    () => locked(upkeep, c => fillNext(c, workspaceIds, { nowMs: nowMs(), zoneOfTag })),
    () => locked(upkeep, c => dropNext(c, workspaceIds)),
  ];
}

/** Nobody reads minutes this old. One statement's worth at a time. */
export function removeOldMinutes({ upkeep, nowMs }: JobOptions): Job {
  return () =>
    locked(upkeep, async connection => {
      for (const table of ['event_counts', 'event_measures']) {
        await connection.query(
          `delete from ${table} where ctid = any (array(
             select c.ctid from workspaces w cross join lateral (
               select ctid from ${table}
               where workspace_id = w.id and grain = ${GRAINS.MINUTE} and bucket < $1
               limit ${MINUTES_REMOVED_MAX}
             ) c limit ${MINUTES_REMOVED_MAX}))`,
          [new Date(minutesKeptSince(nowMs()))],
        );
      }
      return false;
    });
}

/** One folder at a time over all processes. */
function locked<T>(upkeep: Lane, work: (connection: Connection) => Promise<T>): Promise<T | null> {
  return tryLocked(upkeep, LOCK_KEY, work);
}
