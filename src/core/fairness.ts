/**
 * Fairness between tenants: whoever shares this process with others. A tenant is a workspace; where
 * none is meant, the key of the caller; and where no key is known yet, the caller's address. All
 * tenants weigh the same.
 *
 * Two rules are used wherever something is limited for all together:
 * - Room (`mayHold`): a tenant may hold three times what is left free. One alone gets three
 *   quarters, two get three sevenths each, and the next one always finds some. Of what does the
 *   work (`Crowd`) each may hold only a quarter while several are at work, so that what one does
 *   at once does not keep the others waiting.
 * - Turns (`FairQueue`): where several wait, the tenant that was given least goes first.
 */

/** The id of a workspace, or `key 7`, `address 192.0.2.1`. */
export type Tenant = number | string;

/** The gateway itself, and what concerns no tenant in particular: it may hold all that is free. */
export const NO_TENANT: Tenant = 'none';

const TIMES_WHAT_IS_FREE = 3;
export const SHARE_IN_A_CROWD = 1 / 4;

export interface Holding {
  /** What the tenant holds. */
  readonly own: number;
  /** What all tenants hold, this one among them. */
  readonly all: number;
  readonly max: number;
  /** Where it does work: whether several tenants are at work. */
  readonly crowd?: Crowd | undefined;
}

/** Whether a tenant may hold so much more. One that holds nothing may have all that is free. */
export function mayHold({ own, all, max, crowd }: Holding, more: number): boolean {
  const left = max - all - more;
  if (left < 0 || own === 0) return left >= 0;
  if (own + more > TIMES_WHAT_IS_FREE * left) return false;
  return crowd?.isThere !== true || own + more <= crowd.share * max;
}

/** For how long a tenant counts as being at work. */
const CROWD_MS = 1_000;

