/**
 * Looks of streams at their rings, in slices between which input and output have their turn: one
 * slice for all workspaces, which share it by the time that their looks take. After looks that took
 * long the process has as much time for everything else, and three times as much while several
 * workspaces are at work: dear filters make streams late, those of their own workspace first, and
 * take at most half of the process, or a quarter.
 */
import { FairQueue, type Crowd } from '../core/fairness.ts';
import type { LiveClock } from './clock.ts';

/** What looks for a while, and says whether there is more to look at. */
export interface Looker {
  readonly workspaceId: number;
  lookUntil(isOver: () => boolean): boolean;
}

/** Looks of all workspaces before input and output have their turn, and of one before the next. */
const SLICE_MS = 8;
const SHARE_MS = 2;
/** A share that takes longer is followed by a rest: one look of it was dear. */
const DEAR_MS = 2 * SHARE_MS;
const REST_IN_A_CROWD = 3;

export class LookScheduler {
  readonly #clock: LiveClock;
  readonly #crowd: Crowd | undefined;
  readonly #queue = new FairQueue<Looker>();
  #isDue = false;

  constructor(clock: LiveClock, crowd?: Crowd) {
    this.#clock = clock;
    this.#crowd = crowd;
  }

  /** To be called again only once it was asked to look. */
  add(looker: Looker): void {
    this.#queue.add(looker.workspaceId, looker);
    if (this.#isDue) return;
    this.#isDue = true;
    this.#clock.soon(() => this.#run());
  }

  #run(): void {
    const clock = this.#clock;
    const untilMs = clock.elapsedMs() + SLICE_MS;
    let restMs = 0;
    let nowMs = untilMs - SLICE_MS;
    while (nowMs < untilMs) {
      const looker = this.#queue.take(undefined, 0);
      if (looker === undefined) break;
      const startedMs = nowMs;
      const isOver = () => (nowMs = clock.elapsedMs()) - startedMs >= SHARE_MS;
      if (looker.lookUntil(isOver)) this.#queue.add(looker.workspaceId, looker);
      nowMs = clock.elapsedMs();
      const ms = nowMs - startedMs;
      this.#queue.charge(looker.workspaceId, ms);
      if (ms > DEAR_MS) restMs += ms;
    }
    this.#isDue = restMs > 0 || this.#queue.size > 0;
    const rest = this.#crowd?.isThere === true ? REST_IN_A_CROWD * restMs : restMs;
    if (restMs > 0) void clock.sleep(rest, NEVER).then(() => this.#run());
    else if (this.#isDue) clock.soon(() => this.#run());
  }
}

const NEVER = new AbortController().signal;
