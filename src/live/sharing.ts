/** Runs work for at most `max` callers at a time, in the order in which they came. */
export function createGate(max: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let running = 0;

  return async work => {
    if (running < max) running++;
    else await new Promise<void>(resolve => waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) running--;
      else next();
    }
  };
}

/**
 * Loads by key, one load at a time and all keys that wait in the next: a thousand callers at
 * once cost two. A load begins after the call that it answers, so its answer is not older.
 */
export function createBatch<K, V>(
  load: (keys: readonly K[]) => Promise<ReadonlyMap<K, V>>,
): (key: K) => Promise<V> {
  let next: Promise<ReadonlyMap<K, V>> | undefined;
  let keys = new Set<K>();
  let last: Promise<unknown> = Promise.resolve();

  async function loadAfter(previous: Promise<unknown>): Promise<ReadonlyMap<K, V>> {
    await previous;
    const asked = [...keys];
    keys = new Set();
    next = undefined;
    return load(asked);
  }

  return async key => {
    keys.add(key);
    if (next === undefined) {
      next = loadAfter(last);
      last = next.catch(() => {});
    }
    const value = (await next).get(key);
    if (value === undefined) throw new Error(`nothing was loaded for ${String(key)}`);
    return value;
  };
}
