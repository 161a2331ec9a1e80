/**
 * Admission: of what is asked, as much is taken in as can be answered soon, and the rest is turned
 * away with OVERLOADED before anything is read of it. Requests in work are bounded by number
 * (`nextLimit`), and those and what waits by bytes. A request that finds no room waits for
 * a moment: long enough for a burst, too short for a queue. Tenants share all of this fairly
 * (`core/fairness.ts`): one that asks for more than fits is turned away, and no other is.
 */
import { performance } from 'node:perf_hooks';
import { GatewayError } from '../core/errors.ts';
import {
  Crowd,
  FairQueue,
  Holdings,
  mayHold,
  NO_TENANT,
  SHARE_IN_A_CROWD,
  type Tenant,
} from '../core/fairness.ts';
import { LIMITS } from '../core/limits.ts';

/** A tenant alone has three quarters of these: 32, and 8. */
const START = 43;
const MIN = 11;
/** Turns of the event loop that take twice this are too long. */
const LATE_MS = 25;
/** From the first limit to a thousand before anybody has waited for too long. */
const GROW = 1.5;
const SHRINK = 1.25;

interface Look {
  /** How much later than it was due this look came. */
  readonly lateMs: number;
  /** Whether requests have waited since the last one. */
  readonly isShort: boolean;
}

function firstLimit(max: number): number {
  return Math.min(START, max);
}

/**
 * How many requests may be in work at once. A process that does more at a time than it can answers
 * everybody late: its event loop then takes long to come round. So the limit shrinks as long as
 * that lasts, grows where requests wait for no such reason, and else goes back to where it began:
 * what the last burst allowed says nothing of the next.
 */
export function nextLimit(limit: number, max: number, { lateMs, isShort }: Look): number {
  if (lateMs > LATE_MS) return Math.max(limit / SHRINK, Math.min(MIN, max));
  if (isShort) return Math.min(limit * GROW, max);
  const first = firstLimit(max);
  return limit > first ? Math.max(limit / SHRINK, first) : Math.min(limit * GROW, first);
}

/** The event loop does nothing else any more than work. */
const BUSY = 0.9;
/** Requests that each tenant may have in work in a crowd, however busy the event loop is. */
const IN_WORK_MIN = 2;

/**
 * The share of the limit that a tenant has in a crowd. Those in work have the event loop in turn:
 * who has ten there for one of another has ten times as much of it. So as long as there is not
 * enough of it for all, each comes down to `IN_WORK_MIN`.
 */
export function nextShare(share: number, limit: number, isBusy: boolean): number {
  if (!isBusy) return Math.min(share * GROW, SHARE_IN_A_CROWD);
  return Math.max(share / GROW, Math.min(IN_WORK_MIN / limit, SHARE_IN_A_CROWD));
}

export interface AdmissionOptions {
  readonly workRequestsMax: number;
  readonly workBytesMax: number;
  /** Hears of each refusal. */
  readonly onRefused?: () => void;
}

/** A request that was taken in. */
export interface Work {
  /** Rejects with OVERLOADED after too long a wait. Undefined: it may go on at once. */
  readonly turn: Promise<void> | undefined;
  /** What is held for it. */
  readonly bytes: number;
  /** More is held for it than was known. @throws GatewayError OVERLOADED */
  grow(bytes: number): void;
  /** Idempotent. */
  end(): void;
}

export interface AdmissionFigures {
  readonly inWork: number;
  readonly waiting: number;
  /** What is held for them, and for messages that are not complete. */
  readonly bytes: number;
}

/** How often the limit is looked at, and those who have waited for too long. */
const LOOK_EVERY_MS = 100;
/** A larger body counts as several requests: up to half of what the least limit lets in. */
const BYTES_A_SHARE = 131_072;
const SHARES_MAX = 4;

/** Made for each request: a class, since a literal with closures takes several times as long. */
class Entry implements Work {
  readonly tenant: Tenant;
  readonly sinceMs = performance.now();
  state: 'WAITING' | 'RUNNING' | 'ENDED' = 'WAITING';
  bytes = 0;
  shares = 0;
  turn: Promise<void> | undefined;
  /** Ends the wait. */
  settle: (error?: GatewayError) => void = noop;
  readonly #room: Room;

  constructor(tenant: Tenant, room: Room) {
    this.tenant = tenant;
    this.#room = room;
  }

  grow(bytes: number): void {
    if (this.state !== 'ENDED') this.#room.hold(this, bytes);
  }

  end(): void {
    this.#room.end(this);
  }
}

/** Where the bytes and the place of an entry are counted. */
interface Room {
  /** @throws GatewayError OVERLOADED */
  hold(entry: Entry, bytes: number): void;
  end(entry: Entry): void;
}

const noop = (): void => {};

