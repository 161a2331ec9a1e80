/**
 * Acknowledgements of one consumer, in this process. One statement is on its way at a time, and
 * those that come meanwhile share the next: many workers with one event each wait for one commit
 * together, as flushes do.
 */
import { LIMITS } from '../core/limits.ts';
import type { Actor } from '../core/principal.ts';
import type { Settled } from './settler.ts';

interface Waiting {
  readonly actor: Actor | null;
  readonly tokens: readonly string[];
  readonly settle: (settled: Settled) => void;
  readonly fail: (error: unknown) => void;
}

export type Acknowledge = (actor: Actor | null, tokens: readonly string[]) => Promise<Settled>;

export class Acknowledging {
  readonly #acknowledge: Acknowledge;
  #waiting: Waiting[] = [];
  #isRunning = false;

  constructor(acknowledge: Acknowledge) {
    this.#acknowledge = acknowledge;
  }

  get isIdle(): boolean {
    return !this.#isRunning;
  }

  add(actor: Actor | null, tokens: readonly string[]): Promise<Settled> {
    return new Promise((settle, fail) => {
      this.#waiting.push({ actor, tokens, settle, fail });
      if (!this.#isRunning) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#waiting.length > 0) {
      const group = this.#takeGroup();
      const [{ actor }] = group as [Waiting];
      try {
        const tokens = new Set(group.flatMap(each => each.tokens));
        answer(group, await this.#acknowledge(actor, [...tokens]));
      } catch (error) {
        for (const { fail } of group) fail(error);
      }
    }
    this.#isRunning = false;
  }

  /** The first, and all of the same key that fit beside it. */
  #takeGroup(): Waiting[] {
    const [first, ...rest] = this.#waiting as [Waiting, ...Waiting[]];
    const group = [first];
    let count = first.tokens.length;
    this.#waiting = rest.filter(each => {
      const isOfSameKey = each.actor?.keyId === first.actor?.keyId;
      if (!isOfSameKey || count + each.tokens.length > LIMITS.pullEventsMax) return true;
      count += each.tokens.length;
      group.push(each);
      return false;
    });
    return group;
  }
}

/** A token counts for who came with it first. */
function answer(group: readonly Waiting[], { consumerId, expired }: Settled): void {
  const gone = new Set(expired);
  for (const { tokens, settle } of group) {
    const own = [...new Set(tokens)];
    const late = own.filter(token => gone.has(token));
    for (const token of own) gone.add(token);
    settle({ consumerId, count: own.length - late.length, expired: late });
  }
}
