import { GatewayError } from '../core/errors.ts';

/**
 * For a request of which something may be stored: SERVICE_UNAVAILABLE, the one error that does
 * not say that nothing is. Sent again with the same ids, it is stored once.
 */
export function unknownOutcome(cause?: unknown): GatewayError {
  const message =
    'The events were not confirmed in time. They may or may not be stored. Send them again ' +
    'with the same ids, and nothing is stored twice.';
  return new GatewayError('SERVICE_UNAVAILABLE', message, { cause });
}
