/** ISO-8601 intervals as the vendor takes them: `start/end`, in UTC where no zone is given. */

export interface Interval {
  readonly start: Date;
  readonly end: Date;
}

/** Null where it is not two instants, the first not after the second. */
export function parseInterval(text: string): Interval | null {
  const [first = '', second = '', ...more] = text.split('/');
  const start = parseInstant(first);
  const end = parseInstant(second);
  if (start === null || end === null || more.length > 0 || start > end) return null;
  return { start, end };
}

const INSTANT =
  /^(\d{4}-\d{2}-\d{2})(?:T(\d{2}:\d{2})(?::(\d{2})(\.\d{1,9})?)?(Z|[+-]\d{2}(?::?\d{2})?)?)?$/;

/** Cut to milliseconds; null for what is no instant, such as 30 February. */
function parseInstant(text: string): Date | null {
  const parts = INSTANT.exec(text.trim().toUpperCase());
  if (parts === null) return null;
  const [, day, minute = '00:00', second = '00', fraction = '', zone = 'Z'] = parts;
  const local = `${day}T${minute}:${second}${fraction.slice(0, 4).padEnd(4, '.000'.slice(fraction.length))}`;
  const asUtc = new Date(`${local}Z`);
  if (Number.isNaN(asUtc.getTime()) || !asUtc.toISOString().startsWith(local)) return null;
  const instant = new Date(asUtc.getTime() - offsetMs(zone));
  const year = instant.getUTCFullYear();
  return year >= 1 && year <= 9999 ? instant : null;
}

function offsetMs(zone: string): number {
  if (zone === 'Z') return 0;
  const digits = zone.replaceAll(/\D/g, '').padEnd(4, '0');
  const minutes = Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2));
  return (zone.startsWith('-') ? -minutes : minutes) * 60_000;
}
