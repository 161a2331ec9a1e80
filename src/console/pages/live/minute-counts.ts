/** Events of the last minutes by type: what was counted before, and what has come since. */

/** Minutes that the chart shows, the present one among them. */
export const MINUTES = 30;
const MINUTE_MS = 60_000;
/** Beyond these, types are counted together: a recorder may make up a type for each event. */
const TYPES_MAX = 200;

/** Types that have a colour of their own. */
export const SERIES_MAX = 6;

export interface Series {
  /** Null for all the others together. */
  readonly type: string | null;
  readonly color: string;
  readonly total: number;
  /** One count for each minute, oldest first. */
  readonly counts: readonly number[];
}

export class MinuteCounts {
  readonly #byMinute = new Map<number, Map<string, number>>();
  readonly #types = new Set<string>();
  /** Which colour a type has: it keeps it as long as it is among the most frequent. */
  #slots: (string | null)[] = Array<string | null>(SERIES_MAX).fill(null);

  add(type: string, atMs: number, count = 1): void {
    const minute = Math.floor(atMs / MINUTE_MS);
    let counts = this.#byMinute.get(minute);
    if (!counts) this.#byMinute.set(minute, (counts = new Map()));
    if (!this.#types.has(type) && this.#types.size < TYPES_MAX) this.#types.add(type);
    const name = this.#types.has(type) ? type : '';
    counts.set(name, (counts.get(name) ?? 0) + count);
  }

  /** The start of each minute shown, in seconds, oldest first. */
  static minutes(nowMs: number): number[] {
    const last = Math.floor(nowMs / MINUTE_MS);
    return Array.from({ length: MINUTES }, (_, at) => (last - MINUTES + 1 + at) * 60);
  }

  /** The most frequent types by their colour, then the rest. Forgets minutes that are past. */
  series(nowMs: number): Series[] {
    const first = Math.floor(nowMs / MINUTE_MS) - MINUTES + 1;
    const byType = this.#byType(first);
    this.#assign(byType);
    const own = this.#slots.flatMap((type, slot) =>
      type === null ? [] : [seriesOf(type, `--series-${slot + 1}`, byType.get(type) ?? [])],
    );
    const others = [...byType].filter(([type]) => !this.#slots.includes(type));
    if (others.length === 0) return own;
    const rest = Array.from({ length: MINUTES }, (_, at) =>
      others.reduce((sum, [, counts]) => sum + (counts[at] ?? 0), 0),
    );
    return [...own, seriesOf(null, '--series-rest', rest)];
  }

  colorOf(type: string): string {
    const slot = this.#slots.indexOf(type);
    return slot === -1 ? '--series-rest' : `--series-${slot + 1}`;
  }

  #byType(first: number): Map<string, number[]> {
    const byType = new Map<string, number[]>();
    for (const [minute, counts] of this.#byMinute) {
      const at = minute - first;
      if (at < 0) this.#byMinute.delete(minute);
      if (at < 0 || at >= MINUTES) continue;
      for (const [type, count] of counts) {
        let row = byType.get(type);
        if (!row) byType.set(type, (row = Array<number>(MINUTES).fill(0)));
        row[at] = count;
      }
    }
    return byType;
  }

  #assign(byType: ReadonlyMap<string, readonly number[]>): void {
    const top = [...byType]
      .filter(([type]) => type !== '')
      .map(([type, counts]) => ({ type, total: sum(counts) }))
      .sort((a, b) => b.total - a.total)
      .slice(0, SERIES_MAX)
      .map(({ type }) => type);
    this.#slots = this.#slots.map(type => (type !== null && top.includes(type) ? type : null));
    for (const type of top) {
      if (this.#slots.includes(type)) continue;
      this.#slots[this.#slots.indexOf(null)] = type;
    }
  }
}

function seriesOf(type: string | null, color: string, counts: readonly number[]): Series {
  return { type, color, counts, total: sum(counts) };
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
