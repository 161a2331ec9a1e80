/**
 * Decides, without waiting, what a stream delivers next: the events after its place, from the page
 * that it holds or from the ring, and the marks between them. Everything up to the place was
 * delivered or does not match.
 */
import type { LogPlace } from '../core/cursor.ts';
import type { StoredEvent } from '../core/event.ts';
import type { LiveClock } from './clock.ts';
import type { Page } from './history.ts';
import type { LiveLimits } from './limits.ts';
import { later } from './start-place.ts';
import type { Delivery, EventDelivery, SubscribeOptions } from './stream.ts';
import type { Watch } from './watch.ts';

export interface ScanOptions {
  readonly start: LogPlace;
  /** Where history ends: the newest place when the stream began. */
  readonly head: LogPlace;
  readonly wants: SubscribeOptions;
  readonly types: ReadonlySet<string> | null;
  readonly watch: Pick<Watch, 'ring' | 'words'>;
  readonly clock: LiveClock;
  readonly limits: LiveLimits;
}

/** What a scan needs to go on: a page from the log, another turn, or a new event in the ring. */
export type Need = 'PAGE' | 'TURN' | 'EVENT';

export class Scan {
  readonly #options: ScanOptions;
  #place: LogPlace;
  #page: Page | null = null;
  #pageAt = 0;
  #isCaughtUp = false;
  #saidPosition: number;
  #saidAtMs: number;
  /** Events that may still be looked at in this turn. */
  #left = 0;

  constructor(options: ScanOptions) {
    this.#options = options;
    this.#place = options.start;
    this.#saidPosition = options.start.position;
    this.#saidAtMs = options.clock.elapsedMs();
  }

  get place(): LogPlace {
    return this.#place;
  }

  get isCaughtUp(): boolean {
    return this.#isCaughtUp;
  }

  /** Nothing between here and there concerns the stream. */
  skipTo(place: LogPlace | null): void {
    this.#place = later(this.#place, place);
  }

  /** Continues with a page that was read after the place. */
  turnTo(page: Page): void {
    this.#page = page;
    this.#pageAt = 0;
  }

  /** Drops the page. The rest of it is read again. */
  forget(): void {
    this.#page = null;
  }

  need(): Need {
    if (this.#page !== null) return 'TURN';
    const { ring } = this.#options.watch;
    if (!ring.covers(this.#place.position)) return 'PAGE';
    return ring.after(this.#place.position) === undefined ? 'EVENT' : 'TURN';
  }

  /** Begins a turn, in which a bounded number of events is looked at. */
  beginTurn(): void {
    this.#left = this.#options.limits.scanEventsMax;
  }

  /** The next delivery; null when there is none, or none that is found in this turn. */
  poll(): Delivery | null {
    const now = this.#options.clock.now();
    while (this.#left > 0) {
      const next = this.#peek();
      const mark = this.#dueMark(next);
      if (mark !== null) return this.#say(mark);
      if (next === undefined) return null;
      this.#left -= 1;
      const isWanted = this.#wants(next.event, now, this.#page !== null);
      this.#place = next.place;
      if (this.#page !== null) this.#pageAt++;
      if (isWanted) return this.#say(next);
    }
    return null;
  }

  isCheckpointDue(place: LogPlace): boolean {
    const { wants, limits, clock } = this.#options;
    const passed = place.position - this.#saidPosition;
    if (!wants.checkpoints || passed <= 0) return false;
    if (passed >= limits.checkpointEvents) return true;
    return clock.elapsedMs() - this.#saidAtMs >= limits.checkpointMs;
  }

  #peek(): EventDelivery | undefined {
    if (this.#page !== null) {
      const next = this.#page.deliveries[this.#pageAt];
      if (next !== undefined) return next;
      this.skipTo(this.#page.end);
      this.#page = null;
    }
    const { ring } = this.#options.watch;
    const { position } = this.#place;
    return ring.covers(position) ? ring.after(position) : undefined;
  }

  /** CAUGHT_UP before the first event after the head; CHECKPOINT after a long silence. */
  #dueMark(next: EventDelivery | undefined): Delivery | null {
    const reached = next === undefined ? this.#place.position : next.place.position - 1;
    const { head } = this.#options;
    if (!this.#isCaughtUp && reached >= head.position) {
      this.#isCaughtUp = true;
      return { kind: 'CAUGHT_UP', place: head, event: null };
    }
    if (!this.isCheckpointDue(this.#place)) return null;
    return { kind: 'CHECKPOINT', place: this.#place, event: null };
  }

  #wants(event: StoredEvent, now: Date, isFromPage: boolean): boolean {
    if (event.expiresAt !== null && event.expiresAt <= now) return false;
    const { wants, types, watch } = this.#options;
    // SQL has chosen the events of such a page.
    if (isFromPage && wants.readMatching !== undefined) return true;
    if (types !== null && !types.has(event.type)) return false;
    if (wants.matches === undefined) return true;
    if (wants.search === undefined) return wants.matches(event, FINDS_NOTHING);
    this.#left -= (wants.search.costPerKb * event.payload.length) / 1_024;
    return wants.matches(event, word => watch.words.finds(event, word));
  }

  #say<D extends Delivery>(delivery: D): D {
    this.#saidPosition = delivery.place.position;
    if (this.#options.wants.checkpoints) this.#saidAtMs = this.#options.clock.elapsedMs();
    return delivery;
  }
}

/** For a filter without search words. */
const FINDS_NOTHING = () => false;
