/**
 * One stream: a machine with named modes, STARTING → CATCHING_UP (pages from the log) → LIVE
 * (from the ring) → fallen behind the ring → CATCHING_UP … → CLOSED. Because the log is durable,
 * a slow reader needs no queue and no overflow policy: it holds a place and at most one page.
 * What is handed out is decided in `scan.ts`; this is the reader's side of it, and the waits.
 *
 * A reader that waits is parked: it counts as having seen everything in the ring, until its
 * workspace names the place before an event that may concern it (`rouse`) and lets it look.
 */
import type { LogPlace } from '../core/cursor.ts';
import { GatewayError } from '../core/errors.ts';
import { deferred } from '../core/isomorphic.ts';
import type { LiveClock } from './clock.ts';
import { type History, PAGE_EVENTS_FIRST } from './history.ts';
import type { LiveLimits } from './limits.ts';
import type { LogHead } from './log.ts';
import { type Patience, throughOutages } from './retry.ts';
import { Scan } from './scan.ts';
import { later, startPlace } from './start-place.ts';
import { cursorExpired, StreamEnded } from './stream-ended.ts';
import type { Delivery, LiveStream, SubscribeOptions } from './stream.ts';
import type { Watch, Watcher } from './watch.ts';

export type SubscriberMode = 'STARTING' | 'CATCHING_UP' | 'LIVE' | 'CLOSED';

/** What all subscribers of a process share. */
export interface Surroundings {
  readonly history: History;
  readonly clock: LiveClock;
  readonly limits: LiveLimits;
  readonly patience: Patience;
  /** The head was read: the ring may begin there, and must come to there. */
  readonly onStart: (watch: Watch, head: LogHead) => void;
  readonly onClose: (subscriber: Subscriber) => void;
  readonly counts: { deliveries: number; catchUps: number };
}

/** A reader that waits, for the first delivery or, undefined, the end. */
interface Waiter {
  readonly settle: (first: Delivery | undefined) => void;
  readonly fail: (error: unknown) => void;
  readonly settled: Promise<unknown>;
}

/** A batch is over with the event that brings its payloads to as many characters. */
const BATCH_CHARS = 65_536;

export class Subscriber implements LiveStream, Watcher {
  readonly options: SubscribeOptions;
  readonly types: ReadonlySet<string> | null;
  readonly watch: Watch;
  readonly ready: Promise<void>;
  readonly #around: Surroundings;
  #mode: SubscriberMode = 'STARTING';
  #scan: Scan | null = null;
  #isUnproven: boolean;
  #limit = PAGE_EVENTS_FIRST;
  #isReading = false;
  #isParked = false;
  #rousedFrom: LogPlace | null = null;
  #burst = 0;
  /** It looks when its workspace has its turn. */
  #isLookingSoon = false;
  #waiter: Waiter | null = null;
  #error: { readonly thrown: unknown } | null = null;
  readonly #onAbort = () => this.close();

