/** Events by bar of the chart and by type: what was counted before, and what has come since. */
import { typeColor } from '../../parts/type-color.ts';
import { bucketAt, type Buckets } from './buckets.ts';

/** Beyond these, types are counted together: a recorder may make up a type for each event. */
const TYPES_MAX = 200;
/** Types that the chart tells apart. */
const SERIES_MAX = 6;

export interface Series {
  /** Null for all the others together. */
  readonly type: string | null;
  readonly color: string;
  readonly total: number;
  /** One count for each bar, oldest first. */
  readonly counts: readonly number[];
}

export class TypeCounts {
  readonly buckets: Buckets;
  readonly #byStart = new Map<number, Map<string, number>>();
  readonly #types = new Set<string>();

  constructor(buckets: Buckets) {
    this.buckets = buckets;
  }

  add(type: string, atMs: number, count = 1): void {
    const edges = this.buckets.edges(Date.now());
    const start = edges[bucketAt(edges, atMs)];
    if (start === undefined) return;
    let counts = this.#byStart.get(start);
    if (!counts) this.#byStart.set(start, (counts = new Map()));
    if (!this.#types.has(type) && this.#types.size < TYPES_MAX) this.#types.add(type);
    const name = this.#types.has(type) ? type : '';
    counts.set(name, (counts.get(name) ?? 0) + count);
  }

  /** The most frequent types, then the rest. Forgets bars that are past. */
  series(edges: readonly number[]): Series[] {
    const bars = edges.length - 1;
    const byType = this.#byType(edges);
    const own = [...byType]
      .filter(([type]) => type !== '')
      .map(([type, counts]) => seriesOf(type, typeColor(type), counts))
      .sort((a, b) => b.total - a.total || compare(a.type, b.type))
      .slice(0, SERIES_MAX);
    const shown = new Set<string | null>(own.map(({ type }) => type));
    const others = [...byType].filter(([type]) => !shown.has(type));
    // By name, so that the bars of two types don't change places when one overtakes the other.
    own.sort((a, b) => compare(a.type, b.type));
    if (others.length === 0) return own;
    const rest = Array.from({ length: bars }, (_, at) =>
      sum(others.map(([, counts]) => counts[at] ?? 0)),
    );
    return [...own, seriesOf(null, '--series-rest', rest)];
  }

  #byType(edges: readonly number[]): Map<string, number[]> {
    const byType = new Map<string, number[]>();
    for (const [start, counts] of this.#byStart) {
      const at = bucketAt(edges, start);
      if (at === -1) this.#byStart.delete(start);
      if (at === -1) continue;
      for (const [type, count] of counts) {
        let row = byType.get(type);
        if (!row) byType.set(type, (row = Array<number>(edges.length - 1).fill(0)));
        row[at] = (row[at] ?? 0) + count;
      }
    }
    return byType;
  }
}

function compare(a: string | null, b: string | null): number {
  return (a ?? '') < (b ?? '') ? -1 : 1;
}

function seriesOf(type: string | null, color: string, counts: readonly number[]): Series {
  return { type, color, counts, total: sum(counts) };
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
