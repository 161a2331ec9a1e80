/**
 * Work on schemas in a thread of its own, one job at a time. A job that does not end in time ends
 * with the thread, and so does what makes the thread fail: the next job gets a new one. Workspaces
 * share the thread by time: whoever has used it least lately is next.
 */
import { LRUCache } from 'lru-cache';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { Worker, type WorkerOptions } from 'node:worker_threads';
import type { Answer } from './evaluate.ts';

export interface ToThread {
  readonly schema: string;
  /** Null: only compile. */
  readonly payload: string | null;
}
export type FromThread = Answer | 'READY';

/** What all jobs of one request may take together. */
export interface JobTime {
  leftMs: number;
}

export interface Job extends ToThread {
  readonly workspaceId: number;
  readonly time: JobTime;
}

interface Waiting extends Job {
  attempts: number;
  settle(answer: Answer): void;
}

/** The thread itself gives up before: this is for what it does not notice. */
const JOB_MS_MAX = 6_000;
const START_MS_MAX = 60_000;
/** A thread that fails may do so for reasons of its own. */
const ATTEMPTS_MAX = 2;
const TOO_COSTLY: Answer = { kind: 'TOO_COSTLY' };

const RESOURCES = { maxOldGenerationSizeMb: 384, maxYoungGenerationSizeMb: 32, stackSizeMb: 4 };

export class SchemaThread {
  readonly #onError: (error: unknown) => void;
  readonly #waiting = new Map<number, Waiting[]>();
  readonly #used = new UsedTime();
  #worker: Worker | null = null;
  #isReady = false;
  #running: Waiting | null = null;
  #startedMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  /** @param onError hears of a thread that failed or was ended. */
  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  run(job: Job): Promise<Answer> {
    return new Promise(settle => {
      const waiting = { ...job, attempts: 0, settle };
      const others = this.#waiting.get(job.workspaceId);
      if (others === undefined) this.#waiting.set(job.workspaceId, [waiting]);
      else others.push(waiting);
      this.#next();
    });
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#settle(TOO_COSTLY);
    for (const jobs of this.#waiting.values()) for (const job of jobs) job.settle(TOO_COSTLY);
    this.#waiting.clear();
    const worker = this.#worker;
    this.#drop();
    await worker?.terminate();
  }

  #next(): void {
    if (this.#isStopped || this.#running !== null || this.#waiting.size === 0) return;
    this.#worker ??= this.#start();
    if (!this.#isReady) return;
    const job = this.#takeInTime();
    if (job === null) return;
    this.#running = job;
    job.attempts += 1;
    this.#startedMs = performance.now();
    this.#timer = setTimeout(() => this.#end('a schema took too long'), JOB_MS_MAX);
    this.#worker.postMessage({ schema: job.schema, payload: job.payload } satisfies ToThread);
  }

  /** The next job whose request has time left. */
  #takeInTime(): Waiting | null {
    while (this.#waiting.size > 0) {
      const job = this.#take();
      if (job.time.leftMs > 0) return job;
      job.settle(TOO_COSTLY);
    }
    return null;
  }

  #take(): Waiting {
    const workspaceId = this.#used.least(this.#waiting.keys());
    const jobs = this.#waiting.get(workspaceId) as Waiting[];
    const job = jobs.shift() as Waiting;
    if (jobs.length === 0) this.#waiting.delete(workspaceId);
    return job;
  }

  #start(): Worker {
    const worker = startWorker();
    // A thread that waits does not keep the process alive.
    worker.unref();
    worker.on('message', (message: FromThread) => this.#hear(worker, message));
    worker.on('error', error => this.#fail(worker, error));
    worker.on('exit', () => this.#fail(worker, new Error('the thread for schemas has ended')));
    this.#timer = setTimeout(
      () => this.#end('the thread for schemas does not start'),
      START_MS_MAX,
    );
    return worker;
  }

  #hear(worker: Worker, message: FromThread): void {
    if (worker !== this.#worker) return;
    clearTimeout(this.#timer);
    if (message === 'READY') this.#isReady = true;
    else this.#settle(message);
    this.#next();
  }

  #settle(answer: Answer): void {
    const job = this.#running;
    if (job === null) return;
    this.#running = null;
    const ms = performance.now() - this.#startedMs;
    job.time.leftMs -= ms;
    this.#used.add(job.workspaceId, ms);
    job.settle(answer);
  }

  /** Ends the thread with what it does. */
  #end(reason: string): void {
    const worker = this.#worker;
    const wasReady = this.#isReady;
    this.#onError(new Error(reason));
    this.#drop();
    void worker?.terminate();
    if (wasReady) this.#settle(TOO_COSTLY);
    else this.#giveUpOne();
    this.#next();
  }

  #fail(worker: Worker, error: unknown): void {
    if (worker !== this.#worker) return;
    this.#onError(error);
    const wasReady = this.#isReady;
    this.#drop();
    const job = this.#running;
    if (!wasReady) this.#giveUpOne();
    else if (job !== null && job.attempts < ATTEMPTS_MAX) this.#again(job);
    else this.#settle(TOO_COSTLY);
    this.#next();
  }

  #again(job: Waiting): void {
    this.#running = null;
    this.#waiting.set(job.workspaceId, [job, ...(this.#waiting.get(job.workspaceId) ?? [])]);
  }

  /** A thread that does not start takes one job with it, so that this ends. */
  #giveUpOne(): void {
    if (this.#waiting.size > 0) this.#take().settle(TOO_COSTLY);
  }

  #drop(): void {
    clearTimeout(this.#timer);
    this.#worker = null;
    this.#isReady = false;
  }
}

function startWorker(): Worker {
  // Nothing of the process is its business.
  const options: WorkerOptions = { resourceLimits: RESOURCES, env: {}, execArgv: [] };
  if (import.meta.url.endsWith('.js')) {
    return new Worker(new URL('./thread.js', import.meta.url), options);
  }
  // From source, as in development and tests, it needs the loader first.
  const tsx = createRequire(import.meta.url).resolve('tsx/package.json');
  const loader = new URL('dist/esm/api/index.mjs', pathToFileURL(tsx)).href;
  const thread = new URL('./thread.ts', import.meta.url).href;
  const code = `import('${loader}').then(({ register }) => { register(); return import('${thread}'); })`;
  return new Worker(code, { ...options, eval: true });
}

const HALVED_AFTER_MS = 2_000;
const KNOWN_MAX = 1_000;

/** What workspaces have used lately: a half counts after a while. */
class UsedTime {
  readonly #byWorkspace = new LRUCache<number, { ms: number; atMs: number }>({ max: KNOWN_MAX });

  add(workspaceId: number, ms: number): void {
    const total = this.#of(workspaceId) + ms;
    this.#byWorkspace.set(workspaceId, { ms: total, atMs: performance.now() });
  }

  least(workspaceIds: Iterable<number>): number {
    let least = Infinity;
    let found = 0;
    for (const id of workspaceIds) {
      const used = this.#of(id);
      if (used < least) {
        least = used;
        found = id;
      }
    }
    return found;
  }

  #of(workspaceId: number): number {
    const used = this.#byWorkspace.get(workspaceId);
    if (used === undefined) return 0;
    return used.ms * 0.5 ** ((performance.now() - used.atMs) / HALVED_AFTER_MS);
  }
}
