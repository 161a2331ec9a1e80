import { setImmediate as turn } from 'node:timers/promises';
import type { LiveClock } from '../../src/live/clock.ts';
import { seeded } from '../kit/random.ts';

/** When the simulated clock says 0. */
const BEGINNING_MS = Date.UTC(2026, 0, 1);

/**
 * A clock that stands still while anything runs and then goes on to the next moment at which
 * something is due, in whole milliseconds.
 */
export class VirtualTime implements LiveClock {
  readonly random: () => number;
  #nowMs = 0;
  #soon: (() => void)[] = [];
  readonly #due = new Map<number, (() => void)[]>();
  /** The moments of `#due`: a heap, the earliest first. */
  readonly #moments: number[] = [];

  constructor(seed: number) {
    this.random = seeded(seed);
  }

  now(): Date {
    return new Date(BEGINNING_MS + this.#nowMs);
  }

  elapsedMs(): number {
    return this.#nowMs;
  }

  soon(work: () => void): void {
    this.#soon.push(work);
  }

  /** Runs after so many milliseconds, at least one. */
  after(ms: number, work: () => void): void {
    const moment = Math.ceil(this.#nowMs + Math.max(1, ms));
    const others = this.#due.get(moment);
    if (others !== undefined) return void others.push(work);
    this.#due.set(moment, [work]);
    this.#addMoment(moment);
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      if (signal?.aborted === true) return resolve();
      const wake = () => {
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      signal?.addEventListener('abort', wake);
      this.after(ms, wake);
    });
  }

  /** Goes on until a moment. */
  async runUntil(endMs: number): Promise<void> {
    await this.#settle();
    for (let moment = this.#moments[0]; moment !== undefined && moment <= endMs;) {
      this.#removeMoment();
      this.#nowMs = moment;
      const due = this.#due.get(moment) ?? [];
      this.#due.delete(moment);
      for (const work of due) work();
      await this.#settle();
      moment = this.#moments[0];
    }
    this.#nowMs = endMs;
  }

  /** Until nothing can go on without the clock. */
  async #settle(): Promise<void> {
    do {
      const works = this.#soon;
      this.#soon = [];
      for (const work of works) work();
      // All promises that wait for each other and for nothing else are settled before this one.
      await turn();
    } while (this.#soon.length > 0);
  }

  #addMoment(moment: number): void {
    const heap = this.#moments;
    let at = heap.push(moment) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (heap[above]! <= moment) break;
      heap[at] = heap[above]!;
      at = above;
    }
    heap[at] = moment;
  }

  #removeMoment(): void {
    const heap = this.#moments;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && heap[below + 1]! < heap[below]!) below++;
      if (heap[below]! >= last) break;
      heap[at] = heap[below]!;
      at = below;
    }
    heap[at] = last;
  }
}