  constructor(options: SubscribeOptions, watch: Watch, around: Surroundings) {
    this.options = options;
    this.types = options.types == null ? null : new Set(options.types);
    this.watch = watch;
    this.#around = around;
    this.#isUnproven = typeof options.start === 'object';
    watch.join(this);
    options.signal.addEventListener('abort', this.#onAbort, { once: true });
    if (options.signal.aborted) this.close();
    this.ready = this.#start();
    // It need not be awaited: the first `nextBatch` says the same.
    this.ready.catch(() => {});
  }

  get mode(): SubscriberMode {
    return this.#mode;
  }

  get parked(): boolean {
    return this.#isParked;
  }

  /** Where to resume; null while the start is not known. */
  get place(): LogPlace | null {
    if (this.#scan === null)
      return typeof this.options.start === 'object' ? this.options.start : null;
    const { place } = this.#scan;
    return this.#isParked ? later(place, this.#rousedFrom ?? this.watch.ring.end) : place;
  }

  nextBatch(max: number): Promise<Delivery[]> {
    if (this.#waiter !== null) {
      const again = () => this.nextBatch(max);
      return this.#waiter.settled.then(again, again);
    }
    // What searches texts takes its workspace's turns for all that it looks at.
    const isDear = this.options.search !== undefined;
    const isInTurn = !isDear && this.#burst++ < this.#around.limits.burstMax;
    if (isInTurn) this.#scan?.beginTurn();
    const delivery = isInTurn ? this.#poll() : null;
    if (delivery !== null) return Promise.resolve(this.#batchFrom(delivery, max));
    if (this.#mode === 'CLOSED') return this.#last();
    this.#burst = 0;
    const waiting = this.#wait(max);
    if (isInTurn) this.#pursue();
    else this.#advanceSoon();
    return waiting;
  }

  async return(): Promise<void> {
    this.close();
    this.#error = null;
  }

  /** A waiting reader is let go at once; one that is away hears the error when it asks. */
  close(error?: unknown): void {
    if (this.#mode === 'CLOSED') return;
    const isBare = error instanceof GatewayError && !(error instanceof StreamEnded);
    const thrown = isBare ? new StreamEnded(error, this.place) : error;
    this.#mode = 'CLOSED';
    this.#isParked = false;
    this.watch.leave(this);
    this.options.signal.removeEventListener('abort', this.#onAbort);
    this.#around.onClose(this);
    const waiter = this.#takeWaiter();
    if (error === undefined) waiter?.settle(undefined);
    else if (waiter === null) this.#error = { thrown };
    else waiter.fail(thrown);
    this.#scan = null;
  }

  rouse(from: LogPlace): boolean {
    if (this.#rousedFrom !== null) return false;
    this.#rousedFrom = from;
    return true;
  }

  look(): void {
    this.#isLookingSoon = false;
    if (this.#isParked) {
      this.#scan?.skipTo(this.place);
      this.#isParked = false;
      this.#rousedFrom = null;
    }
    this.#advance();
  }

  forget(): void {
    this.#scan?.forget();
  }

  checkpointDue(): boolean {
    const { place } = this;
    return place !== null && this.#scan !== null && this.#scan.isCheckpointDue(place);
  }

  async #start(): Promise<void> {
    const { history, patience, clock, limits } = this.#around;
    const { workspaceId, start } = this.options;
    const isWanted = () => this.#mode === 'STARTING';
    try {
      const bounds = await throughOutages(() => history.bounds(workspaceId), isWanted, patience);
      if (bounds === undefined || !isWanted()) return;
      const from = startPlace(start, bounds);
      if (from === undefined) throw cursorExpired(await history.oldest(workspaceId));
      if (!isWanted()) return;
      const { options: wants, types, watch } = this;
      this.#scan = new Scan({ start: from, head: bounds.head, wants, types, watch, clock, limits });
      this.#around.onStart(this.watch, bounds);
      this.#turn();
      this.#advance();
    } catch (error) {
      this.close(error);
      throw error;
    }
  }

  /** With what else is there. */
  #batchFrom(first: Delivery, max: number): Delivery[] {
    const batch: Delivery[] = [];
    let chars = 0;
    for (let next: Delivery | null = first; next !== null; next = this.#poll()) {
      chars += next.event?.payload.length ?? 0;
      if (batch.push(next) >= max || chars >= BATCH_CHARS) break;
    }
    return batch;
  }

  async #last(): Promise<Delivery[]> {
    const error = this.#error;
    this.#error = null;
    if (error !== null) throw error.thrown;
    return [];
  }

  #wait(max: number): Promise<Delivery[]> {
    const { promise, resolve, reject } = deferred<Delivery[]>();
    const settle: Waiter['settle'] = first =>
      resolve(first === undefined ? [] : this.#batchFrom(first, max));
    this.#waiter = { settle, fail: reject, settled: promise };
    return promise;
  }

  #takeWaiter(): Waiter | null {
    const waiter = this.#waiter;
    this.#waiter = null;
    return waiter;
  }

  /** Serves the reader that waits, or finds out what to wait for. */
  #advance(): void {
    if (this.#waiter === null) return;
    this.#scan?.beginTurn();
    const delivery = this.#poll();
    if (delivery === null) this.#pursue();
    else this.#takeWaiter()?.settle(delivery);
  }

  #advanceSoon(): void {
    if (this.#isLookingSoon) return;
    this.#isLookingSoon = true;
    this.watch.lookSoon(this);
  }

  #pursue(): void {
    if (this.#scan === null || this.#isReading) return;
    const need = this.#turn();
    if (need === 'TURN') this.#advanceSoon();
    else if (need === 'PAGE') void this.#read(this.#scan);
    else this.#isParked = true;
  }

  /** Into the mode that the scan asks for. */
  #turn(): 'PAGE' | 'TURN' | 'EVENT' {
    const need = this.#scan?.need() ?? 'EVENT';
    if (need === 'PAGE' && this.#mode !== 'CATCHING_UP') this.#around.counts.catchUps++;
    if (need === 'PAGE') this.#mode = 'CATCHING_UP';
    if (need === 'EVENT') this.#mode = 'LIVE';
    if (this.#mode === 'STARTING') this.#mode = 'LIVE';
    return need;
  }

  async #read(scan: Scan): Promise<void> {
    const { history, patience } = this.#around;
    const { workspaceId, readMatching } = this.options;
    const asked = { workspaceId, readMatching, place: scan.place, unproven: this.#isUnproven };
    const isWanted = () => this.#mode !== 'CLOSED';
    this.#isReading = true;
    try {
      const read = () => history.page({ ...asked, limit: this.#limit });
      const { generation } = this.watch;
      const page = await throughOutages(read, isWanted, patience);
      if (page === undefined || !isWanted()) return;
      this.#isUnproven = false;
      this.#limit = page.nextLimit;
      if (generation === this.watch.generation) scan.turnTo(page);
    } catch (error) {
      this.close(error);
    } finally {
      this.#isReading = false;
    }
    this.#advance();
  }

  /** What the next delivery is, if it can be had now; what `matches` throws ends the stream. */
  #poll(): Delivery | null {
    if (this.#scan === null) return null;
    try {
      const delivery = this.#scan.poll();
      if (delivery === null) return null;
      this.#around.counts.deliveries++;
      if (delivery.kind === 'CAUGHT_UP') this.watch.narrow(this);
      return delivery;
    } catch (error) {
      this.close(error);
      return null;
    }
  }
}
