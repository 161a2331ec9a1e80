/**
 * Percentiles of numbers, each within one hundredth of its value: DDSketch (Masson, Rim, Lee 2019).
 * A number is known by its bin: bin i has those from γ^(i-1) to γ^i, and each lies within a
 * hundredth of the bin's value. Bins of negative numbers are negative, and 0 has what is next to
 * nothing. So bins are in the order of their values.
 */
import { unzigzag, VarintReader, VarintWriter, zigzag } from './varint.ts';

/** How far a percentile may be from the exact one, as a part of it. */
export const PERCENTILE_ERROR = 0.01;

const GAMMA = (1 + PERCENTILE_ERROR) / (1 - PERCENTILE_ERROR);
/** Of γ: SQL computes bins by it. */
export const LOG_GAMMA = Math.log(GAMMA);
/** Added to a bin's exponent, so that its sign is free for that of the numbers. */
export const BIN_OFFSET = 50_000;
/** Numbers that are smaller count as 0. Postgres' doubles end there. */
export const SMALLEST = 1e-307;
/** They span a factor of 10^35; beyond it the smallest numbers share a bin. */
const BINS_MAX = 4_096;

export class DDSketch {
  readonly #bins = new Map<number, number>();
  #count = 0;

  /** @throws RangeError for bytes that are no sketch */
  static fromBytes(bytes: Uint8Array): DDSketch {
    const sketch = new DDSketch();
    sketch.mergeBytes(bytes);
    return sketch;
  }

  /** @throws RangeError for bytes that are no sketch */
  mergeBytes(bytes: Uint8Array): void {
    const reader = new VarintReader(bytes);
    for (let bin = 0; !reader.isAtEnd;) {
      bin += unzigzag(reader.read());
      this.add(bin, reader.read());
    }
  }

  get count(): number {
    return this.#count;
  }

  add(bin: number, count: number): void {
    this.#bins.set(bin, (this.#bins.get(bin) ?? 0) + count);
    this.#count += count;
    if (this.#bins.size > BINS_MAX) this.#collapse();
  }

  merge(other: DDSketch): void {
    for (const [bin, count] of other.#bins) this.add(bin, count);
  }

  /** Interpolated between neighbours, as Postgres' `percentile_cont` does. Null without numbers. */
  percentile(fraction: number): number | null {
    if (this.#count === 0) return null;
    const place = fraction * (this.#count - 1);
    const sorted = this.#sorted();
    const low = valueAt(sorted, Math.floor(place));
    const high = valueAt(sorted, Math.ceil(place));
    return low + (high - low) * (place % 1);
  }

  toBytes(): Uint8Array {
    const writer = new VarintWriter();
    let before = 0;
    for (const [bin, count] of this.#sorted()) {
      writer.write(zigzag(bin - before));
      writer.write(count);
      before = bin;
    }
    return writer.bytes();
  }

  #sorted(): [bin: number, count: number][] {
    return [...this.#bins].sort(([a], [b]) => a - b);
  }

  /** The bins next to 0 become one: many at a time, since all of them are put in order for it. */
  #collapse(): void {
    const bins = [...this.#bins.keys()].sort((a, b) => Math.abs(a) - Math.abs(b));
    const small = bins.slice(0, BINS_MAX / 4);
    const into = bins[small.length] as number;
    for (const bin of small) {
      this.#bins.set(into, (this.#bins.get(into) ?? 0) + (this.#bins.get(bin) ?? 0));
      this.#bins.delete(bin);
    }
  }
}

function valueOfBin(bin: number): number {
  if (bin === 0) return 0;
  const middle = (2 * GAMMA ** (Math.abs(bin) - BIN_OFFSET)) / (GAMMA + 1);
  return Math.sign(bin) * Math.min(middle, Number.MAX_VALUE);
}

function valueAt(sorted: readonly [bin: number, count: number][], place: number): number {
  let before = 0;
  for (const [bin, count] of sorted) {
    before += count;
    if (place < before) return valueOfBin(bin);
  }
  return valueOfBin(sorted.at(-1)?.[0] ?? 0);
}
