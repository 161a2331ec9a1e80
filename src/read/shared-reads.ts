/**
 * Coalesces identical concurrent reads. A caller that comes while a read runs waits for its end. All
 * waiting callers then share one read, which begins after the last of them has come, so each sees at
 * least what was there when it asked. A single caller does not wait, and no result is kept.
 */

/** Callers do not wait longer than this for the read before theirs. */
const WAIT_MS = 100;

interface Turn<T> {
  /** Resolves at its end, also when it failed. */
  readonly ended: Promise<unknown>;
  /** The read of the callers that have come since it began. */
  next: Promise<T> | null;
}

/** `ask` is called at once or after a wait. For equal keys it must ask the same question. */
export type SharedRead<T> = (key: string, ask: () => Promise<T>) => Promise<T>;

export function createSharedReads<T>(): SharedRead<T> {
  const turns = new Map<string, Turn<T>>();

  function begin(key: string, ask: () => Promise<T>): Promise<T> {
    const answer = ask();
    const leave = () => {
      if (turns.get(key) === turn) turns.delete(key);
    };
    const turn: Turn<T> = { ended: answer.then(leave, leave), next: null };
    turns.set(key, turn);
    return answer;
  }

  return (key, ask) => {
    const turn = turns.get(key);
    if (turn === undefined) return begin(key, ask);
    return (turn.next ??= endOf(turn).then(() => begin(key, ask)));
  };
}

function endOf({ ended }: Turn<unknown>): Promise<void> {
  return new Promise(resolve => {
    const timer = setTimeout(resolve, WAIT_MS);
    void ended.then(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