/** Whether several tenants are at work, as they were lately. */
export class Crowd {
  /** What each of them may hold. */
  share = SHARE_IN_A_CROWD;
  readonly #nowMs: () => number;
  #last: Tenant = NO_TENANT;
  #changedMs = -Infinity;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** A tenant is at work. */
  note(tenant: Tenant): void {
    if (tenant === this.#last || tenant === NO_TENANT) return;
    if (this.#last !== NO_TENANT) this.#changedMs = this.#nowMs();
    this.#last = tenant;
  }

  get isThere(): boolean {
    return this.#nowMs() - this.#changedMs < CROWD_MS;
  }
}

/** What each of several tenants holds. One that holds nothing is not kept. */
export class Holdings {
  readonly #byTenant = new Map<Tenant, number>();
  #all = 0;

  get all(): number {
    return this.#all;
  }

  of(tenant: Tenant): number {
    return this.#byTenant.get(tenant) ?? 0;
  }

  add(tenant: Tenant, more: number): void {
    const own = this.of(tenant) + more;
    this.#all += more;
    if (own === 0) this.#byTenant.delete(tenant);
    else this.#byTenant.set(tenant, own);
  }

  mayAdd(tenant: Tenant, more: number, max: number, crowd?: Crowd): boolean {
    const own = tenant === NO_TENANT ? 0 : this.of(tenant);
    return mayHold({ own, all: this.#all, max, crowd }, more);
  }
}

/** Tenants whose turns are kept before those are dropped that would begin anew all the same. */
const KEPT_MAX = 4_096;

/** What each tenant was given lately, by a measure of the caller's. It is kept while some wait. */
export class Turns {
  readonly #given = new Map<Tenant, number>();
  /** What the tenant had that went last: who comes new begins here, and has saved up nothing. */
  #now = 0;

  /** Begins to count for a tenant that waits from now on. */
  join(tenant: Tenant): void {
    this.#given.set(tenant, Math.max(this.given(tenant), this.#now));
  }

  given(tenant: Tenant): number {
    return this.#given.get(tenant) ?? this.#now;
  }

  /** The tenant goes now. */
  go(tenant: Tenant): void {
    this.#now = Math.max(this.#now, this.given(tenant));
    if (this.#given.size < KEPT_MAX) return;
    for (const [each, given] of this.#given) if (given <= this.#now) this.#given.delete(each);
  }

  charge(tenant: Tenant, cost: number): void {
    this.#given.set(tenant, this.given(tenant) + cost);
  }

  /** Nobody waits any more. */
  reset(): void {
    this.#given.clear();
    this.#now = 0;
  }
}

/** Items that wait, none of them twice: those of a tenant in the order in which they came. */
export class FairQueue<T> {
  /** Of those that were given the same, the one that waits longest for its turn comes first. */
  readonly #lines = new Map<Tenant, Set<T>>();
  readonly #turns = new Turns();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  sizeOf(tenant: Tenant): number {
    return this.#lines.get(tenant)?.size ?? 0;
  }

  add(tenant: Tenant, item: T): void {
    let line = this.#lines.get(tenant);
    if (line === undefined) {
      line = new Set();
      this.#lines.set(tenant, line);
      this.#turns.join(tenant);
    }
    line.add(item);
    this.#size += 1;
  }

  delete(tenant: Tenant, item: T): void {
    const line = this.#lines.get(tenant);
    if (line === undefined || !line.delete(item)) return;
    this.#size -= 1;
    if (line.size === 0) this.#lines.delete(tenant);
    if (this.#size === 0) this.#turns.reset();
  }

  /** Takes out who is next, among the tenants that may go; undefined where there is none. */
  take(mayGo: (tenant: Tenant, item: T) => boolean = () => true, cost = 1): T | undefined {
    const next = this.#next(mayGo);
    if (next === undefined) return undefined;
    const { tenant, item } = next;
    const line = this.#lines.get(tenant) as Set<T>;
    this.#turns.go(tenant);
    this.#turns.charge(tenant, cost);
    this.#lines.delete(tenant);
    this.#lines.set(tenant, line);
    this.delete(tenant, item);
    return item;
  }

  #next(mayGo: (tenant: Tenant, item: T) => boolean): { tenant: Tenant; item: T } | undefined {
    let next: { tenant: Tenant; item: T; given: number } | undefined;
    for (const [tenant, line] of this.#lines) {
      const [item] = line as Set<T> & [T];
      const given = this.#turns.given(tenant);
      if (next !== undefined && given >= next.given) continue;
      if (mayGo(tenant, item)) next = { tenant, item, given };
    }
    return next;
  }

  /** What was taken cost more than was known. */
  charge(tenant: Tenant, cost: number): void {
    if (this.#size > 0) this.#turns.charge(tenant, cost);
  }

  /** Takes all of them out. */
  clear(): T[] {
    const all = [...this.#lines.values()].flatMap(line => [...line]);
    this.#lines.clear();
    this.#turns.reset();
    this.#size = 0;
    return all;
  }
}

const NOBODY: readonly never[] = [];

/**
 * A number of places, fairly given. No tenant takes all of them, and who waits for one is given it
 * in fair turn: by the cost of what it did in its places.
 */
export class FairPlaces<T> {
  readonly #max: number;
  readonly #crowd: Crowd | undefined;
  readonly #taken = new Holdings();
  readonly #waiting = new FairQueue<T>();

  constructor(max: number, crowd?: Crowd) {
    this.#max = max;
    this.#crowd = crowd;
  }

  get taken(): number {
    return this.#taken.all;
  }

  get waiting(): FairQueue<T> {
    return this.#waiting;
  }

  /** Whether the tenant has a place now; else it is to wait. */
  take(tenant: Tenant): boolean {
    // The administration of one workspace is no second one.
    if (typeof tenant === 'number') this.#crowd?.note(tenant);
    if (!this.#taken.mayAdd(tenant, 1, this.#max, this.#crowd)) return false;
    this.#taken.add(tenant, 1);
    return true;
  }

  wait(tenant: Tenant, item: T): void {
    this.#waiting.add(tenant, item);
  }

  /** Gives a place back, which had cost so much; returns who has a place now instead. */
  leave(tenant: Tenant, cost: number): readonly T[] {
    this.#taken.add(tenant, -1);
    if (this.#waiting.size === 0) return NOBODY;
    this.#waiting.charge(tenant, cost);
    const next: T[] = [];
    for (;;) {
      const item = this.#waiting.take(each => this.take(each));
      if (item === undefined) return next;
      next.push(item);
    }
  }
}
