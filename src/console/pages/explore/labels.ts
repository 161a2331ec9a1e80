/** Buckets of time in words, in the zone that they are cut in. */
import type { Granularity } from './options.ts';

const DAY = { day: 'numeric', month: 'short' } as const;
const TIME = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const;
const YEAR = { year: 'numeric' } as const;

export interface Labels {
  readonly timeZone: string;
  /** As short as the axis of a chart needs it. */
  readonly short: (startMs: number) => string;
  readonly full: (startMs: number) => string;
}

export function labelsOf(granularity: Granularity, timeZone: string): Labels {
  const format = (parts: Intl.DateTimeFormatOptions) => {
    const { format: print } = new Intl.DateTimeFormat(undefined, { ...parts, timeZone });
    return (at: number) => print(at);
  };
  if (granularity === 'MONTH') {
    const [short, full] = [format({ month: 'short', ...YEAR }), format({ month: 'long', ...YEAR })];
    return { timeZone, short, full };
  }
  if (granularity === 'DAY' || granularity === 'WEEK') {
    return { timeZone, short: format(DAY), full: format({ weekday: 'short', ...DAY, ...YEAR }) };
  }
  const [time, day] = [format(TIME), format(DAY)];
  return {
    timeZone,
    // Midnight is where the day begins.
    short: at => (time(at) === '00:00' ? day(at) : time(at)),
    full: format({ ...DAY, ...YEAR, ...TIME }),
  };
}
