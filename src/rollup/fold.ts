/**
 * The fold: a background job that adds recorded events to the rollups. The log itself is the list
 * of deltas; `workspace_marks.folded` says up to where it is counted, and every reader of rollups
 * counts the events behind that place itself, in the same snapshot. So an answer is exact at once,
 * however far the fold is behind, and a flush writes no row that another flush writes.
 *
 * What was measured and left (2 writers, single-event flushes, a snapshot held open for 30 s,
 * Postgres 15, durable commits; flushes/s at the start → at the end of those 30 s):
 *
 *   head in a locked row, counters updated in the flush     1,375 → 542, and falling
 *   advisory lock, counters updated in the flush            1,600 → 569
 *   advisory lock, heads appended, nothing hot (this)       1,725 … 1,932, flat
 *
 * In batches of 1,000 events the counters cost a quarter of the ingest. Deltas in a table of their
 * own would be written, read and deleted once for each event, and say no more than the log does.
 *
 * What it costs (one machine of two cores, embedded Postgres 18): events of the present fold at
 * 160,000 to 400,000/s and take about 3 % of the time beside single-event flushes; events spread at
 * random over a year, each its own row at every grain, at 25,000 to 32,000/s. With a million of
 * those a year by day of 20 types takes 34 ms (60 ms with 20,000 events not folded yet), by days of
 * another zone 490 ms; grouping the events takes 600 ms and grows with them.
 *
 * One process folds at a time: whoever has the lock of a transaction. A batch is one transaction;
 * a process that dies in it has counted nothing.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from '../db/client.ts';
import type { FaultLogger } from '../upkeep/upkeep-faults.ts';
import { foldJobs, type Job, removeOldMinutes, searchJob, treeJob } from './fold-jobs.ts';
import { readMark } from './fold-mark.ts';
import type { FoldScope } from './fold-scope.ts';

export interface Fold {
  /** These have recorded something, or changed their zone or measures: a hint, at no cost. */
  note(workspaceIds: Iterable<number>): void;
  start(): void;
  /** Waits for the batch that runs. */
  stop(): Promise<void>;
  /**
   * Folds all that is recorded by now and all that is left to fill and to make anew; of one
   * workspace, or of all, and then the trees and the indexes of searches too. Waits while another process folds.
   * @throws what keeps the one workspace from being folded; of several it is noted
   */
  foldNow(workspaceId?: number, options?: FoldNowOptions): Promise<void>;
}

export interface FoldNowOptions {
  /** Whether meters are filled that do not answer yet, which may take minutes. @default true */
  readonly fillsMeters?: boolean;
}

export interface FoldOptions {
  readonly upkeep: Pool;
  readonly logger: FaultLogger;
  readonly nowMs: () => number;
  /** After the commit; a fault in it is the caller's. */
  readonly onFolded?: (workspaceIds: readonly number[]) => void;
}

/** Between two batches while there is work, so that small flushes are counted many at a time. */
const GATHER_MS = 1_000;
/** A look at all workspaces: what other processes recorded, and died before noting. */
const LOOK_MS = 60_000;
const WHOLE_LOOK_MS = 10 * 60_000;
/** Then those that were noted meanwhile have their turn too. */
const TURN_MS_MAX = 5_000;
const NOTED_AT_ONCE_MAX = 1_000;
const RETRY_LOCK_MS = 20;

export function createFold(options: FoldOptions): Fold {
  // Trees and indexes grow beside the fold: the rollups do not wait for a long log that begins one.
  const loops = [foldLoop(options), treeLoop(options), searchLoop(options)];
  return {
    note(workspaceIds) {
      // An iterator gives its values once.
      const ids = [...workspaceIds];
      for (const loop of loops) loop.note(ids);
    },
    start() {
      for (const loop of loops) loop.start();
    },
    async stop() {
      await Promise.all(loops.map(loop => loop.stop()));
    },
    async foldNow(workspaceId, { fillsMeters = true } = {}) {
      const isNamed = workspaceId !== undefined;
      const scope = { ids: isNamed ? [workspaceId] : null, isNamed };
      const beside = isNamed ? [] : [treeJob(options, scope), searchJob(options, scope)];
      for (const job of [...foldJobs({ ...options, fillsMeters }, scope), ...beside]) {
        for (let more: boolean | null = true; more !== false;) {
          more = await job();
          if (more === null) await sleep(RETRY_LOCK_MS);
        }
      }
    },
  };
}

interface LoopOptions extends Pick<FoldOptions, 'upkeep' | 'logger' | 'nowMs'> {
  /** At a look, which is of all workspaces, `lookSoon` asks for another. */
  readonly jobsOf: (scope: FoldScope, lookSoon: (() => void) | null) => Job[];
  readonly onFailure: string;
}