export class Admission {
  readonly #options: AdmissionOptions;
  readonly #room: Room = {
    hold: (entry, bytes) => this.#hold(entry, bytes),
    end: entry => this.#end(entry),
  };
  readonly #waiting = new FairQueue<Entry>();
  /** Those that wait, the oldest first. */
  readonly #byAge = new Set<Entry>();
  readonly #running = new Holdings();
  readonly #crowd = new Crowd(() => performance.now());
  readonly #bytes = new Holdings();
  #requests = 0;
  #limit: number;
  #isShort = false;
  /** The event loop was, at the last look. */
  #isLate = false;
  /** Those that have ended, and keep their shares until the next look. */
  #resting: Entry[] = [];
  #lookedMs = 0;
  #used = performance.eventLoopUtilization();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: AdmissionOptions) {
    this.#options = options;
    this.#limit = firstLimit(options.workRequestsMax);
  }

  get figures(): AdmissionFigures {
    return { inWork: this.#requests, waiting: this.#waiting.size, bytes: this.#bytes.all };
  }

  /**
   * Takes a request in, or lets it wait. Whatever becomes of it, its work must be ended.
   * @throws GatewayError OVERLOADED
   */
  enter(bytes: number, tenant: Tenant = NO_TENANT): Work {
    const entry = new Entry(tenant, this.#room);
    this.#crowd.note(tenant);
    if (!this.#mayWait(tenant)) throw this.#refusal();
    this.#hold(entry, bytes);
    this.#watch();
    // Others that wait have no room: they have all that they may.
    const isNext = this.#waiting.sizeOf(tenant) === 0 && this.#hasRoom(entry);
    if (isNext) this.#run(entry);
    else entry.turn = this.#wait(entry);
    return entry;
  }

  /** Holds bytes of what is not yet a request; they are to be given back. @throws GatewayError OVERLOADED */
  hold(bytes: number, tenant: Tenant): void {
    if (!this.#bytes.mayAdd(tenant, bytes, this.#options.workBytesMax)) throw this.#refusal();
    this.#bytes.add(tenant, bytes);
  }

  giveBack(bytes: number, tenant: Tenant): void {
    this.#bytes.add(tenant, -bytes);
  }

  #mayWait(tenant: Tenant): boolean {
    const own = tenant === NO_TENANT ? 0 : this.#waiting.sizeOf(tenant);
    return mayHold({ own, all: this.#waiting.size, max: LIMITS.workWaitingMax }, 1);
  }

  #refusal(): GatewayError {
    this.#options.onRefused?.();
    return new GatewayError('OVERLOADED', 'The gateway is overloaded. Try again in a second.');
  }

  /** What stands alone always fits. */
  #hold(entry: Entry, bytes: number): void {
    const { tenant } = entry;
    const others = this.#bytes.all - entry.bytes;
    const hasRoom = this.#bytes.mayAdd(tenant, bytes, this.#options.workBytesMax);
    if (others > 0 && !hasRoom) throw this.#refusal();
    entry.bytes += bytes;
    this.#bytes.add(tenant, bytes);
    const shares = Math.min(SHARES_MAX, 1 + Math.floor(entry.bytes / BYTES_A_SHARE));
    if (entry.state === 'RUNNING') this.#running.add(tenant, shares - entry.shares);
    entry.shares = shares;
  }

  #hasRoom({ tenant, shares }: Entry): boolean {
    return this.#requests === 0 || this.#running.mayAdd(tenant, shares, this.#limit, this.#crowd);
  }

  #run(entry: Entry): void {
    entry.state = 'RUNNING';
    this.#requests += 1;
    this.#running.add(entry.tenant, entry.shares);
  }

  #wait(entry: Entry): Promise<void> {
    this.#isShort = true;
    this.#waiting.add(entry.tenant, entry);
    this.#byAge.add(entry);
    return new Promise((resolve, reject) => {
      entry.settle = error => (error === undefined ? resolve() : reject(error));
    });
  }

  #letIn(): void {
    while (this.#waiting.size > 0) {
      const entry = this.#waiting.take((_tenant, each) => this.#hasRoom(each));
      if (entry === undefined) return;
      this.#byAge.delete(entry);
      this.#run(entry);
      entry.settle();
    }
  }

  #end(entry: Entry): void {
    const { tenant, state, bytes, shares } = entry;
    if (state === 'ENDED') return;
    entry.state = 'ENDED';
    this.#bytes.add(tenant, -bytes);
    if (state === 'WAITING') {
      this.#waiting.delete(tenant, entry);
      this.#byAge.delete(entry);
      entry.settle(this.#refusal());
      return;
    }
    this.#requests -= 1;
    // A large one has kept the others waiting: its tenant's next one waits for the next look.
    if (shares > 1 && this.#isLate && this.#crowd.isThere) return void this.#resting.push(entry);
    this.#running.add(tenant, -shares);
    this.#letIn();
  }

  /** Looks after the limit, as long as anything is in work or the limit is not as it was. */
  #watch(): void {
    if (this.#timer !== undefined) return;
    this.#lookedMs = performance.now();
    this.#used = performance.eventLoopUtilization();
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS).unref();
  }

  #look(): void {
    const { workRequestsMax } = this.#options;
    const nowMs = performance.now();
    const lateMs = nowMs - this.#lookedMs - LOOK_EVERY_MS;
    const isShort = this.#isShort || this.#waiting.size > 0;
    this.#lookedMs = nowMs;
    this.#isShort = false;
    this.#isLate = lateMs > LATE_MS;
    this.#limit = nextLimit(this.#limit, workRequestsMax, { lateMs, isShort });
    const used = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(used, this.#used);
    this.#used = used;
    const isBusy = this.#crowd.isThere && utilization > BUSY;
    this.#crowd.share = nextShare(this.#crowd.share, this.#limit, isBusy);
    for (const { tenant, shares } of this.#resting.splice(0)) this.#running.add(tenant, -shares);
    this.#letIn();
    for (const entry of this.#byAge) {
      if (nowMs - entry.sinceMs < LIMITS.workWaitMs) break;
      this.#end(entry);
    }
    if (this.#requests > 0 || this.#limit !== firstLimit(workRequestsMax)) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
