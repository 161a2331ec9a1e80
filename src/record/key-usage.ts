/**
 * What keys record, and whether their quotas have room for more. Counted in memory, so that no
 * request waits for a row that others write: once a second, while something is recorded, the counts
 * are added to the table, and of keys with a quota it is read what the gateways together have there.
 *
 * So a gateway knows at once what it recorded itself, and what others recorded within two seconds:
 * one until they add it, one until it looks. Together they exceed a quota by no more than the others
 * record in that time. What is under way holds its place in the quota until it is known what became
 * of it, so one gateway alone never exceeds it.
 *
 * A key is kept here while it records. One that comes back with a quota is looked up first, by a
 * read that waits for no lock.
 */
import type { Actor } from '../core/principal.ts';
import {
  dayOf,
  hasRoom,
  monthOf,
  quotaExceeded,
  standingsOf,
  type KeyQuota,
  type RecordedEvents,
} from '../core/quota.ts';
import type { Connection } from '../db/connection.ts';
import { addUsage, readUsage, type AddedUsage } from '../db/key-usage.ts';
import type { Recorded } from './writers.ts';

export interface KeyUsageOptions {
  readonly read: Connection;
  readonly write: Connection;
  readonly now: () => Date;
  /** Hears of each request that is refused. */
  readonly onRefused: () => void;
  /** The counts were not added, or not read: it is tried again. */
  readonly onError: (error: unknown) => void;
  /** @default 1000 */
  readonly everyMs?: number;
}

const EVERY_MS = 1_000;

/** A key that records. */
interface Counted {
  readonly keyId: number;
  /** What stands in the table, as it was read on a day; null where it was not. */
  known: (RecordedEvents & { readonly day: number }) | null;
  /** What is not in the table yet, by day. */
  counts: Map<number, number>;
  /** What is being added to it. */
  adding: ReadonlyMap<number, number>;
  /** Events of requests under way. */
  held: number;
  looking: Promise<void> | null;
  isUsed: boolean;
}

/** The place of a request in a quota. */
interface Place {
  readonly key: Counted;
  events: number;
}

const NONE: ReadonlyMap<number, number> = new Map();

