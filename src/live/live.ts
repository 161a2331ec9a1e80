import type { LogPlace } from '../core/cursor.ts';
import { GatewayError } from '../core/errors.ts';
import type { StoredEvent } from '../core/event.ts';
import type { Crowd } from '../core/fairness.ts';
import { systemClock, type LiveClock } from './clock.ts';
import { createHistory } from './history.ts';
import { LIVE_LIMITS, type LiveLimits } from './limits.ts';
import type { EventLog } from './log.ts';
import type { HeldStream, LiveStream, StreamTag, SubscribeOptions } from './stream.ts';
import { createRefusedStream, createStreams, type Chosen, type Streams } from './subscribe.ts';
import { Tail } from './tail.ts';
import type { Forgotten, Wakeup } from './wakeup.ts';

/** The live streams of one process. */
export interface Live {
  /** Never throws: a start that is no good fails `ready` and the first `nextBatch`. */
  subscribe(options: SubscribeOptions): LiveStream;
  /**
   * Counts a download among the streams until it is released, and ends it as they are ended.
   * @throws GatewayError TOO_MANY_STREAMS
   */
  hold(stream: HeldStream): () => void;
  /** Whether anybody wants the events of the workspace themselves, here or elsewhere. */
  isWanted(workspaceId: number): boolean;
  /**
   * After a commit: the new heads, for this process and all others, and the events of workspaces
   * that are wanted, as a read would give them, each workspace's in position order. They spare a
   * tail its read where they continue what it has; any others are ignored.
   */
  recorded(heads: ReadonlyMap<number, LogPlace>, events?: readonly StoredEvent[]): void;
  /**
   * After a redaction: no stream, here or elsewhere, is handed anything of the workspace that was
   * read before. Never waits.
   */
  forget(workspaceId: number): void;
  /** Ends the streams that are chosen, with the error and their places; returns how many. */
  end(chosen: (stream: Chosen) => boolean, error: GatewayError): number;
  endAll(error: GatewayError): void;
  /** The tags of open streams: the keys to check again. */
  tags(): ReadonlySet<StreamTag>;
  /** The workspaces of open streams. */
  workspaces(): ReadonlySet<number>;
  start(): Promise<void>;
  /** Ends what `endAll` has not, without an error, and what runs for it. */
  stop(): Promise<void>;
  stats(): LiveStats;
}

/** Gauges are of now, the others count since the start. */
interface LiveStats {
  readonly subscribers: number;
  readonly catchingUp: number;
  readonly workspaces: number;
  readonly ringEvents: number;
  readonly ringBytes: number;
  /** Of the slowest subscriber: events, and ms since the last that it has seen was recorded. */
  readonly lagEvents: number;
  readonly lagMs: number;
  /** What the tail has yet to read of the workspace that is furthest behind. */
  readonly tailLagEvents: number;
  readonly deliveries: number;
  /** How often a subscriber went to the log: at its start, or when it fell behind the ring. */
  readonly catchUps: number;
  readonly pagesRead: number;
  readonly tailReads: number;
  /** Events that came from a writer, here or elsewhere, and spared a read. */
  readonly offered: number;
  readonly failures: number;
}

/** As pino has it. */
interface LiveLogger {
  warn(facts: object, message: string): void;
}

export interface LiveOptions {
  readonly log: EventLog;
  /** With the poll beneath it (`withPoll`); started and stopped with the streams. */
  readonly wakeup: Wakeup;
  readonly logger: LiveLogger;
  readonly clock?: LiveClock;
  readonly limits?: LiveLimits;
  /** Whether several workspaces are at work. */
  readonly crowd?: Crowd;
}

