import type { StoredEvent } from '../core/event.ts';
import type { LiveClock } from './clock.ts';

/**
 * Wake-ups between processes. A hint only says that there may be something to see: it may come
 * late, twice or never, and may name a head that was long seen. So an implementation may drop
 * what it can't send, and `withPoll` is the floor beneath each: who looks asks the database for
 * heads and for redactions. Some also carry the events themselves, which spare a look.
 */
export interface Wakeup {
  /**
   * After a commit: the newest position of each workspace, and the events of those that are wanted,
   * each workspace's in order. Never fails and never waits.
   */
  announce(heads: ReadonlyMap<number, number>, events: readonly StoredEvent[]): void;
  /** Whether another process watches the workspace, and is sent the events themselves. */
  isWanted(workspaceId: number): boolean;
  /** From now on this process wants to hear of the workspace. Idempotent, also before `start`. */
  watch(workspaceId: number): void;
  unwatch(workspaceId: number): void;
  /**
   * After a redaction: what anybody keeps of this workspace is no longer true. Never fails and
   * never waits.
   */
  forget(workspaceId: number): void;
  /** Set before `start`; called again and again until `stop`, for own announcements too. */
  onHint(hear: (hint: Hint) => void): void;
  /**
   * As `onHint`, for committed events that others carry here: of one workspace, in order. What they
   * say may be older than a redaction.
   */
  onEvents(hear: (events: readonly StoredEvent[]) => void): void;
  /** As `onHint`, for what others say by `forget`. */
  onForget(hear: (forgotten: Forgotten) => void): void;
  /** Resolves when hints may come, or when the first attempt to connect has failed. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Newest positions by workspace, or `ALL`: look at every workspace that is watched. */
export type Hint = ReadonlyMap<number, number> | 'ALL';

/** Workspaces, or `ALL`: something may have gone unheard. */
export type Forgotten = readonly number[] | 'ALL';

export interface PollOptions {
  /** How long events may go unseen when every hint is lost. @default 1000 */
  readonly pollMs?: number;
  readonly clock: LiveClock;
}

/** The same wake-up, with the hint `ALL` every `pollMs` however many others were lost. */
export function withPoll(wakeup: Wakeup, { pollMs = 1_000, clock }: PollOptions): Wakeup {
  const stopping = new AbortController();
  let polling: Promise<void> | undefined;
  let hear: (hint: Hint) => void = () => {};

  async function poll(): Promise<void> {
    while (!stopping.signal.aborted) {
      await clock.sleep(pollMs, stopping.signal);
      if (!stopping.signal.aborted) hear('ALL');
    }
  }

  return {
    announce: (heads, events) => wakeup.announce(heads, events),
    isWanted: workspaceId => wakeup.isWanted(workspaceId),
    watch: workspaceId => wakeup.watch(workspaceId),
    unwatch: workspaceId => wakeup.unwatch(workspaceId),
    forget: workspaceId => wakeup.forget(workspaceId),
    onEvents: listener => wakeup.onEvents(listener),
    onForget: listener => wakeup.onForget(listener),
    onHint(listener) {
      hear = listener;
      wakeup.onHint(listener);
    },
    async start() {
      polling ??= poll();
      await wakeup.start();
    },
    async stop() {
      stopping.abort();
      await Promise.all([wakeup.stop(), polling]);
    },
  };
}

/** For those that carry no events, and tell everybody of every workspace. */
export const WITHOUT_EVENTS: Pick<Wakeup, 'isWanted' | 'watch' | 'unwatch' | 'onEvents'> = {
  isWanted: () => false,
  watch() {},
  unwatch() {},
  onEvents() {},
};

/** Adds heads to those that wait to be announced: the newest of each workspace counts. */
export function mergeHeads(into: Map<number, number>, heads: ReadonlyMap<number, number>): void {
  for (const [workspaceId, head] of heads) {
    into.set(workspaceId, Math.max(head, into.get(workspaceId) ?? 0));
  }
}
