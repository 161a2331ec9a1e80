import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Job {
  readonly name: string;
  readonly everyMs: number;
  /** Does a bounded piece; true where it is to be called again as soon as others had their turn. */
  readonly run: () => Promise<boolean>;
}

export interface JobScheduler {
  start(): void;
  /** Waits for the piece that runs. */
  stop(): Promise<void>;
}

/** The first turn of what is done seldom, so that it is done also where gateways start often. */
const FIRST_AFTER_MS = 60_000;
/** A moment for others after each round of work, however short it was. */
const REST_MIN_MS = 5;

/**
 * Runs each job at its interval, one at a time; a job that fails is told of and tried at its next
 * turn. While any has more to do, all rest for as long as they worked: a long removal takes half
 * of the time of one connection.
 */
export function createJobScheduler(
  jobs: readonly Job[],
  onError: (job: string, error: unknown) => void,
): JobScheduler {
  const stopping = new AbortController();
  const first = ({ everyMs }: Job) => performance.now() + Math.min(everyMs, FIRST_AFTER_MS);
  const dueMs = new Map(jobs.map(job => [job, first(job)]));
  let running: Promise<void> | undefined;

  async function round(): Promise<boolean> {
    let isMore = false;
    for (const job of jobs) {
      if (stopping.signal.aborted) return false;
      if (performance.now() < (dueMs.get(job) ?? 0)) continue;
      const hasMore = await job.run().catch((error: unknown) => {
        onError(job.name, error);
        return false;
      });
      dueMs.set(job, hasMore ? 0 : performance.now() + job.everyMs);
      isMore ||= hasMore;
    }
    return isMore;
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      const startedMs = performance.now();
      const isMore = await round();
      const now = performance.now();
      const restMs = isMore ? now - startedMs : Math.min(...dueMs.values()) - now;
      const options = { signal: stopping.signal, ref: false };
      await sleep(Math.max(REST_MIN_MS, restMs), undefined, options).catch(() => {});
    }
  }

  return {
    start() {
      running ??= run();
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
