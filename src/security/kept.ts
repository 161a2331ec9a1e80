/** Answers of the database that are used again for a moment, and given up when told so. */
const KEPT_MAX = 10_000;

export interface Kept<Name, Value> {
  /** Null for what is not there, which is looked up each time. */
  find(name: Name): Promise<Value | null>;
  /** What is kept, or is being looked up, of these is not used again. */
  forget(isMeant: (value: Value) => boolean): void;
}

export interface KeptOptions<Name, Value> {
  readonly lookUp: (name: Name) => Promise<Value | null>;
  readonly keptMs: number;
  readonly nowMs: () => number;
}

export function createKept<Name, Value>(options: KeptOptions<Name, Value>): Kept<Name, Value> {
  const { lookUp, keptMs, nowMs } = options;
  const kept = new Map<Name, { readonly value: Value; readonly untilMs: number }>();
  let forgotten = 0;
  return {
    async find(name) {
      const known = kept.get(name);
      if (known !== undefined && known.untilMs > nowMs()) return known.value;
      kept.delete(name);
      const forgottenBefore = forgotten;
      const value = await lookUp(name);
      if (value === null) return null;
      if (kept.size >= KEPT_MAX) kept.clear();
      // What was read before something was forgotten may be just that.
      if (forgotten === forgottenBefore) kept.set(name, { value, untilMs: nowMs() + keptMs });
      return value;
    },
    forget(isMeant) {
      forgotten += 1;
      for (const [name, { value }] of kept) if (isMeant(value)) kept.delete(name);
    },
  };
}
