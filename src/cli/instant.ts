/**
 * Instants as files and people write them. Beside RFC 3339 there are the forms of Postgres and of
 * pandas: a space for the T, an offset such as +00 or +0530, no seconds, no offset at all.
 */
import { parseDateTime } from '../core/date-time.ts';
import { DAY_MS, offsetMs } from '../core/time-zone.ts';

const WRITTEN =
  /^(\d{4}-\d\d-\d\d)(?:(?:[Tt]| +)(\d\d:\d\d)(?::(\d\d)(?:[.,](\d{1,30}))?)? ?([Zz]|UTC|[+-]\d\d(?::?\d\d(?::\d\d)?)?)?)?$/;
const OFFSET = /^(?:[Zz]|UTC|[+-]\d\d(?::?\d\d)?)$/;

/**
 * Why a text is no instant. NO_OFFSET: only a time zone tells which one. SKIPPED: the clocks of
 * the time zone never showed it.
 */
export type NoInstant = 'NO_INSTANT' | 'NO_OFFSET' | 'SKIPPED';

/**
 * The same instant as RFC 3339, or why there is none. A day alone is its midnight. A local time
 * that clocks show twice is the earlier one.
 *
 * @param zone of texts without an offset: an IANA name, or an offset such as +02:00; null: none
 */
export function readInstant(
  text: string,
  zone: string | null,
): { readonly rfc3339: string } | NoInstant {
  if (parseDateTime(text) !== null) return { rfc3339: text };
  const match = WRITTEN.exec(text.trim());
  if (match === null) return 'NO_INSTANT';
  const [, day, minute = '00:00', second = '00', fraction, given] = match;
  const local = `${day}T${minute}:${second}${fraction === undefined ? '' : `.${fraction}`}`;
  const clock = parseDateTime(`${local}Z`);
  if (clock === null) return 'NO_INSTANT';
  const offset = given ?? (zone !== null && OFFSET.test(zone) ? zone : null);
  if (offset !== null) return atOffset(local, clock, offset);
  return zone === null ? 'NO_OFFSET' : atZone(clock, zone);
}

function atOffset(local: string, clock: Date, offset: string) {
  if (/^(z|utc)$/i.test(offset)) return { rfc3339: `${local}Z` };
  const [hours, minutes = '00', seconds] = offset.slice(1).match(/\d\d/g) as string[];
  const sign = offset.slice(0, 1);
  // Postgres writes seconds for times before clocks were set by zones; RFC 3339 has none.
  const rest = Number(seconds ?? 0) * (sign === '-' ? 1_000 : -1_000);
  const shifted = rest === 0 ? local : new Date(clock.getTime() + rest).toISOString().slice(0, -1);
  const rfc3339 = `${shifted}${sign}${hours}:${minutes}`;
  return parseDateTime(rfc3339) === null ? 'NO_INSTANT' : { rfc3339 };
}

/** @param clock what the clock shows, as if it were in UTC */
function atZone(clock: Date, zone: string) {
  const shown = clock.getTime();
  const offsets = [offsetMs(zone, shown - DAY_MS), offsetMs(zone, shown + DAY_MS)];
  const found = offsets
    .map(offset => shown - offset)
    .filter(at => at + offsetMs(zone, at) === shown)
    .sort((a, b) => a - b);
  const [first] = found;
  return first === undefined ? 'SKIPPED' : { rfc3339: new Date(first).toISOString() };
}

/** Whether `readInstant` takes it as a zone. */
export function isTimeZone(name: string): boolean {
  if (OFFSET.test(name)) return readInstant('2000-01-01', name) !== 'NO_INSTANT';
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}
