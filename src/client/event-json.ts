import { SluiceError } from './errors.ts';
import type { EventInput } from './types.ts';

/** Stands before the digits of a bigint on their way through `JSON.stringify`. */
const MARK = `\0${Math.random()}:`;
const WRITTEN = new RegExp(
  `${JSON.stringify(MARK).slice(0, -1).replaceAll('\\', '\\\\')}(-?\\d+)"`,
  'g',
);

/**
 * An event as JSON; a bigint is written with all its digits.
 * @throws SluiceError INVALID_EVENT for a number that JavaScript has rounded, with its place, and
 * for what is no JSON
 */
export function eventJson(event: EventInput): string {
  let json: string;
  try {
    json = JSON.stringify(event, (_key, value: unknown) =>
      typeof value === 'bigint' ? `${MARK}${value}` : value,
    );
  } catch (cause) {
    const message = `The event is no JSON: ${(cause as Error).message}.`;
    throw new SluiceError('INVALID_EVENT', message, { cause });
  }
  const rounded = findRounded(event.payload, '/payload');
  if (rounded !== null) {
    const message = `${rounded} may have lost digits: JavaScript rounds integers beyond 2^53. Use a bigint.`;
    throw new SluiceError('INVALID_EVENT', message);
  }
  return json.replaceAll(WRITTEN, '$1');
}

/** Where an integer stands that JavaScript writes as digits, not all of which are its own. */
function findRounded(value: unknown, path: string): string | null {
  if (typeof value === 'number') return isRounded(value) ? path : null;
  if (typeof value !== 'object' || value === null) return null;
  for (const [key, member] of Object.entries(value)) {
    const found = findRounded(member, `${path}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`);
    if (found !== null) return found;
  }
  return null;
}

/** From 1e21 on a number is written with an exponent: it was never meant as its digits. */
function isRounded(value: number): boolean {
  return Number.isInteger(value) && !Number.isSafeInteger(value) && Math.abs(value) < 1e21;
}
