/**
 * The parts of the fold's work. Each is one transaction under the fold's lock, does a bounded
 * piece and says whether it found any: whoever runs it goes on until it did not.
 */
import { GRAINS, minutesKeptSince } from '../core/bucket.ts';
import { zoneOfTag } from '../core/days-tag.ts';
import type { Connection, Pool } from '../db/client.ts';
import { columnsOf, sqlText } from '../db/columns.ts';
import { tryLocked } from '../db/locks.ts';
import { eventCounts, workspaces } from '../db/schema.ts';
import { advanceTree, findTreeWork } from '../evidence/build.ts';
import { catchUpNext, type MeterFault, type MeterStep } from '../meters/advance.ts';
import { rebuildDaysNext } from '../meters/days.ts';
import { dropMetersNext } from '../meters/removal.ts';
import type { MeterScope } from '../meters/work.ts';
import { advanceSearch, findSearchWork } from '../search/build.ts';
import {
  clearFault,
  type FaultOptions,
  isOfWorkspace,
  notingFaults,
  ofWorkspace,
  WorkspaceFault,
} from '../upkeep/upkeep-faults.ts';
import { backlogsOf, foldBatch } from './fold-batch.ts';
import { rebuildNext } from './fold-days.ts';
import { dropNext, fillNext, syncFills } from './fold-measures.ts';
import { type FoldScope, mayTrySql } from './fold-scope.ts';
import type { Measure } from './fold-set-aside.ts';

const w = columnsOf(workspaces, 'w');
/** Both tables of the rollups have these. */
const COUNTS = columnsOf(eventCounts);

/** Whether there may be more to do; null while another process folds. */
export type Job = () => Promise<boolean | null>;

export interface JobOptions extends FaultOptions {
  readonly nowMs: () => number;
  readonly onFolded?: (workspaceIds: readonly number[]) => void;
  /** Whether meters are filled that do not answer yet. @default true */
  readonly fillsMeters?: boolean;
}

const LOCK_KEY = 718_302;
/** One process builds trees at a time. */
const TREE_LOCK_KEY = 718_307;
/** And indexes of searches. */
const SEARCH_LOCK_KEY = 718_308;
const MINUTES_REMOVED_MAX = 20_000;
/** Finds some four workspaces among a thousand. */
const SPLITS_MAX = 40;

/**
 * In the order in which they are to run; of these workspaces, or of all. What fails for one of them
 * is noted, and the others' turn comes; only the one workspace that was named, alone, is told.
 */
export function foldJobs(options: JobOptions, workspaces: FoldScope): Job[] {
  const { upkeep, nowMs, fillsMeters = true } = options;
  const catchUp = (c: Connection, ids: MeterScope) => catchUpNext(c, ids, fillsMeters);
  const steps: Job[] = [
    () => foldNext(options, workspaces),
    () => locked(upkeep, async c => (await syncFills(c, workspaces.ids), false)),
    () => locked(upkeep, c => rebuildNext(c, workspaces)),
    async () => {
      const place = { nowMs: nowMs(), zoneOfTag };
      const filled = await locked(upkeep, c => fillNext(c, workspaces, place));
      if (filled !== null) tellOf(options, filled.setAside);
      return filled === null ? null : filled.isMore;
    },
    () => locked(upkeep, c => dropNext(c, workspaces)),
    () => meterStep(options, workspaces.ids, rebuildDaysNext),
    () => meterStep(options, workspaces.ids, catchUp),
    () => locked(upkeep, c => dropMetersNext(c, workspaces.ids)),
  ];
  return workspaces.isNamed ? steps : steps.map(step => noting(options, step));
}

/** What fails for a meter is noted on it: nobody is told, also where its workspace was named. */
async function meterStep(
  options: JobOptions,
  ids: MeterScope,
  step: (connection: Connection, scope: MeterScope) => Promise<MeterStep>,
): Promise<boolean | null> {
  const done = await locked(options.upkeep, c => step(c, ids));
  if (done === null) return null;
  if (done.fault !== null) tellOfMeters(options, [done.fault]);
  return done.isMore;
}

function tellOfMeters({ logger }: JobOptions, faults: readonly MeterFault[]): void {
  for (const { error, ...facts } of faults) {
    const message = 'a meter could not be updated, and is tried again later';
    logger.warn({ ...facts, err: error }, message);
  }
}

/** Adds events to the trees of these workspaces, or of all. */
export function treeJob(options: JobOptions, workspaces: FoldScope): Job {
  return noting(options, () =>
    tryLocked(options.upkeep, TREE_LOCK_KEY, c => growNext(c, workspaces)),
  );
}

