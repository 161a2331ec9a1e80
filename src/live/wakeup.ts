import type { LiveClock } from './clock.ts';

/**
 * Wake-ups between processes. A hint only says that there may be something to see: it may come
 * late, twice or never, and may name a head that was long seen. So an implementation may drop
 * what it can't send, and `withPoll` is the floor beneath each: who looks asks the database for
 * heads and for redactions.
 */
export interface Wakeup {
  /** After a commit: the newest position of each workspace. Never fails and never waits. */
  announce(heads: ReadonlyMap<number, number>): void;
  /**
   * After a redaction: what anybody keeps of this workspace is no longer true. Never fails and
   * never waits.
   */
  forget(workspaceId: number): void;
  /** Set before `start`; called again and again until `stop`, for own announcements too. */
  onHint(hear: (hint: Hint) => void): void;
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
    announce: heads => wakeup.announce(heads),
    forget: workspaceId => wakeup.forget(workspaceId),
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

/** Adds heads to those that wait to be announced: the newest of each workspace counts. */
export function mergeHeads(into: Map<number, number>, heads: ReadonlyMap<number, number>): void {
  for (const [workspaceId, head] of heads) {
    into.set(workspaceId, Math.max(head, into.get(workspaceId) ?? 0));
  }
}
