import fc from 'fast-check';

const evenly = (max: number) => fc.noBias(fc.nat(max));

/** Draws that fast-check repeats from a seed, and shrinks towards 0: the plainest comes first. */
export class Dice {
  readonly #draw: fc.GeneratorValue;

  constructor(draw: fc.GeneratorValue) {
    this.#draw = draw;
  }

  /** 0 to n - 1. */
  below(n: number): number {
    return n <= 1 ? 0 : this.#draw(evenly, n - 1);
  }

  of<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }

  chance(percent: number): boolean {
    return this.below(100) >= 100 - percent;
  }

  /** Of any characters, at most 40. */
  characters(): string {
    return this.#draw(fc.string, { unit: 'binary', maxLength: 40 });
  }

  /** Some of a list, in its order. */
  some<T>(list: readonly T[], atMost: number): T[] {
    if (list.length === 0) return [];
    const wanted = new Set<T>();
    for (let n = 1 + this.below(atMost); n > 0; n--) wanted.add(this.of(list));
    return list.filter(each => wanted.has(each));
  }
}
