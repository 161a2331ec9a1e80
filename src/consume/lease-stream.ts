import { randomUUID } from 'node:crypto';
import type { Lease } from '../core/consumer.ts';
import { GatewayError } from '../core/errors.ts';
import { LIMITS } from '../core/limits.ts';
import type { Actor } from '../core/principal.ts';
import type { Asking, Round } from './pull-queue.ts';

/** Room for deliveries that are being worked on. */
export interface LeaseRoom {
  /** Waits until there is some, and takes as much, `max` at most. 0 once the signal is aborted. */
  take(max: number, signal: AbortSignal): Promise<number>;
  leave(count: number): void;
}

export interface LeaseStreamOptions {
  readonly windowMax: number;
  readonly actor: Actor | null;
  readonly ask: (asking: Asking) => Promise<Round>;
  readonly wait: (round: Round, signal: AbortSignal) => Promise<void>;
  readonly giveBack: (round: Round, leases: readonly Lease[]) => Promise<unknown>;
  readonly signal: AbortSignal;
  /** Taken for each delivery that is handed out: its reader leaves it. Absent: there is always some. */
  readonly room?: LeaseRoom | undefined;
}

const ANYWHERE: LeaseRoom = { take: max => Promise.resolve(max), leave: () => {} };

/**
 * Leases as they become due, at most so many unsettled at a time. It is pulled: what its reader does
 * not ask for is not leased, but for the rest of what came together, which is given back at the end.
 * Not a generator: one that awaits can't be returned before the next value comes.
 */
export class LeaseStream implements AsyncIterableIterator<Lease> {
  readonly #options: LeaseStreamOptions;
  readonly #over = new AbortController();
  readonly #lease = randomUUID();
  #ready: Lease[] = [];
  #round: Round | null = null;
  #isGivenBack = false;

  constructor(options: LeaseStreamOptions) {
    this.#options = options;
    const { signal } = options;
    const end = () => void this.return();
    signal.addEventListener('abort', end, { once: true });
    if (signal.aborted) end();
  }

  async next(): Promise<IteratorResult<Lease, undefined>> {
    const { wait } = this.#options;
    const { signal } = this.#over;
    try {
      while (this.#ready.length === 0 && !signal.aborted) {
        const round = await this.#ask(signal);
        if (round === null) break;
        if (this.#ready.length === 0 && round.state !== 'MORE') await wait(round, signal);
      }
    } catch (error) {
      throw asOfStream(error);
    }
    if (signal.aborted) await this.#giveBack();
    const value = signal.aborted ? undefined : this.#ready.shift();
    return value === undefined ? { done: true, value } : { done: false, value };
  }

  /** Null where it is over before there is room. */
  async #ask(signal: AbortSignal): Promise<Round | null> {
    const { ask, actor, windowMax, room = ANYWHERE } = this.#options;
    const first = await room.take(Math.min(windowMax, LIMITS.pullEventsMax), signal);
    if (first === 0) return null;
    const window = { lease: this.#lease, max: windowMax };
    try {
      this.#round = await ask({ first, actor, window, signal });
      this.#ready = [...this.#round.leases];
      return this.#round;
    } finally {
      room.leave(first - this.#ready.length);
    }
  }

  async return(): Promise<IteratorResult<Lease, undefined>> {
    this.#over.abort();
    await this.#giveBack();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** What nobody was handed. */
  async #giveBack(): Promise<void> {
    const leases = this.#ready.splice(0);
    this.#options.room?.leave(leases.length);
    if (this.#isGivenBack || this.#round === null || leases.length === 0) return;
    this.#isGivenBack = true;
    await this.#options.giveBack(this.#round, leases).catch(() => {});
  }
}

/** A stream ends by one code, whoever finds out. */
function asOfStream(error: unknown): unknown {
  if (!(error instanceof GatewayError) || error.code !== 'UNAUTHENTICATED') return error;
  const message = 'The key of this stream was revoked or has expired.';
  return new GatewayError('KEY_REVOKED', message);
}
