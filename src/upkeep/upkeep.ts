/**
 * What keeps the tables in order while the gateway runs: partitions ahead, statistics for the
 * planner (autovacuum never analyses a partitioned parent), what deleted workspaces left; and, in
 * turns of their own, since they are to be prompt, expiry and retention. Each job does a small
 * piece at a time, is tried again at the next turn when it fails, and is safe in several processes.
 */
import type { Pool } from '../db/client.ts';
import { analyzeLog, ensurePartitions } from '../db/partitions.ts';
import { cutNext } from '../evidence/removal.ts';
import { expireNext, expireQuarantined } from './expiry.ts';
import { createJobScheduler, type Job } from './job-scheduler.ts';
import { type Batch, NOTHING, removing } from './removal.ts';
import { isSweepDue, type KeySweep, sweepKeys } from './retention-keys.ts';
import { removePartitions } from './retention-partitions.ts';
import { lookUpTails, removeNext } from './retention.ts';
import {
  countFaults,
  type FaultFigures,
  forgetFaults,
  NO_FAULTS,
  notingFaults,
} from './upkeep-faults.ts';
import {
  readOldestSnapshot,
  readRemovalLag,
  readWaiting,
  type RemovalFigures,
  type WaitingFigures,
} from './upkeep-figures.ts';
import { purgeDeleted, purgeParked, purgeQuarantine } from './upkeep-purge.ts';

/** As pino has it. */
export interface UpkeepLogger {
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
}

export interface UpkeepOptions {
  readonly upkeep: Pool;
  readonly logger: UpkeepLogger;
  /** Between two looks for what has expired or is no longer to be kept. @default 15000 */
  readonly removalEveryMs?: number;
  /** A snapshot that is open for longer is warned of. @default 900 */
  readonly snapshotWarnS?: number;
}

/** Counts of this process, and figures of the database as they were at the last look. */
export interface UpkeepStats extends RemovalFigures, WaitingFigures, FaultFigures {
  readonly eventsRemoved: number;
  readonly eventsExpired: number;
  readonly partitionsRemoved: number;
}

export interface Upkeep {
  /** Runs what must stand before the first event, then the rest in turns. */
  start(): Promise<void>;
  /** Waits for the piece of work that runs. */
  stop(): Promise<void>;
  stats(): UpkeepStats;
}

const EVERY_MS = 10 * 60_000;
/** What expires is emptied within a minute of it. */
const REMOVAL_EVERY_MS = 15_000;
const PARTITIONS_EVERY_MS = 60_000;
const SWEEP_EVERY_MS = 10 * 60_000;
/** A line of log for a removal that goes on, and for a snapshot that stays open. */
const SAY_EVERY_MS = 60_000;
/** A dump of a large database takes as long; a forgotten transaction does not end. */
const SNAPSHOT_WARN_S = 15 * 60;

export function createUpkeep(options: UpkeepOptions): Upkeep {
  const { upkeep, logger } = options;
  const onError = (job: string, err: unknown) =>
    logger.warn({ job, err }, 'upkeep failed and is tried again');
  const removal = new Removal(options);
  const turns = [
    createJobScheduler(tidying(upkeep), onError),
    createJobScheduler(removal.jobs, onError),
  ];
  return {
    async start() {
      await ensurePartitions(upkeep);
      for (const each of turns) each.start();
    },
    async stop() {
      await Promise.all(turns.map(each => each.stop()));
    },
    stats: () => removal.stats,
  };
}

function tidying(upkeep: Pool): Job[] {
  const jobs = {
    partitions: () => ensurePartitions(upkeep),
    statistics: () => analyzeLog(upkeep),
    purge: () => purgeDeleted(upkeep),
    quarantine: () => purgeQuarantine(upkeep),
    parked: () => purgeParked(upkeep),
    faults: () => forgetFaults(upkeep),
  };
  return Object.entries(jobs).map(([name, work]) => ({
    name,
    everyMs: EVERY_MS,
    run: async () => {
      await work();
      return false;
    },
  }));
}

class Removal {
  readonly jobs: readonly Job[];
  stats: UpkeepStats = {
    eventsRemoved: 0,
    eventsExpired: 0,
    partitionsRemoved: 0,
    oldestEventS: 0,
    retentionLagS: 0,
    expiryLagS: 0,
    snapshotS: 0,
    foldLagEvents: 0,
    foldLagS: 0,
    evidenceLagEvents: 0,
    quarantined: 0,
    ...NO_FAULTS,
  };
  readonly #upkeep: Pool;
  readonly #logger: UpkeepLogger;
  readonly #snapshotWarnS: number;
  #sweep: KeySweep | null = null;
  readonly #saidMs = new Map<string, number>();

