const INSTANT =
  /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d:?\d\d)$/;

const PLAIN_CHARS = '2015-05-18T14:07:00.123Z'.length;
const PLAIN = /^\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):\d\d:\d\d\.\d{3}Z$/;

/** Whether an instant is written as 0.3 agents write it, and as `Date` does. */
export function isPlainInstant(text: string): boolean {
  return text.length === PLAIN_CHARS && text[10] === 'T' && text.endsWith('Z');
}

/**
 * The instant of a text with its zone, cut to milliseconds; null where it is none, also where the
 * day is not in the calendar. Agents of one version send fractions, of another none.
 */
export function parseInstant(text: string): Date | null {
  if (isPlainInstant(text)) {
    if (!PLAIN.test(text)) return null;
    const plain = new Date(text);
    // Of a day that its month does not have, `Date` makes one of the next.
    return plain.getUTCDate() === Number(text.slice(8, 10)) ? plain : null;
  }
  const match = INSTANT.exec(text.toUpperCase());
  if (match === null) return null;
  const [, year, month, day, hour, minute, second = '00', fraction = '', zone] = match;
  const millis = fraction.slice(0, 3).padEnd(3, '0');
  const local = `${year}-${month}-${day}T${hour}:${minute}:${second}.${millis}Z`;
  const instant = new Date(local);
  if (Number.isNaN(instant.getTime()) || instant.toISOString() !== local) return null;
  return zone === 'Z' ? instant : shifted(instant, zone as string);
}

function shifted(local: Date, zone: string): Date | null {
  const [hours, minutes] = [Number(zone.slice(1, 3)), Number(zone.slice(-2))];
  if (hours > 23 || minutes > 59) return null;
  const offsetMs = (hours * 60 + minutes) * 60_000;
  return new Date(local.getTime() + (zone.startsWith('-') ? offsetMs : -offsetMs));
}
