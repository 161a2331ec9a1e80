/**
 * How far a standby must have come for a question, in the log of the primary. The primary is asked
 * for its place at most once a second, and when this gateway has written since, or has heard of a
 * redaction: then for the questions that come after it. Those that come at once share one answer.
 */
import { performance } from 'node:perf_hooks';
import type { WalPlace } from '../db/standby-identity.ts';

/** A place that was asked for less than this ago holds for whoever needs no newer one. */
const PLACE_MS = 1_000;
/** Workspaces that are noted one by one. */
const NOTED_MAX = 10_000;

export type Workspaces = Iterable<number> | 'ALL';

export interface PrimaryPlace {
  /** Whoever asks from now on needs a place that is asked for from now on. */
  note(workspaces: Workspaces): void;
  /** @param isNow as of the call, or later */
  of(workspaceId: number, isNow: boolean): Promise<WalPlace>;
}

/** Turns rise: what was asked for at a later turn than a note includes what was noted. */
interface Asking {
  readonly turn: number;
  readonly askedAtMs: number;
  readonly place: Promise<WalPlace>;
}

export function createPrimaryPlace(
  read: () => Promise<WalPlace>,
  nowMs: () => number = () => performance.now(),
): PrimaryPlace {
  const noted = new Map<number, number>();
  let notedAll = 0;
  let turn = 0;
  let latest: Asking | null = null;
  let isAsking = false;
  let next: Promise<WalPlace> | null = null;

  function begin(): Promise<WalPlace> {
    isAsking = true;
    const asking = { turn: ++turn, askedAtMs: nowMs(), place: read() };
    latest = asking;
    const end = () => void (isAsking = false);
    // A place that is not told is asked for anew.
    asking.place.then(end, () => {
      end();
      if (latest === asking) latest = null;
    });
    return asking.place;
  }

  /** One that is on its way is too early: the next one begins when it has come. */
  function beginNext(current: Promise<WalPlace>): Promise<WalPlace> {
    const start = () => {
      next = null;
      return begin();
    };
    return (next ??= current.then(start, start));
  }

  return {
    note(workspaces) {
      turn++;
      if (workspaces === 'ALL') notedAll = turn;
      else for (const id of workspaces) noted.set(id, turn);
      if (noted.size <= NOTED_MAX) return;
      noted.clear();
      notedAll = turn;
    },
    of(workspaceId, isNow) {
      const since = isNow ? turn : Math.max(notedAll, noted.get(workspaceId) ?? 0);
      if (latest === null) return begin();
      const isRecent = nowMs() - latest.askedAtMs < PLACE_MS;
      if (latest.turn > since && isRecent) return latest.place;
      return isAsking ? beginNext(latest.place) : begin();
    },
  };
}