export class KeyUsage {
  readonly #options: KeyUsageOptions;
  readonly #keys = new Map<number, Counted>();
  /** By the actor that the events of the request carry. */
  readonly #places = new Map<Actor, Place>();
  #timer: NodeJS.Timeout | undefined;
  #adding: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor(options: KeyUsageOptions) {
    this.#options = options;
  }

  /**
   * Does the work of a request that records, where the quota of its key has room for all its events.
   * Of what it does not record, the room is given back. What is done within it has its room already.
   * @param work takes the actor that its events are to carry
   * @throws GatewayError QUOTA_EXCEEDED, and nothing was done
   */
  within<T>(
    actor: Actor | null,
    events: number,
    work: (actor: Actor | null) => Promise<T>,
  ): Promise<T> {
    const quota = actor?.quota;
    if (actor === null || quota === undefined || events === 0) return work(actor);
    return this.#places.has(actor)
      ? work(actor)
      : this.#withinQuota({ actor, quota, events }, work);
  }

  async #withinQuota<T>(
    { actor, quota, events }: { actor: Actor; quota: KeyQuota; events: number },
    work: (actor: Actor) => Promise<T>,
  ): Promise<T> {
    const key = this.#keyOf(actor.keyId);
    if (!this.#isKnown(key)) await this.#look(key);
    const at = this.#options.now();
    const used = usedBy(key, dayOf(at));
    if (!hasRoom(quota, used, events)) {
      const standings = standingsOf(quota, used, at);
      actor.tell?.(standings);
      this.#options.onRefused();
      throw quotaExceeded(standings, events);
    }
    const own = { ...actor };
    const place = { key, events };
    key.held += events;
    this.#places.set(own, place);
    try {
      return await work(own);
    } finally {
      this.#places.delete(own);
      key.held -= place.events;
      key.isUsed = true;
      const now = this.#options.now();
      actor.tell?.(standingsOf(quota, usedBy(key, dayOf(now)), now));
    }
  }

  /**
   * Counts what a flush stored, before its callers hear of it. The day is of this gateway's clock, as
   * it is where room is looked for: by two clocks, events of one day would be held against another.
   */
  count({ entries }: Recorded): void {
    const day = dayOf(this.#options.now());
    for (const [{ actor }, { status }] of entries) {
      if (actor === null || status !== 'RECORDED') continue;
      const { counts } = this.#keyOf(actor.keyId);
      counts.set(day, (counts.get(day) ?? 0) + 1);
      if (this.#places.size > 0) this.#settle(actor);
    }
  }

  /** Adds what is not in the table yet. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#adding;
    await this.#add([...this.#keys.values()]);
  }

  /** An event holds its place no longer: it counts. */
  #settle(actor: Actor): void {
    const place = this.#places.get(actor);
    if (place === undefined || place.events === 0) return;
    place.events -= 1;
    place.key.held -= 1;
  }

  #keyOf(keyId: number): Counted {
    let key = this.#keys.get(keyId);
    if (key === undefined) {
      key = {
        keyId,
        known: null,
        counts: new Map(),
        adding: NONE,
        held: 0,
        looking: null,
        isUsed: true,
      };
      this.#keys.set(keyId, key);
      this.#wake();
    }
    key.isUsed = true;
    return key;
  }

  #isKnown({ known }: Counted): boolean {
    return known?.day === dayOf(this.#options.now());
  }

  /**
   * Not while its counts are being added: whether they are in what is read could not be told. What
   * was known before then serves until the next look, and of a day that has begun nothing is known.
   */
  async #look(key: Counted): Promise<void> {
    if (key.known === null) while (key.adding.size > 0) await this.#adding;
    if (key.adding.size > 0) return;
    await (key.looking ??= this.#read([key]).finally(() => (key.looking = null)));
  }

  async #read(keys: readonly Counted[]): Promise<void> {
    const at = this.#options.now();
    const ids = keys.map(({ keyId }) => keyId);
    const found = await readUsage(this.#options.read, ids, at);
    for (const key of keys) {
      const { today = 0, thisMonth = 0 } = found.get(key.keyId) ?? {};
      key.known = { today, thisMonth, day: dayOf(at) };
    }
  }

  #wake(): void {
    if (this.#timer !== undefined || this.#isStopped) return;
    this.#timer = setTimeout(() => {
      this.#adding = this.#turn();
    }, this.#options.everyMs ?? EVERY_MS);
  }

  async #turn(): Promise<void> {
    // What is being looked up may already hold what would be added: it waits for the next turn.
    const keys = [...this.#keys.values()].filter(({ looking }) => looking === null);
    await this.#add(keys);
    for (const key of keys) {
      if (isIdle(key)) this.#keys.delete(key.keyId);
      key.isUsed = false;
    }
    // All that is kept and known was looked up within two turns.
    const limited = keys.filter(({ keyId, known }) => known !== null && this.#keys.has(keyId));
    if (limited.length > 0) await this.#read(limited).catch(this.#options.onError);
    this.#timer = undefined;
    if (this.#keys.size > 0) this.#wake();
  }

  async #add(keys: readonly Counted[]): Promise<void> {
    const counted = keys.filter(({ counts }) => counts.size > 0);
    if (counted.length === 0) return;
    for (const key of counted) {
      key.adding = key.counts;
      key.counts = new Map();
    }
    try {
      await addUsage(this.#options.write, counted.flatMap(addedOf));
      for (const key of counted) key.known &&= knownWith(key.known, key.adding);
    } catch (error) {
      for (const { counts, adding } of counted) {
        for (const [day, events] of adding) counts.set(day, (counts.get(day) ?? 0) + events);
      }
      this.#options.onError(error);
    } finally {
      for (const key of counted) key.adding = NONE;
    }
  }
}

function isIdle({ counts, held, looking, isUsed }: Counted): boolean {
  return !isUsed && counts.size === 0 && held === 0 && looking === null;
}

function addedOf({ keyId, adding }: Counted): AddedUsage[] {
  return [...adding].map(([day, events]) => ({ keyId, day, events }));
}

type Known = NonNullable<Counted['known']>;

function knownWith({ day, ...known }: Known, added: ReadonlyMap<number, number>): Known {
  return { day, ...recordedWith(known, added, day) };
}

function recordedWith(
  { today, thisMonth }: RecordedEvents,
  counts: ReadonlyMap<number, number>,
  day: number,
): RecordedEvents {
  for (const [counted, events] of counts) {
    if (counted === day) today += events;
    if (monthOf(counted) === monthOf(day)) thisMonth += events;
  }
  return { today, thisMonth };
}

/** What is under way counts as if it had been recorded. */
function usedBy({ known, counts, adding, held }: Counted, day: number): RecordedEvents {
  const isOfMonth = known !== null && monthOf(known.day) === monthOf(day);
  const stored = {
    today: known?.day === day ? known.today : 0,
    thisMonth: isOfMonth ? known.thisMonth : 0,
  };
  const { today, thisMonth } = recordedWith(recordedWith(stored, counts, day), adding, day);
  return { today: today + held, thisMonth: thisMonth + held };
}
