import { FairPlaces, type Tenant } from '../core/fairness.ts';

/** Runs work in the tenant's turn; what the work took is what the tenant is charged. */
export type Gate = <T>(tenant: Tenant, work: () => Promise<T>) => Promise<T>;

/** Lets so many work at a time, fairly: see `FairPlaces`. */
export function createGate(max: number, elapsedMs: () => number): Gate {
  const places = new FairPlaces<() => void>(max);

  return async (tenant, work) => {
    if (!places.take(tenant)) await new Promise<void>(go => places.wait(tenant, go));
    const startedMs = elapsedMs();
    try {
      return await work();
    } finally {
      for (const go of places.leave(tenant, elapsedMs() - startedMs)) go();
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