export function createLive(options: LiveOptions): Live {
  const { log, wakeup, logger, clock = systemClock, limits = LIVE_LIMITS } = options;
  const stopping = new AbortController();
  const failures = createFailureCount(logger, clock);
  const patience = { clock, limits, stopping: stopping.signal, onFailure: failures.add };
  const counts = { deliveries: 0, catchUps: 0, offered: 0 };
  const streams = createStreams({ limits, clock, crowd: options.crowd, wakeup });
  const { watches } = streams;
  const history = createHistory(log, limits, clock);
  const tail = new Tail({ log, watches, limits, patience, forget: forgetHere });
  const onStart: Tail['start'] = (watch, head) => tail.start(watch, head);
  const around = { history, onStart, clock, limits, patience, counts, onClose: streams.onClose };
  wakeup.onHint(hint => tail.look(hint));
  wakeup.onForget(forgetHere);
  wakeup.onEvents(events => void (counts.offered += offerTo(watches, events)));

  function forgetHere(forgotten: Forgotten): void {
    history.forget();
    streams.forget(forgotten);
  }

  function subscribe(wants: SubscribeOptions): LiveStream {
    return stopping.signal.aborted
      ? createRefusedStream(new GatewayError('GOING_AWAY', 'The gateway is stopping.'))
      : streams.subscribe(wants, around);
  }

  return {
    subscribe,
    hold: streams.hold,
    isWanted: workspaceId => watches.has(workspaceId) || wakeup.isWanted(workspaceId),
    recorded(heads, events = []) {
      counts.offered += offerTo(watches, events);
      const positions = new Map(Array.from(heads, ([id, { position }]) => [id, position]));
      tail.look(positions);
      wakeup.announce(positions, events);
    },
    forget(workspaceId) {
      forgetHere([workspaceId]);
      wakeup.forget(workspaceId);
    },
    end: streams.end,
    endAll: error => streams.closeAll(error),
    tags: () => new Set(streams.tags.keys()),
    workspaces: streams.workspaces,
    start: () => wakeup.start(),
    async stop() {
      stopping.abort();
      streams.closeAll();
      await Promise.all([wakeup.stop(), tail.stop()]);
    },
    stats: () => ({
      ...lagOf(streams, clock.now()),
      ...counts,
      ringBytes: streams.memory.bytes,
      workspaces: watches.size,
      pagesRead: history.pagesRead,
      tailReads: tail.reads,
      failures: failures.count,
    }),
  };
}

function offerTo(watches: Streams['watches'], events: readonly StoredEvent[]): number {
  let taken = 0;
  for (const [workspaceId, own] of byWorkspace(events)) {
    taken += watches.get(workspaceId)?.append(own, 'WRITER') ?? 0;
  }
  return taken;
}

function byWorkspace(events: readonly StoredEvent[]): Map<number, StoredEvent[]> {
  const groups = new Map<number, StoredEvent[]>();
  for (const event of events) {
    const group = groups.get(event.workspaceId);
    if (group === undefined) groups.set(event.workspaceId, [event]);
    else group.push(event);
  }
  return groups;
}

function lagOf({ open, watches }: Streams, now: Date) {
  let catchingUp = 0;
  let lagEvents = 0;
  let lagMs = 0;
  let tailLagEvents = 0;
  for (const { mode, place, watch } of open) {
    if (mode === 'CATCHING_UP') catchingUp++;
    const head = Math.max(watch.target, watch.ring.end?.position ?? 0);
    if (place === null || place.position >= head) continue;
    lagEvents = Math.max(lagEvents, head - place.position);
    lagMs = Math.max(lagMs, now.getTime() - place.recordedAt.getTime());
  }
  for (const { target, ring } of watches.values()) {
    if (ring.end !== null) tailLagEvents = Math.max(tailLagEvents, target - ring.end.position);
  }
  const ringEvents = [...watches.values()].reduce((sum, { ring }) => sum + ring.size, 0);
  return { subscribers: open.size, catchingUp, ringEvents, lagEvents, lagMs, tailLagEvents };
}

/** One line of log for as many failures as happen in this time: an outage has thousands. */
const LOG_EVERY_MS = 5_000;

function createFailureCount(logger: LiveLogger, clock: LiveClock) {
  let count = 0;
  let loggedAtMs = -Infinity;
  return {
    get count() {
      return count;
    },
    add(error: unknown): void {
      count++;
      if (clock.elapsedMs() - loggedAtMs < LOG_EVERY_MS) return;
      loggedAtMs = clock.elapsedMs();
      logger.warn({ err: error, failures: count }, 'live streams wait: a read of the log failed');
    },
  };
}
