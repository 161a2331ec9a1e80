/**
 * What waits for the writers: submissions by workspace, and the decision which events the next
 * flush takes. Bounded: what finds no room is turned away at once. Workspaces share the room and
 * the turns fairly (`core/fairness.ts`), and none has more than a third of a flush while others
 * wait, and much is not flushed with little, so that a busy workspace delays no other. An id stands in a flush once: a second one waits
 * for the next.
 */
import { GatewayError } from '../core/errors.ts';
import { Holdings, Turns, type Crowd } from '../core/fairness.ts';
import { LIMITS } from '../core/limits.ts';
import { approximateBytes, type ResolvedEvent, type Submission } from './submission.ts';

/** Some of a submission's events, in order, as one flush takes them. */
export interface Portion {
  readonly submission: Submission;
  readonly events: readonly ResolvedEvent[];
}

export interface WaitingRoomLimits {
  readonly waitingEventsMax: number;
  readonly waitingBytesMax: number;
  readonly flushEventsMax: number;
  readonly flushBytesMax: number;
  readonly flushWorkspacesMax: number;
}

/** As many events are worth a commit of their own. */
const ENOUGH_EVENTS = 250;
/** More of one workspace, in a crowd, is not flushed with what little others record. */
const MUCH_EVENTS = 50;
const MUCH_BYTES = 65_536;
/**
 * A workspace has one of so many parts of a flush while others record. Of the only one that records
 * much the flushes are short: whoever records little waits for the event loop and for Postgres
 * while such a one is made and stored.
 */
const PARTS = 3;
const PARTS_BESIDE_LITTLE = 10;
/** So few are not parted. */
const FEW_EVENTS = 4;

/** What waits, and what is in flight, of one workspace. */
interface Queue {
  readonly submissions: Submission[];
  /** Events of its last flush. */
  lastTaken: number;
}

interface Take {
  events: number;
  bytes: number;
  /** What one workspace may take of this flush. */
  readonly share: number;
  /** Whether it is of workspaces of which much waits; null until there is one. */
  hasMuch: boolean | null;
  readonly keys: Set<string>;
  readonly portions: Portion[];
}

export class WriteQueue {
  readonly #limits: WaitingRoomLimits;
  readonly #crowd: Crowd | undefined;
  readonly #workspaces = new Map<number, Queue>();
  /** By the bytes that were flushed. */
  readonly #turns = new Turns();
  readonly #events = new Holdings();
  readonly #bytes = new Holdings();

  constructor(limits: WaitingRoomLimits = LIMITS, crowd?: Crowd) {
    this.#limits = limits;
    this.#crowd = crowd;
  }

  /** Events that wait or are being flushed. */
  get depth(): number {
    return this.#events.all;
  }

  /** @throws GatewayError OVERLOADED when it finds no room. What comes alone always does. */
  enter(submission: Submission): void {
    const { waitingEventsMax, waitingBytesMax } = this.#limits;
    const { workspaceId, events, bytes } = submission;
    const hasRoom =
      this.#events.mayAdd(workspaceId, events.length, waitingEventsMax) &&
      this.#bytes.mayAdd(workspaceId, bytes, waitingBytesMax);
    if (!hasRoom && this.#events.all > 0) {
      throw new GatewayError('OVERLOADED', 'Too many events are waiting. Try again in a second.');
    }
    this.#crowd?.note(workspaceId);
    this.#events.add(workspaceId, events.length);
    this.#bytes.add(workspaceId, bytes);
    const queue = this.#workspaces.get(workspaceId);
    if (queue !== undefined) return void queue.submissions.push(submission);
    this.#workspaces.set(workspaceId, { submissions: [submission], lastTaken: 0 });
    this.#turns.join(workspaceId);
  }

