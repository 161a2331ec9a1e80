import { GatewayError } from '../core/errors.ts';

/**
 * The bytes that one execution may read, and those that its answer may have. Values count by their
 * texts; what lies between them is bounded by the cost of the operation.
 */
export class AnswerBudget {
  readonly #bytesMax: number;
  readonly #onRead: ((bytes: number) => void) | undefined;
  #bytesRead = 0;
  #bytesHeld = 0;
  #overrun: GatewayError | null = null;

  /** @param onRead hears of what was read, and may refuse it by throwing */
  constructor(bytesMax: number, onRead?: (bytes: number) => void) {
    this.#bytesMax = bytesMax;
    this.#onRead = onRead;
  }

  /** Counts what was read. @throws GatewayError QUERY_TOO_EXPENSIVE */
  read(bytes: number): void {
    this.#bytesRead += bytes;
    if (this.#bytesRead > this.#bytesMax) throw tooLarge(this.#bytesMax);
    this.#onRead?.(bytes);
  }

  /**
   * Counts text that is about to stand in the answer. False when there is no room for it, and from
   * then on: the whole answer then becomes `overrun`, however many texts are still to come.
   */
  holds(bytes: number): boolean {
    this.#bytesHeld += bytes;
    if (this.#bytesHeld > this.#bytesMax) this.#overrun ??= tooLarge(this.#bytesMax);
    return this.#overrun === null;
  }

  /** What there is still room for. */
  get bytesLeft(): number {
    return Math.max(0, this.#bytesMax - Math.max(this.#bytesRead, this.#bytesHeld));
  }

  get overrun(): GatewayError | null {
    return this.#overrun;
  }
}

function tooLarge(bytesMax: number): GatewayError {
  const message = `An answer may have at most ${bytesMax} bytes. Request smaller pages or fewer fields.`;
  return new GatewayError('QUERY_TOO_EXPENSIVE', message);
}
