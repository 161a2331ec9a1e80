/**
 * What keeps the tables in order while the gateway runs: partitions ahead, statistics for the
 * planner (autovacuum never analyses a partitioned parent), what deleted workspaces left; and, in
 * turns of their own, since they are to be prompt, expiry and retention. One look says which steps
 * have something to do. Each job does a small
 * piece at a time, is tried again at the next turn when it fails, and is safe in several processes.
 */
import type { Connection, Pool } from '../db/client.ts';
import { analyzeLog, ensurePartitions } from '../db/partitions.ts';
import { cutNext } from '../evidence/removal.ts';
import { type Due, NOTHING_DUE, readDue } from './due.ts';
import { expireNext, expireQuarantined } from './expiry.ts';
import { createJobScheduler, type Job } from './job-scheduler.ts';
import { type Batch, NOTHING, removing } from './removal.ts';
import { isSweepDue, type KeySweep, sweepKeys } from './retention-keys.ts';
import { removePartitions } from './retention-partitions.ts';
import { lookUpTails, removeNext } from './retention.ts';
import { forgetFaults, notingFaults } from './upkeep-faults.ts';
import { createFigures, readOldestSnapshot, type UpkeepFigures } from './upkeep-figures.ts';
import { purgeDeleted, purgeParked, purgeQuarantine, purgeUsage } from './upkeep-purge.ts';

/** As pino has it. */
export interface UpkeepLogger {
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
}

export interface UpkeepOptions {
  readonly upkeep: Pool;
  /** For figures, which are read while work goes on. */
  readonly read: Connection;
  readonly logger: UpkeepLogger;
  /** Between two looks for what has expired or is no longer to be kept. @default 30000 */
  readonly removalEveryMs?: number;
  /** A snapshot that is open for longer is warned of. @default 900 */
  readonly snapshotWarnS?: number;
}

/** Counts of this process. */
export interface UpkeepStats {
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
  /** Of the database. Those who ask at the same time share one answer. Never rejects. */
  figures(): Promise<UpkeepFigures>;
}

const EVERY_MS = 10 * 60_000;
/** What expires is emptied within a minute of it. */
const REMOVAL_EVERY_MS = 30_000;
/** Those of workspaces that have nothing in them are in nobody's way. */
const PARTITIONS_EVERY_MS = 10 * 60_000;
/** Where something is no longer to be kept: a partition of which nothing is kept goes as a whole. */
const DUE_PARTITIONS_EVERY_MS = 60_000;
const SWEEP_EVERY_MS = 10 * 60_000;
/** A line of log for a removal that goes on, and for a snapshot that stays open. */
const SAY_EVERY_MS = 60_000;
const SNAPSHOT_EVERY_MS = 60_000;
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
    figures: createFigures(options),
  };
}

function tidying(upkeep: Pool): Job[] {
  const jobs = {
    partitions: () => ensurePartitions(upkeep),
    statistics: () => analyzeLog(upkeep),
    purge: () => purgeDeleted(upkeep),
    quarantine: () => purgeQuarantine(upkeep),
    parked: () => purgeParked(upkeep),
    usage: () => purgeUsage(upkeep),
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
  stats: UpkeepStats = { eventsRemoved: 0, eventsExpired: 0, partitionsRemoved: 0 };
  #due: Due = NOTHING_DUE;
  #partitionsAtMs = -Infinity;
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
    const whenDue = (step: keyof Due, work: () => Promise<boolean>) => ({
      name: step,
      everyMs,
      run: async () => this.#due[step] && ((await work()) || this.#isDone(step)),
    });
    this.jobs = [
      { name: 'what is due', everyMs, run: () => this.#look() },
      whenDue('expiry', () => this.#expire()),
      whenDue('quarantine', async () => (await expireQuarantined(this.#upkeep)) > 0),
      whenDue('tails', () => this.#lookUpTails()),
      whenDue('retention', () => this.#remove()),
      whenDue('evidence', () => this.#cutTrees()),
      {
        name: 'old partitions',
        everyMs: DUE_PARTITIONS_EVERY_MS,
        run: () => this.#removePartitions(),
      },
      { name: 'keys', everyMs: SWEEP_EVERY_MS, run: () => this.#sweepKeys() },
      {
        name: 'snapshot',
        everyMs: Math.min(SNAPSHOT_EVERY_MS, 3 * everyMs),
        run: () => this.#warnOfSnapshot(),
      },
    ];
  }

  async #look(): Promise<boolean> {
    this.#due = await readDue(this.#upkeep);
    return false;
  }

  /** Nothing is left of it until the next look. */
  #isDone(step: keyof Due): false {
    this.#due = { ...this.#due, [step]: false };
    return false;
  }

  async #expire(): Promise<boolean> {
    const { events, isMore } = (await this.#noting(() => expireNext(this.#upkeep))) ?? NOTHING;
    const eventsExpired = this.stats.eventsExpired + events;
    this.stats = { ...this.stats, eventsExpired };
    return isMore;
  }

  /** What is overdue is known only then. */
  async #lookUpTails(): Promise<boolean> {
    const found = await lookUpTails(this.#upkeep);
    if (found !== null && found > 0) this.#due = { ...this.#due, retention: true };
    return false;
  }

  async #remove(): Promise<boolean> {
    const { isMore } = this.#counted(await this.#noting(() => removeNext(this.#upkeep)));
    if (isMore) this.#say('removal', this.stats, 'removing events that are no longer kept');
    return isMore;
  }

  async #cutTrees(): Promise<boolean> {
    return (await removing(this.#upkeep, cutNext)) === true;
  }

  async #removePartitions(): Promise<boolean> {
    const isDue = this.#due.retention || nowMs() - this.#partitionsAtMs >= PARTITIONS_EVERY_MS;
    if (!isDue) return false;
    this.#partitionsAtMs = nowMs();
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

  async #warnOfSnapshot(): Promise<boolean> {
    const snapshot = await readOldestSnapshot(this.#upkeep);
    if (snapshot !== null && snapshot.seconds > this.#snapshotWarnS) {
      const message =
        'a snapshot stays open: removed rows keep their space, and reads become slower';
      this.#say('snapshot', snapshot, message);
    }
    return false;
  }

  #say(about: 'removal' | 'snapshot', facts: object, message: string): void {
    if (nowMs() - (this.#saidMs.get(about) ?? -Infinity) < SAY_EVERY_MS) return;
    this.#saidMs.set(about, nowMs());
    if (about === 'snapshot') this.#logger.warn(facts, message);
    else this.#logger.info(facts, message);
  }
}

function nowMs(): number {
  return performance.now();
}
