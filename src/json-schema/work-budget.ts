/** A computation asked for more work than it may have. */
export class OutOfWork extends Error {}

/** The clock is read once for so many units. */
const LOOK_EVERY = 20_000;

/**
 * What a schema or a pattern may take. Code that works for a schema charges units before it works:
 * one for a step, a character or a member that it touches. A unit takes some 5 to 50 ns.
 */
export class WorkBudget {
  readonly #units: number;
  readonly #ms: number;
  #untilLook: number;
  #left: number;
  /** Known from the first look on: most work ends before. */
  #endMs = 0;

  /** @param ms after the first look at the clock */
  constructor(units: number, ms: number) {
    this.#units = units;
    this.#ms = ms;
    this.#untilLook = Math.min(units, LOOK_EVERY);
    this.#left = units - this.#untilLook;
  }

  /** What was charged. */
  get used(): number {
    return this.#units - this.#left - this.#untilLook;
  }

  /** @throws OutOfWork when the units or the time are used up. */
  charge(units: number): void {
    this.#untilLook -= units;
    if (this.#untilLook < 0) this.#look();
  }

  #look(): void {
    const nowMs = performance.now();
    if (this.#endMs === 0) this.#endMs = nowMs + this.#ms;
    if (this.#left + this.#untilLook < 0 || nowMs > this.#endMs) throw new OutOfWork();
    this.#left += this.#untilLook;
    this.#untilLook = Math.min(this.#left, LOOK_EVERY);
    this.#left -= this.#untilLook;
  }
}

/** What makes a schema unusable, and where it stands: a JSON Pointer into the schema. */
export class SchemaFault extends Error {
  readonly pointer: string;

  constructor(pointer: string, message: string) {
    super(message);
    this.pointer = pointer;
  }
}

/** Somebody's text in a message: short. */
export function shown(text: string, charsMax = 100): string {
  return text.length > charsMax ? `${text.slice(0, charsMax)}…` : text;
}