  /** Takes a submission out that is settled or has failed. */
  leave(submission: Submission): void {
    const queue = this.#workspaces.get(submission.workspaceId);
    const index = queue?.submissions.indexOf(submission) ?? -1;
    if (queue === undefined || index < 0) return;
    queue.submissions.splice(index, 1);
    if (queue.submissions.length === 0) this.#workspaces.delete(submission.workspaceId);
    if (this.#workspaces.size === 0) this.#turns.reset();
    this.#events.add(submission.workspaceId, -submission.events.length);
    this.#bytes.add(submission.workspaceId, -submission.bytes);
  }

  /** Those that have been here since before this time, also in a flush that still runs. */
  arrivedBefore(beforeMs: number): Submission[] {
    const isLate = ({ arrivedMs }: Submission) => arrivedMs < beforeMs;
    return [...this.#workspaces.values()].flatMap(queue => queue.submissions.filter(isLate));
  }

  /** What the next flush takes, marked as in flight; empty when nothing can go. */
  take(): Portion[] {
    const { flushEventsMax, flushWorkspacesMax } = this.#limits;
    const isCrowd = this.#crowd?.isThere === true;
    const waiting = [...this.#workspaces].filter(([, queue]) => isDue(queue, isCrowd));
    const alone = waiting.length <= 1 && !isCrowd;
    if (waiting.length > 1) waiting.sort(([a], [b]) => this.#turns.given(a) - this.#turns.given(b));
    const hasMuchOf = ({ submissions }: Queue) => isCrowd && isMuch(submissions);
    const isBusyAlone = waiting.filter(([, queue]) => hasMuchOf(queue)).length === 1;
    const parts = isBusyAlone ? PARTS_BESIDE_LITTLE : PARTS;
    const share = alone ? flushEventsMax : Math.ceil(flushEventsMax / parts);
    const take: Take = { events: 0, bytes: 0, share, hasMuch: null, keys: new Set(), portions: [] };
    for (const [workspaceId, queue] of waiting.slice(0, flushWorkspacesMax)) {
      const hasMuch = hasMuchOf(queue);
      take.hasMuch ??= hasMuch;
      // The next writer takes those.
      if (take.hasMuch !== hasMuch) continue;
      const before = take.bytes;
      this.#takeFrom(queue, take);
      // One that found no room is charged nothing, and is soon first.
      if (take.bytes > before) {
        this.#turns.go(workspaceId);
        this.#turns.charge(workspaceId, take.bytes - before);
      }
      if (take.events >= flushEventsMax) break;
    }
    return take.portions;
  }

  #takeFrom(queue: Queue, take: Take): void {
    const room = Math.min(take.share, this.#limits.flushEventsMax - take.events);
    const enough = Math.min(room, enoughOf(queue));
    let taken = 0;
    for (const submission of queue.submissions) {
      if (!isReady(submission)) continue;
      const events = this.#portionOf(submission, room - taken, take);
      if (events.length === 0) break;
      submission.inFlight = true;
      take.portions.push({ submission, events });
      taken += events.length;
      if (taken >= enough) break;
    }
    if (taken > 0) queue.lastTaken = taken;
  }

  /** An atomic submission goes whole, if need be in a flush of its own; others in pieces. */
  #portionOf(submission: Submission, room: number, take: Take): ResolvedEvent[] {
    const start = submission.outcomes.length;
    const isFirst = take.portions.length === 0;
    if (submission.atomic && submission.events.length > room && !isFirst) return [];
    const end = submission.atomic ? submission.events.length : start + room;
    const events: ResolvedEvent[] = [];
    const keys: string[] = [];
    let bytes = take.bytes;
    for (const event of submission.events.slice(start, end)) {
      const key = `${submission.workspaceId}:${event.key}`;
      bytes += approximateBytes(event);
      const isOver = bytes > this.#limits.flushBytesMax && (events.length > 0 || !isFirst);
      if (take.keys.has(key) || (isOver && !(submission.atomic && isFirst))) {
        if (submission.atomic) return [];
        break;
      }
      keys.push(key);
      events.push(event);
    }
    for (const key of keys) take.keys.add(key);
    take.bytes = bytes;
    take.events += events.length;
    return events;
  }
}

/**
 * Flushes of one workspace wait for each other's commit. So what is little waits for the one that
 * runs, and shares the next commit with what comes meanwhile. In a crowd what is much waits, too:
 * the other writer is there for others.
 */
function isDue({ submissions }: Queue, isCrowd: boolean): boolean {
  const ready = readyOf(submissions);
  const isFlushing = () => submissions.some(({ inFlight }) => inFlight);
  return (ready >= ENOUGH_EVENTS && !isCrowd) || (ready > 0 && !isFlushing());
}

/**
 * Callers that wait for their answers come back together: all of them in one flush would leave
 * Postgres idle while the next is being read, and the reader idle while that one commits. So of
 * what is little a flush takes no more than the mean of the last one and what waits, until both
 * are alike and each is read while the other commits.
 */
function enoughOf({ submissions, lastTaken }: Queue): number {
  const ready = readyOf(submissions);
  if (ready >= ENOUGH_EVENTS) return Infinity;
  return Math.max(FEW_EVENTS, Math.ceil((lastTaken + ready) / 2));
}

function isMuch(submissions: readonly Submission[]): boolean {
  if (readyOf(submissions) > MUCH_EVENTS) return true;
  let bytes = 0;
  for (const submission of submissions) {
    if (isReady(submission)) bytes += submission.bytes;
    if (bytes > MUCH_BYTES) return true;
  }
  return false;
}

/** Counted until they are enough. */
function readyOf(submissions: readonly Submission[]): number {
  let ready = 0;
  for (const submission of submissions) {
    if (isReady(submission)) ready += submission.waiting;
    if (ready >= ENOUGH_EVENTS) break;
  }
  return ready;
}

function isReady(submission: Submission): boolean {
  return !submission.inFlight && submission.waiting > 0;
}
