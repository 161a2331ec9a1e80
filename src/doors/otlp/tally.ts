/** Counts what a message makes the process hold, while it is read. */
import { GatewayError } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import { Unreadable, type Message } from './wire.ts';

export interface Tally {
  /** @throws GatewayError, Unreadable */
  count(of: Message): void;
  /** A log record that is read later. @throws GatewayError */
  countRecord(): void;
}

/** Of a request, or of one message that is read by itself. */
export function createTally(): Tally {
  let records = 0;
  let groups = 0;
  let keys = 0;
  return {
    count({ isKeyed, isGroup }) {
      if (isKeyed === true && ++keys > LIMITS.payloadKeysMax) {
        const message = `At most ${LIMITS.payloadKeysMax} attributes are kept.`;
        throw new Unreadable(message, '', 'PAYLOAD_TOO_LARGE');
      }
      if (isGroup === true && ++groups > 2 * LIMITS.batchEventsMax) throw tooMany();
    },
    countRecord() {
      if (++records > LIMITS.batchEventsMax) throw tooMany();
    },
  };
}

function tooMany(): GatewayError {
  const message = `A request has at most ${LIMITS.batchEventsMax} log records, and as many resources and scopes.`;
  return new GatewayError('PAYLOAD_TOO_LARGE', message);
}