/** Adds events to the indexes of searches of these workspaces, or of all. */
export function searchJob(options: JobOptions, workspaces: FoldScope): Job {
  return noting(options, () =>
    tryLocked(options.upkeep, SEARCH_LOCK_KEY, c => indexNext(c, workspaces)),
  );
}

function noting(options: JobOptions, step: Job): Job {
  return async () => {
    const isMore = await notingFaults(options, step);
    // It is passed over from now on.
    return isMore === undefined ? true : isMore;
  };
}

async function foldNext(options: JobOptions, workspaces: FoldScope): Promise<boolean | null> {
  try {
    return await foldSome(options, workspaces);
  } catch (error) {
    if (workspaces.isNamed || !isOfWorkspace(error)) throw error;
    const ids = await locked(options.upkeep, c => backlogsOf(c, workspaces));
    if (ids === null) return null;
    const apart = { splits: 0 };
    return foldApart(options, ids, error, apart);
  }
}

async function foldSome(options: JobOptions, workspaces: FoldScope): Promise<boolean | null> {
  const { upkeep, nowMs, onFolded } = options;
  const batch = await locked(upkeep, c => foldBatch(c, workspaces, nowMs()));
  if (batch === null) return null;
  tellOf(options, batch.setAside);
  tellOfMeters(options, batch.meterFaults);
  if (batch.workspaceIds.length > 0) onFolded?.(batch.workspaceIds);
  // What is recorded meanwhile is left to gather, or small flushes were folded one by one.
  return !batch.isAll;
}

/**
 * Halves workspaces whose batch failed until the one is alone that it fails for. What could not be told
 * apart within the bound has its turn at the next time, without those that were found.
 */
async function foldApart(
  options: JobOptions,
  ids: readonly number[],
  failure: unknown,
  apart: { splits: number },
): Promise<boolean | null> {
  const [id] = ids;
  if (id === undefined) return false;
  if (ids.length === 1) throw new WorkspaceFault(id, 'FOLD', failure);
  if (++apart.splits > SPLITS_MAX) throw failure;
  const middle = Math.ceil(ids.length / 2);
  for (const half of [ids.slice(0, middle), ids.slice(middle)]) {
    const isMore = await notingFaults(options, async () => {
      try {
        return await foldSome(options, { ids: half, isNamed: false });
      } catch (error) {
        if (!isOfWorkspace(error)) throw error;
        return foldApart(options, half, error, apart);
      }
    });
    if (isMore === null) return null;
  }
  return true;
}

async function growNext(connection: Connection, workspaces: FoldScope): Promise<boolean> {
  const work = await findTreeWork(connection, workspaces.ids, id =>
    mayTrySql(workspaces, 'EVIDENCE', id),
  );
  if (work === null) return false;
  await ofWorkspace(work.workspaceId, 'EVIDENCE', async () => {
    await advanceTree(connection, work);
    await clearFault(connection, work.workspaceId, 'EVIDENCE');
  });
  return true;
}

async function indexNext(connection: Connection, workspaces: FoldScope): Promise<boolean> {
  const work = await findSearchWork(connection, workspaces.ids, id =>
    mayTrySql(workspaces, 'SEARCH', id),
  );
  if (work === null) return false;
  await ofWorkspace(work.workspaceId, 'SEARCH', async () => {
    await advanceSearch(connection, work);
    await clearFault(connection, work.workspaceId, 'SEARCH');
  });
  return true;
}

function tellOf({ logger }: JobOptions, setAside: readonly Measure[]): void {
  for (const measure of setAside) {
    const message =
      'a measure is now counted from its events, because one of them has a number that is too long';
    logger.warn(measure, message);
  }
}

/** Nobody reads minutes this old. One statement's worth at a time; `onMore` is told when it was full. */
export function removeOldMinutes({ upkeep, nowMs }: JobOptions, onMore: () => void): Job {
  return () =>
    locked(upkeep, async connection => {
      for (const table of [sqlText`event_counts`, sqlText`event_measures`]) {
        const removed = await connection.query(
          sqlText`delete from ${table} where ctid = any (array(
             select c.ctid from workspaces w cross join lateral (
               select ctid from ${table}
               where ${COUNTS.workspace_id} = ${w.id} and ${COUNTS.grain} = ${GRAINS.MINUTE} and ${COUNTS.bucket} < $1
               limit ${MINUTES_REMOVED_MAX}
             ) c limit ${MINUTES_REMOVED_MAX})) returning 1`,
          [new Date(minutesKeptSince(nowMs()))],
        );
        if (removed.length === MINUTES_REMOVED_MAX) onMore();
      }
      return false;
    });
}

/** One folder at a time over all processes. */
function locked<T>(upkeep: Pool, work: (connection: Connection) => Promise<T>): Promise<T | null> {
  return tryLocked(upkeep, LOCK_KEY, work);
}
