import { GatewayError } from '../core/errors.ts';

/**
 * The bytes that one execution may read, and those that its answer may have. Values count by their
 * texts; what lies between them is bounded by the cost of the operation.
 */
export interface AnswerBudget {
  /** Counts what was read. @throws GatewayError QUERY_TOO_EXPENSIVE */
  read(bytes: number): void;
  /**
   * Counts text that is about to stand in the answer. False when there is no room for it, and from
   * then on: the whole answer then becomes `overrun`, however many texts are still to come.
   */
  holds(bytes: number): boolean;
  /** What there is still room for. */
  readonly bytesLeft: number;
  readonly overrun: GatewayError | null;
}

export function createAnswerBudget(
  bytesMax: number,
  /** Hears of what was read, and may refuse it by throwing. */
  onRead: (bytes: number) => void = () => {},
): AnswerBudget {
  let bytesRead = 0;
  let bytesHeld = 0;
  let overrun: GatewayError | null = null;
  return {
    read(bytes) {
      bytesRead += bytes;
      if (bytesRead > bytesMax) throw tooLarge(bytesMax);
      onRead(bytes);
    },
    holds(bytes) {
      bytesHeld += bytes;
      if (bytesHeld > bytesMax) overrun ??= tooLarge(bytesMax);
      return overrun === null;
    },
    get bytesLeft() {
      return Math.max(0, bytesMax - Math.max(bytesRead, bytesHeld));
    },
    get overrun() {
      return overrun;
    },
  };
}

function tooLarge(bytesMax: number): GatewayError {
  const message = `An answer may have at most ${bytesMax} bytes. Request smaller pages or fewer fields.`;
  return new GatewayError('QUERY_TOO_EXPENSIVE', message);
}
