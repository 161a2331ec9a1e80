/**
 * The reader of new events, one in a process: of the workspaces that somebody here watches, and
 * only of those whose head is known to lie beyond their ring. A hint with positions tells that
 * by itself; the hint `ALL`, which also the poll gives, asks for the heads. While the database is
 * away it backs off and goes on: rings stand still and nothing is lost. A workspace whose own reads
 * fail rests alone.
 *
 * With the heads it asks how many redactions there were: a rise means that what is held of the
 * workspace is no longer true. Where it could not ask for too long, nothing that is held counts.
 */
import { isUnavailable } from '../core/errors.ts';
import { toGatewayError } from '../db/sqlstate.ts';
import type { LiveLimits } from './limits.ts';
import type { EventLog, LogHead } from './log.ts';
import { backOff, type Patience } from './retry.ts';
import { weigh } from './ring.ts';
import type { Forgotten, Hint } from './wakeup.ts';
import type { Watch } from './watch.ts';

export interface TailOptions {
  readonly log: EventLog;
  readonly watches: ReadonlyMap<number, Watch>;
  readonly limits: LiveLimits;
  readonly patience: Patience;
  /** Of what was redacted, or may have been: nothing that was read before is handed out. */
  readonly forget: (forgotten: Forgotten) => void;
}

/** One read should bring about as many bytes. */
const READ_BYTES_AIM = 1_048_576;
/** For as long what is held is taken to be true without asking. */
const UNASKED_MAX_MS = 5_000;

export class Tail {
  readonly #options: TailOptions;
  readonly #behind = new Set<Watch>();
  /** Their last read failed: they wait for the next by themselves. */
  readonly #resting = new Set<Watch>();
  #lookAtAll = false;
  /** What is held was true then, or was read later. */
  #trueAtMs = -Infinity;
  #running: Promise<void> | null = null;
  #reads = 0;

  constructor(options: TailOptions) {
    this.#options = options;
  }

  get reads(): number {
    return this.#reads;
  }

  /** Looks where the hint says. Never waits. */
  look(hint: Hint): void {
    if (hint === 'ALL') {
      const { watches } = this.#options;
      this.#lookAtAll = watches.size > 0;
      this.#distrust();
      for (const watch of watches.values()) watch.sweep();
    } else {
      for (const [workspaceId, head] of hint) this.#aim(workspaceId, head);
    }
    this.#wake();
  }

  #distrust(): void {
    const { watches, patience, forget } = this.#options;
    const now = patience.clock.elapsedMs();
    const isKnown = watches.size === 0 || now - this.#trueAtMs <= UNASKED_MAX_MS;
    if (!isKnown) forget('ALL');
    if (!isKnown || watches.size === 0) this.#trueAtMs = now;
  }

  /** A stream of the workspace begins here: its ring may too, and has to come to here. */
  start(watch: Watch, { head, redactions }: LogHead): void {
    this.#seeRedactions(watch.workspaceId, redactions);
    watch.ring.startAt(head);
    this.#aim(watch.workspaceId, head.position);
    this.#wake();
  }

  /** Resolves when nothing runs any more; to be called after `patience.stopping` aborted. */
  async stop(): Promise<void> {
    await this.#running;
  }

  get #hasWork(): boolean {
    const { stopping } = this.#options.patience;
    return (this.#lookAtAll || this.#behind.size > 0) && !stopping.aborted;
  }

  #wake(): void {
    if (this.#running !== null || !this.#hasWork) return;
    this.#running = this.#run().finally(() => {
      this.#running = null;
      this.#wake();
    });
  }

  async #run(): Promise<void> {
    const { patience } = this.#options;
    let failures = 0;
    while (this.#hasWork) {
      try {
        if (this.#lookAtAll) await this.#readHeads();
        await this.#readRound();
        failures = 0;
      } catch (error) {
        patience.onFailure(error);
        await backOff(++failures, patience);
      }
    }
  }

  async #readHeads(): Promise<void> {
    const { log, watches, patience } = this.#options;
    this.#lookAtAll = false;
    try {
      const askedAtMs = patience.clock.elapsedMs();
      const generations = new Map([...watches].map(([id, { generation }]) => [id, generation]));
      const heads = await log.heads([...watches.keys()]);
      for (const [workspaceId, { head, redactions }] of heads) {
        this.#seeRedactions(workspaceId, redactions);
        watches.get(workspaceId)?.seeHead(head.position, generations.get(workspaceId) ?? -1);
        this.#aim(workspaceId, head.position);
      }
      this.#trueAtMs = Math.max(this.#trueAtMs, askedAtMs);
    } catch (error) {
      this.#lookAtAll = true;
      throw error;
    }
  }

  #seeRedactions(workspaceId: number, redactions: number): void {
    const watch = this.#options.watches.get(workspaceId);
    if (watch?.seeRedactions(redactions) === true) this.#options.forget([workspaceId]);
  }

  #aim(workspaceId: number, position: number): void {
    const watch = this.#options.watches.get(workspaceId);
    if (watch === undefined) return;
    watch.target = Math.max(watch.target, position);
    if (watch.isBehind && !this.#resting.has(watch)) this.#behind.add(watch);
  }

  /** Out of the way of the others, for longer with each failure. */
  #rest(watch: Watch, error: unknown): void {
    const { patience } = this.#options;
    patience.onFailure(error);
    this.#behind.delete(watch);
    this.#resting.add(watch);
    void backOff(++watch.failures, patience).then(() => {
      this.#resting.delete(watch);
      this.#aim(watch.workspaceId, watch.target);
      this.#wake();
    });
  }

  /** One read of each workspace that is behind, so that none waits for a busier one. */
  async #readRound(): Promise<void> {
    const { watches, limits } = this.#options;
    await spread([...this.#behind], limits.tailReadsMax, async watch => {
      const isWatched = () => watches.get(watch.workspaceId) === watch;
      if (isWatched() && watch.isBehind) {
        this.#reads++;
        try {
          await readOn(watch, this.#options);
          watch.failures = 0;
        } catch (error) {
          // An outage is everybody's.
          if (isUnavailable(toGatewayError(error, 'read'))) throw error;
          this.#rest(watch, error);
        }
      }
      if (!isWatched() || !watch.isBehind) this.#behind.delete(watch);
    });
  }
}

/** Reads once, from where the ring ends. */
async function readOn(watch: Watch, { log, limits }: TailOptions): Promise<void> {
  const { end } = watch.ring;
  if (end === null) return;
  const asked = watch.target;
  const limit = watch.readLimit;
  const { generation } = watch;
  const events = await log.after(watch.workspaceId, end, limit);
  if (generation !== watch.generation) return;
  watch.append(events, 'LOG');
  // A hint that named more than there is must not make us ask for ever. Fewer events than the limit
  // may also be all that fit.
  if (events.length === 0 && watch.target === asked) watch.forgetTarget();
  const bytes = events.reduce((sum, event) => sum + weigh(event), 1);
  const fitting = (events.length * READ_BYTES_AIM) / bytes;
  const aimed = events.length === 0 ? limit : Math.min(fitting, limit * 4);
  watch.readLimit = Math.max(1, Math.min(limits.pageEventsMax, Math.ceil(aimed)));
}

/** Does the work for each item, for a few at a time; fails as the first that failed. */
async function spread<T>(
  items: readonly T[],
  max: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const left = items.values();
  const workers = Array.from({ length: max }, async () => {
    for (const item of left) await work(item);
  });
  const failed = (await Promise.allSettled(workers)).find(({ status }) => status === 'rejected');
  if (failed?.status === 'rejected') throw failed.reason;
}
