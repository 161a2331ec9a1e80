/**
 * A workspace that somebody here watches: its ring, and its subscribers by the types that they
 * can match. New events wake only those that wait and might match, and a wake-up is a look at
 * the ring without a promise: one is settled where there is something to hand out.
 */
import type { LogPlace } from '../core/cursor.ts';
import type { StoredEvent } from '../core/event.ts';
import type { Looker, LookScheduler } from './look-scheduler.ts';
import type { Ring } from './ring.ts';
import { SearchedWords, type Found } from './searched-words.ts';
import { placeOf } from './stream.ts';

/** A subscriber, as its workspace sees it. */
export interface Watcher {
  /** Null: it must look at every event. It may become narrower: see `Watch.narrow`. */
  readonly types: ReadonlySet<string> | null;
  /** It has looked at everything in the ring and waits. */
  readonly parked: boolean;
  /** The place before the first event that it may want; kept until it looks. */
  rouse(from: LogPlace): boolean;
  /** Looks on, and parks when there is nothing for it. */
  look(): void;
  /** What it holds of the log is no longer true. */
  forget(): void;
  /** Whether it has said nothing for so long that a checkpoint is due. */
  checkpointDue(): boolean;
}

/** What the workspaces of a process share. */
interface WatchAround {
  readonly looks: LookScheduler;
  readonly found: Found;
}

export class Watch implements Looker {
  readonly workspaceId: number;
  readonly ring: Ring;
  readonly words: SearchedWords;
  /** The newest head heard of: the tail reads until the ring ends there. */
  target = 0;
  /** How many events the tail reads at once. */
  readLimit = 256;
  /** Reads of the tail that failed in a row. */
  failures = 0;
  /** What was read of the log in an earlier one is no longer true. */
  generation = 0;
  readonly #looks: LookScheduler;
  /** What writers offer up to here may be older than a redaction; null: the log is asked first. */
  #trustedAfter: number | null = 0;
  /** As the log had when it was last asked; null before the first time, when nothing is held. */
  #redactions: number | null = null;
  readonly #all = new Set<Watcher>();
  readonly #broad = new Set<Watcher>();
  readonly #byType = new Map<string, Set<Watcher>>();
  #lookers: Watcher[] = [];
  /** Among the lookers of the process. */
  #isInTurn = false;

  constructor(workspaceId: number, ring: Ring, around: WatchAround) {
    this.workspaceId = workspaceId;
    this.ring = ring;
    this.#looks = around.looks;
    this.words = new SearchedWords(around.found);
  }

  get size(): number {
    return this.#all.size;
  }

  /** Whether the tail has something to read. */
  get isBehind(): boolean {
    const { end } = this.ring;
    return end !== null && end.position < this.target;
  }

  join(watcher: Watcher): void {
    this.#all.add(watcher);
    this.#broad.add(watcher);
  }

  /** From now on only events of its types concern it. */
  narrow(watcher: Watcher): void {
    if (watcher.types === null || !this.#broad.delete(watcher)) return;
    for (const type of watcher.types) {
      const watchers = this.#byType.get(type);
      if (watchers === undefined) this.#byType.set(type, new Set([watcher]));
      else watchers.add(watcher);
    }
  }

  leave(watcher: Watcher): void {
    this.#all.delete(watcher);
    if (this.#broad.delete(watcher)) return;
    for (const type of watcher.types ?? []) {
      const watchers = this.#byType.get(type);
      watchers?.delete(watcher);
      if (watchers?.size === 0) this.#byType.delete(type);
    }
  }

  /** The head is where the ring ends, until somebody says otherwise. */
  forgetTarget(): void {
    this.target = this.ring.end?.position ?? 0;
  }

  /**
   * Puts what continues the ring into it and rouses whom it may concern; returns how many. Where
   * the log itself goes on beyond a gap, so does the ring, and everybody looks again: what their
   * places still mean is found out when they read.
   */
  append(events: readonly StoredEvent[], source: 'WRITER' | 'LOG'): number {
    if (source === 'WRITER' && !this.#trusts(events)) return 0;
    const before = this.ring.end;
    const [first] = events;
    if (source === 'LOG' && before !== null && first !== undefined) {
      if (first.position > before.position + 1) {
        this.ring.restartAt({ position: first.position - 1, recordedAt: first.recordedAt });
        this.#rouse(this.#all, before);
      }
    }
    return this.#append(events);
  }

  /** What a writer flushed may take any time to be offered, above all by another gateway. */
  #trusts([first]: readonly StoredEvent[]): boolean {
    const after = this.#trustedAfter;
    return after !== null && first !== undefined && first.position > after;
  }

  /**
   * The log was asked for its head, and nothing was redacted since: what comes after it was
   * recorded later than whatever was redacted before.
   */
  seeHead(position: number, generation: number): void {
    if (generation === this.generation) this.#trustedAfter ??= position;
  }

  #append(events: readonly StoredEvent[]): number {
    const before = this.ring.end;
    const fresh = this.ring.append(events);
    if (fresh.length === 0 || before === null) return 0;
    this.#rouse(this.#broad, before);
    let from = before;
    const seen = new Set<string>();
    for (const event of this.#byType.size === 0 ? [] : fresh) {
      if (!seen.has(event.type)) {
        seen.add(event.type);
        this.#rouse(this.#byType.get(event.type) ?? [], from);
      }
      from = placeOf(event);
    }
    this.#lookInTurn();
    return fresh.length;
  }

  /** Whether there were more redactions than before. */
  seeRedactions(count: number): boolean {
    const before = this.#redactions;
    this.#redactions = Math.max(count, before ?? 0);
    return before !== null && count > before;
  }

  /** Events were redacted: whatever is here of the log is read again before it is handed out. */
  forget(): void {
    const { end } = this.ring;
    this.generation++;
    this.#trustedAfter = null;
    if (end !== null) this.ring.restartAt(end);
    for (const watcher of this.#all) watcher.forget();
  }

  /** Lets those look again for whom a checkpoint is due. */
  sweep(): void {
    for (const watcher of this.#all) {
      if (watcher.parked && watcher.checkpointDue()) this.#lookers.push(watcher);
    }
    this.#lookInTurn();
  }

  /** Lets one look when it is this workspace's turn. */
  lookSoon(watcher: Watcher): void {
    this.#lookers.push(watcher);
    this.#lookInTurn();
  }

  #rouse(watchers: Iterable<Watcher>, from: LogPlace): void {
    for (const watcher of watchers) {
      if (watcher.parked && watcher.rouse(from)) this.#lookers.push(watcher);
    }
  }

  #lookInTurn(): void {
    if (this.#isInTurn || this.#lookers.length === 0) return;
    this.#isInTurn = true;
    this.#looks.add(this);
  }

  lookUntil(isOver: () => boolean): boolean {
    const lookers = this.#lookers;
    let looked = 0;
    do lookers[looked++]?.look();
    while (looked < lookers.length && !isOver());
    this.#lookers = lookers.slice(looked);
    this.#isInTurn = this.#lookers.length > 0;
    return this.#isInTurn;
  }
}
