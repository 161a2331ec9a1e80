/**
 * What waits for the writers: submissions by workspace, and the decision which events the next
 * flush takes. Bounded: when it is full, a submission is turned away at once. Workspaces take
 * turns, and none has more than a third of a flush while others wait, so that a busy workspace
 * delays no other. An id stands in a flush once: a second one waits for the next.
 */
import { GatewayError } from '../core/errors.ts';
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

interface Take {
  events: number;
  bytes: number;
  /** What one workspace may take of this flush. */
  readonly share: number;
  readonly keys: Set<string>;
  readonly portions: Portion[];
}

export class WaitingRoom {
  readonly #limits: WaitingRoomLimits;
  /** In the order of their turns. */
  readonly #workspaces = new Map<number, Submission[]>();
  #events = 0;
  #bytes = 0;

  constructor(limits: WaitingRoomLimits = LIMITS) {
    this.#limits = limits;
  }

  /** Events that wait or are being flushed. */
  get depth(): number {
    return this.#events;
  }

  /** @throws GatewayError OVERLOADED when it is full. */
  enter(submission: Submission): void {
    const { waitingEventsMax, waitingBytesMax } = this.#limits;
    const isFull =
      this.#events + submission.events.length > waitingEventsMax ||
      this.#bytes + submission.bytes > waitingBytesMax;
    if (isFull && this.#events > 0) {
      throw new GatewayError('OVERLOADED', 'More events wait than fit: try again in a second.');
    }
    this.#events += submission.events.length;
    this.#bytes += submission.bytes;
    const queue = this.#workspaces.get(submission.workspaceId);
    if (queue === undefined) this.#workspaces.set(submission.workspaceId, [submission]);
    else queue.push(submission);
  }

  /** Takes a submission out that is settled or has failed. */
  leave(submission: Submission): void {
    const queue = this.#workspaces.get(submission.workspaceId);
    const index = queue?.indexOf(submission) ?? -1;
    if (queue === undefined || index < 0) return;
    queue.splice(index, 1);
    if (queue.length === 0) this.#workspaces.delete(submission.workspaceId);
    this.#events -= submission.events.length;
    this.#bytes -= submission.bytes;
  }

  /** Those that have been here since before this time, also in a flush that still runs. */
  arrivedBefore(beforeMs: number): Submission[] {
    const isLate = ({ arrivedMs }: Submission) => arrivedMs < beforeMs;
    return [...this.#workspaces.values()].flatMap(queue => queue.filter(isLate));
  }

  /** What the next flush takes, marked as in flight; empty when nothing can go. */
  take(): Portion[] {
    const { flushEventsMax, flushWorkspacesMax } = this.#limits;
    const waiting = [...this.#workspaces].filter(([, queue]) => isDue(queue));
    const alone = waiting.length <= 1;
    const share = alone ? flushEventsMax : Math.ceil(flushEventsMax / 3);
    const take: Take = { events: 0, bytes: 0, share, keys: new Set(), portions: [] };
    for (const [workspaceId, queue] of waiting.slice(0, flushWorkspacesMax)) {
      const before = take.portions.length;
      this.#takeFrom(queue, take);
      // Its turn is over: to the end. One that found no room keeps its place, and is soon first.
      if (take.portions.length > before) {
        this.#workspaces.delete(workspaceId);
        this.#workspaces.set(workspaceId, queue);
      }
      if (take.events >= flushEventsMax) break;
    }
    return take.portions;
  }

  #takeFrom(queue: readonly Submission[], take: Take): void {
    let room = Math.min(take.share, this.#limits.flushEventsMax - take.events);
    for (const submission of queue) {
      if (!isReady(submission)) continue;
      const events = this.#portionOf(submission, room, take);
      if (events.length === 0) return;
      submission.inFlight = true;
      take.portions.push({ submission, events });
      room -= events.length;
      if (room <= 0) return;
    }
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
 * runs, and shares the next commit with what comes meanwhile.
 */
function isDue(queue: readonly Submission[]): boolean {
  let ready = 0;
  let isFlushing = false;
  for (const submission of queue) {
    if (submission.inFlight) isFlushing = true;
    else ready += submission.waiting;
    if (ready >= ENOUGH_EVENTS) return true;
  }
  return ready > 0 && !isFlushing;
}

function isReady(submission: Submission): boolean {
  return !submission.inFlight && submission.waiting > 0;
}
