/**
 * Caches answers of the database for a moment. They can be dropped earlier. Concurrent look-ups of
 * the same key share one query.
 */
import { LRUCache } from 'lru-cache';

const KEPT_MAX = 10_000;

export interface LookupCache<Name extends string | number, Value> {
  /** Synchronous if it is cached. Null for what does not exist, which is not cached. */
  find(name: Name): Value | Promise<Value | null>;
  /** Drops these, and the results of look-ups of them that are under way. */
  forget(isMeant: (value: Value) => boolean): void;
}

export interface LookupCacheOptions<Name, Value> {
  readonly lookUp: (name: Name) => Promise<Value | null>;
  /** All its keys. @default the one that it was looked up by */
  readonly namesOf?: (value: Value) => readonly Name[];
  readonly keptMs: number;
  readonly nowMs: () => number;
}

export function createLookupCache<Name extends string | number, Value>(
  options: LookupCacheOptions<Name, Value>,
): LookupCache<Name, Value> {
  const { lookUp, namesOf, keptMs, nowMs } = options;
  const kept = new LRUCache<Name, { readonly value: Value; readonly untilMs: number }>({
    max: KEPT_MAX,
  });
  const underWay = new Map<Name, Promise<Value | null>>();
  let forgotten = 0;

  function keep(names: readonly Name[], value: Value): void {
    const entry = { value, untilMs: nowMs() + keptMs };
    for (const name of names) kept.set(name, entry);
  }

  async function look(name: Name): Promise<Value | null> {
    const forgottenBefore = forgotten;
    // It was read before something was dropped, and may be outdated.
    const isCurrent = () => forgotten === forgottenBefore;
    kept.delete(name);
    try {
      const value = await lookUp(name);
      if (value === null) return null;
      if (isCurrent()) keep(namesOf?.(value) ?? [name], value);
      return value;
    } finally {
      if (isCurrent()) underWay.delete(name);
    }
  }

  async function findNew(name: Name): Promise<Value | null> {
    const asked = underWay.get(name);
    // It may have been created since another caller looked for it.
    if (asked !== undefined) return (await asked) ?? lookUp(name);
    const looking = look(name);
    underWay.set(name, looking);
    return looking;
  }

  return {
    find(name) {
      const known = kept.get(name);
      return known !== undefined && known.untilMs > nowMs() ? known.value : findNew(name);
    },
    forget(isMeant) {
      forgotten += 1;
      underWay.clear();
      for (const [name, { value }] of kept) if (isMeant(value)) kept.delete(name);
    },
  };
}
