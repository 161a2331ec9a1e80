/** A computation asked for more work than it may have. */
export class OutOfWork extends Error {}

/** The clock is read once for so many units. */
const LOOK_EVERY = 20_000;

/**
 * What a schema or a pattern may take. Code that works for a schema charges units before it works:
 * one for a step, a character or a member that it touches. A unit takes some 5 to 50 ns.
 */
export class Meter {
  #untilLook = 0;
  #left: number;
  readonly #endMs: number;

  constructor(units: number, endMs: number) {
    this.#left = units;
    this.#endMs = endMs;
    this.#refill();
  }

  /** @throws OutOfWork when the units or the time are used up. */
  charge(units: number): void {
    this.#untilLook -= units;
    if (this.#untilLook < 0) this.#look();
  }

  #look(): void {
    if (this.#left + this.#untilLook < 0 || performance.now() > this.#endMs) throw new OutOfWork();
    this.#left += this.#untilLook;
    this.#refill();
  }

  #refill(): void {
    this.#untilLook = Math.min(this.#left, LOOK_EVERY);
    this.#left -= this.#untilLook;
  }
}
