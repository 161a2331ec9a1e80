/**
 * Answers of the database that are used again for a moment, and given up when told so. However many
 * ask for the same at once, it is looked up once.
 */
import { LRUCache } from 'lru-cache';

const KEPT_MAX = 10_000;

export interface LookupCache<Name extends string | number, Value> {
  /** At once where it is kept. Null for what is not there, which is looked up each time. */
  find(name: Name): Value | Promise<Value | null>;
  /** What is kept, or is being looked up, of these is not used again. */
  forget(isMeant: (value: Value) => boolean): void;
}

export interface LookupCacheOptions<Name, Value> {
  readonly lookUp: (name: Name) => Promise<Value | null>;
  /** All that it is found by. @default the one that it was looked up by */
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
    // What was read before something was forgotten may be just that.
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
    // What was not there when somebody else asked may have been made since.
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
