/**
 * Equal questions that come at once are asked once. Whoever comes while one of them is being answered
 * waits for its end, and all who wait are then answered together, by a statement that begins after
 * the last of them has come: nobody is told less than was there when they asked. Who comes alone
 * does not wait, and nothing is kept.
 */

/** Where the one before takes longer, those who wait go on. */
const WAIT_MS = 100;

interface Turn<T> {
  /** Resolves, whatever became of it. */
  readonly ended: Promise<unknown>;
  /** Of those who have come since it began. */
  next: Promise<T> | null;
}

/** `ask` is called at once or after a wait: for the same key it asks the same. */
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