  constructor(options: UpkeepOptions) {
    const { removalEveryMs = REMOVAL_EVERY_MS, snapshotWarnS = SNAPSHOT_WARN_S } = options;
    this.#upkeep = options.upkeep;
    this.#logger = options.logger;
    this.#snapshotWarnS = snapshotWarnS;
    const everyMs = removalEveryMs;
    this.jobs = [
      { name: 'expiry', everyMs, run: () => this.#expire() },
      { name: 'retention', everyMs, run: () => this.#remove() },
      { name: 'evidence', everyMs, run: () => this.#cutTrees() },
      { name: 'old partitions', everyMs: PARTITIONS_EVERY_MS, run: () => this.#removePartitions() },
      { name: 'keys', everyMs: SWEEP_EVERY_MS, run: () => this.#sweepKeys() },
      { name: 'removal figures', everyMs, run: () => this.#look() },
    ];
  }

  async #expire(): Promise<boolean> {
    const { events, isMore } = (await this.#noting(() => expireNext(this.#upkeep))) ?? NOTHING;
    const eventsExpired = this.stats.eventsExpired + events;
    this.stats = { ...this.stats, eventsExpired };
    return (await expireQuarantined(this.#upkeep)) > 0 || isMore;
  }

  async #remove(): Promise<boolean> {
    await lookUpTails(this.#upkeep);
    const { isMore } = this.#counted(await this.#noting(() => removeNext(this.#upkeep)));
    if (isMore) this.#say('removal', this.stats, 'removing events that are no longer kept');
    return isMore;
  }

  async #cutTrees(): Promise<boolean> {
    return (await removing(this.#upkeep, cutNext)) === true;
  }

  async #removePartitions(): Promise<boolean> {
    const removed = await removePartitions(this.#upkeep);
    this.#counted(removed);
    if (removed === null || removed.partitions === 0) return false;
    const partitionsRemoved = this.stats.partitionsRemoved + removed.partitions;
    this.stats = { ...this.stats, partitionsRemoved };
    this.#logger.info(removed, 'partitions were removed whose events are no longer kept');
    return false;
  }

  /** What fails for one workspace is noted: the next piece is another's. */
  #noting(work: () => Promise<Batch | null>): Promise<Batch | null> {
    const options = { upkeep: this.#upkeep, logger: this.#logger };
    return notingFaults(options, work).then(batch =>
      batch === undefined ? { events: 0, isMore: true } : batch,
    );
  }

  #counted(batch: Batch | null): Batch {
    const { events, isMore } = batch ?? NOTHING;
    this.stats = { ...this.stats, eventsRemoved: this.stats.eventsRemoved + events };
    return { events, isMore };
  }

  async #sweepKeys(): Promise<boolean> {
    if (this.#sweep === null) {
      if (!(await isSweepDue(this.#upkeep))) return false;
      this.#sweep = { partition: 0, block: 0 };
    }
    const before = this.#sweep;
    this.#sweep = await sweepKeys(this.#upkeep, before);
    return this.#sweep !== null && this.#sweep !== before;
  }

  async #look(): Promise<boolean> {
    const lag = await readRemovalLag(this.#upkeep);
    const snapshot = await readOldestSnapshot(this.#upkeep);
    const faults = await countFaults(this.#upkeep);
    const waiting = await readWaiting(this.#upkeep);
    this.stats = {
      ...this.stats,
      ...lag,
      ...waiting,
      ...faults,
      snapshotS: snapshot?.seconds ?? 0,
    };
    if (snapshot !== null && snapshot.seconds > this.#snapshotWarnS) {
      const message =
        'a snapshot stays open: removed rows keep their space, and reads become slower';
      this.#say('snapshot', snapshot, message);
    }
    return false;
  }

  #say(about: 'removal' | 'snapshot', facts: object, message: string): void {
    const nowMs = performance.now();
    if (nowMs - (this.#saidMs.get(about) ?? -Infinity) < SAY_EVERY_MS) return;
    this.#saidMs.set(about, nowMs);
    if (about === 'snapshot') this.#logger.warn(facts, message);
    else this.#logger.info(facts, message);
  }
}