function foldLoop(options: FoldOptions): Loop {
  return new Loop({
    ...options,
    jobsOf: (scope, lookSoon) => [
      ...foldJobs(options, scope),
      ...(lookSoon === null ? [] : [removeOldMinutes(options, lookSoon)]),
    ],
    onFailure: 'the rollups are late: a fold failed and is tried again',
  });
}

function treeLoop(options: FoldOptions): Loop {
  return new Loop({
    ...options,
    jobsOf: scope => [treeJob(options, scope)],
    onFailure: 'the trees of evidence are late: adding to them failed and is tried again',
  });
}

function searchLoop(options: FoldOptions): Loop {
  return new Loop({
    ...options,
    jobsOf: scope => [searchJob(options, scope)],
    onFailure: 'the search indexes are late: adding to them failed and is tried again',
  });
}

/** STOPPED → WAITING (a timer is set) ⇄ WORKING → STOPPED. */
class Loop {
  readonly #options: LoopOptions;
  readonly #noted = new Set<number>();
  #lookAtMs = 0;
  /** Of the database, before the last look that left nothing to do. */
  #mark: string | null = null;
  #wholeLookAtMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #working: Promise<void> | undefined;
  #started = false;

  constructor(options: LoopOptions) {
    this.#options = options;
  }

  note(workspaceIds: Iterable<number>): void {
    const wasIdle = this.#noted.size === 0;
    for (const id of workspaceIds) this.#noted.add(id);
    if (wasIdle && this.#noted.size > 0) this.#schedule();
  }

  start(): void {
    if (this.#started) return;
    this.#started = true;
    this.#lookAtMs = 0;
    this.#schedule();
  }

  async stop(): Promise<void> {
    this.#started = false;
    clearTimeout(this.#timer);
    await this.#working;
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    if (!this.#started || this.#working !== undefined) return;
    const toLookMs = Math.max(0, this.#lookAtMs - this.#options.nowMs());
    const waitMs = this.#noted.size > 0 ? Math.min(GATHER_MS, toLookMs) : toLookMs;
    // A clock that was put back must not silence it.
    this.#timer = setTimeout(() => this.#run(), Math.min(waitMs, LOOK_MS));
    this.#timer.unref();
  }

  #run(): void {
    this.#working = this.#turn().finally(() => {
      this.#working = undefined;
      this.#schedule();
    });
  }

  async #turn(): Promise<void> {
    const { logger, nowMs, jobsOf, onFailure } = this.#options;
    const isLook = nowMs() >= this.#lookAtMs;
    this.#lookAtMs = isLook ? nowMs() + LOOK_MS : Math.min(this.#lookAtMs, nowMs() + LOOK_MS);
    const ids = [...this.#noted].slice(0, NOTED_AT_ONCE_MAX);
    for (const id of ids) this.#noted.delete(id);
    const lookSoon = () => (this.#lookAtMs = nowMs() + GATHER_MS);
    const scope = { ids: isLook ? null : ids, isNamed: false };
    const jobs = jobsOf(scope, isLook ? lookSoon : null);
    try {
      const mark = isLook ? await readMark(this.#options.upkeep) : null;
      if (ids.length === 0 && this.#isKnown(mark)) return;
      if (isLook) this.#wholeLookAtMs = nowMs() + WHOLE_LOOK_MS;
      const end = await this.#work(jobs);
      if (isLook) this.#mark = end === 'DONE' ? mark : null;
      if (end !== 'DONE') for (const id of ids) this.#noted.add(id);
      if (end === 'MORE' && isLook) lookSoon();
    } catch (error) {
      logger.warn({ err: error }, onFailure);
      for (const id of ids) this.#noted.add(id);
      this.#lookAtMs = nowMs() + GATHER_MS;
    }
  }

  /** Whether a look would find nothing. Old minutes are to go now and then all the same. */
  #isKnown(mark: string | null): boolean {
    const isSoon = this.#options.nowMs() < this.#wholeLookAtMs;
    return isSoon && mark !== null && mark === this.#mark;
  }

  /** ELSEWHERE: another process folds, and then does what is left. MORE: others' turn has come. */
  async #work(jobs: readonly Job[]): Promise<'DONE' | 'MORE' | 'ELSEWHERE'> {
    const startedMs = performance.now();
    // In turns: a long fill does not keep what is recorded meanwhile from being folded.
    for (let left = jobs; left.length > 0 && this.#started;) {
      const again: Job[] = [];
      for (const job of left) {
        if (!this.#started) return 'DONE';
        const isMore = await job();
        if (isMore === null) return 'ELSEWHERE';
        if (isMore) again.push(job);
      }
      if (again.length > 0 && performance.now() - startedMs > TURN_MS_MAX) return 'MORE';
      const isFirst = (job: Job) => job === jobs[0];
      left = again.length === 0 || again.some(isFirst) ? again : [...jobs.slice(0, 1), ...again];
    }
    return 'DONE';
  }
}
