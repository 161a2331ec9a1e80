import type { Log } from '../observability/log.ts';
import type { ResultSource, WrittenResult } from './written-result.ts';

interface Waiter {
  resolve(batch: readonly WrittenResult[]): void;
  reject(error: unknown): void;
}

const DONE: readonly WrittenResult[] = [];

/**
 * The results of a subscription, which can be ended from outside at any moment.
 *
 * A source that awaits its next piece of news need not hear `return()` until the news comes, and so
 * would outlive its reader. Here an end settles the wait at once, aborts the call's signal, on
 * which the source is to wake, and only then tells it that nobody reads on.
 */
export class ResultStream {
  readonly #source: ResultSource;
  readonly #abort: () => void;
  readonly #log: Log;
  #waiter: Waiter | undefined;
  #isEnded = false;
  #failure: Error | undefined;

  constructor(source: ResultSource, abort: () => void, log: Log) {
    this.#source = source;
    this.#abort = abort;
    this.#log = log;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** As that of the source. @throws what ended the stream. */
  nextBatch(): Promise<readonly WrittenResult[]> {
    if (this.#failure) return this.#throwFailure(this.#failure);
    if (this.#isEnded) return Promise.resolve(DONE);
    return new Promise((resolve, reject) => {
      const waiter = { resolve, reject };
      this.#waiter = waiter;
      this.#source.nextBatch().then(
        batch => {
          // Where the stream was ended meanwhile, its reader has been told.
          if (this.#waiter !== waiter) return;
          // It is answered: what ends the stream from now on is for the next one.
          this.#waiter = undefined;
          if (batch.length === 0) this.end();
          resolve(batch);
        },
        (error: unknown) => {
          if (this.#waiter !== waiter) return;
          this.#waiter = undefined;
          this.end();
          reject(error);
        },
      );
    });
  }

  /** Ends the stream; its reader sees `error` in place of the next result. */
  fail(error: Error): void {
    if (this.#isEnded) return;
    this.#failure = error;
    const waiter = this.#waiter;
    this.#waiter = undefined;
    if (waiter) this.#throwFailure(error).catch(waiter.reject);
  }

  /** Ends the stream quietly. Idempotent. */
  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#abort();
    this.#waiter?.resolve(DONE);
    this.#waiter = undefined;
    // Not awaited: a source that is still at work hears of it when it is done.
    this.#source.return().catch((err: unknown) => {
      this.#log.error({ err }, 'a subscription failed at its end');
    });
  }

  #throwFailure(error: Error): Promise<never> {
    this.#failure = undefined;
    this.end();
    return Promise.reject(error);
  }
}
