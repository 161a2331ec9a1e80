/** The sketches of measures that no sum can tell, behind one shape: they are added to and merged. */
import type { MeasureFunction } from './aggregate.ts';
import { DDSketch, PERCENTILE_ERROR } from './ddsketch.ts';
import { HyperLogLog, UNIQUE_ERROR } from './hyperloglog.ts';
import type { Operand } from './meter.ts';

export type SketchKind = Exclude<Operand['kind'], 'NUMBERS'>;

export interface Sketch {
  /** A code or a bin, and how often it came. */
  add(item: number, count: number): void;
  /** Another of the same kind. */
  merge(other: Sketch): void;
  mergeBytes(bytes: Uint8Array): void;
  toBytes(): Uint8Array;
  /** In decimal digits; null without a value. */
  answer(name: MeasureFunction): string | null;
}

const FRACTIONS: Partial<Record<MeasureFunction, number>> = {
  P50: 0.5,
  P90: 0.9,
  P95: 0.95,
  P99: 0.99,
};

class UniqueSketch implements Sketch {
  readonly #values = new HyperLogLog();
  add(item: number): void {
    this.#values.add(item);
  }
  merge(other: UniqueSketch): void {
    this.#values.merge(other.#values);
  }
  mergeBytes(bytes: Uint8Array): void {
    this.#values.mergeBytes(bytes);
  }
  toBytes(): Uint8Array {
    return this.#values.toBytes();
  }
  answer(): string {
    return String(this.#values.count());
  }
}

class PercentileSketch implements Sketch {
  readonly #numbers = new DDSketch();
  add(item: number, count: number): void {
    this.#numbers.add(item, count);
  }
  merge(other: PercentileSketch): void {
    this.#numbers.merge(other.#numbers);
  }
  mergeBytes(bytes: Uint8Array): void {
    this.#numbers.mergeBytes(bytes);
  }
  toBytes(): Uint8Array {
    return this.#numbers.toBytes();
  }
  answer(name: MeasureFunction): string | null {
    const value = this.#numbers.percentile(FRACTIONS[name] ?? 0.5);
    return value === null ? null : String(value);
  }
}

export function makeSketch(kind: SketchKind): Sketch {
  return kind === 'UNIQUE' ? new UniqueSketch() : new PercentileSketch();
}

/** How far an answer of such a sketch may be from the exact one, as a part of it. */
export function errorOf(kind: SketchKind): number {
  return kind === 'UNIQUE' ? UNIQUE_ERROR : PERCENTILE_ERROR;
}
