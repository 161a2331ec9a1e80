/** Numbers and times for people, in the language of their browser. */

const whole = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });
const compact = new Intl.NumberFormat(undefined, { notation: 'compact', maximumFractionDigits: 1 });
const fine = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 4 });
const dayAndTime = new Intl.DateTimeFormat(undefined, {
  year: 'numeric',
  month: 'short',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
});
const timeOfDay = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
});
const minuteOfDay = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  hourCycle: 'h23',
});
const day = new Intl.DateTimeFormat(undefined, { year: 'numeric', month: 'short', day: 'numeric' });
const weekdayAndDay = new Intl.DateTimeFormat(undefined, {
  weekday: 'long',
  day: 'numeric',
  month: 'short',
  year: 'numeric',
});
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto' });

/** 1,234,567 */
export const formatCount = (n: number) => whole.format(n);
/** 1.2M */
export const formatCompact = (n: number) => compact.format(n);
/** Four digits that matter: 0.1235, 12,350 stays 12,350. */
const percent = new Intl.NumberFormat(undefined, { style: 'percent', maximumFractionDigits: 1 });
export const formatPercent = (share: number) => percent.format(share);
export const formatNumber = (n: number) => (Math.abs(n) >= 1_000 ? whole : fine).format(n);

const BYTE_UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

/** 12.3 MB, in steps of 1,000. */
export function formatBytes(bytes: number): string {
  const step = bytes < 1 ? 0 : Math.min(Math.floor(Math.log10(bytes) / 3), BYTE_UNITS.length - 1);
  const value = bytes / 1_000 ** step;
  const digits = step === 0 || value >= 100 ? 0 : 1;
  return `${value.toLocaleString(undefined, { maximumFractionDigits: digits })} ${BYTE_UNITS[step]}`;
}

type Instant = string | number | Date;

/** Nov 21, 2026, 14:03:22 */
export const formatDateTime = (at: Instant) => dayAndTime.format(new Date(at));
/** Nov 21, 2026 */
export const formatDate = (at: Instant) => day.format(new Date(at));
/** Saturday, Nov 21, 2026 */
export const formatDay = (at: Instant) => weekdayAndDay.format(new Date(at));
/** 14:03 */
export const formatMinute = (at: Instant) => minuteOfDay.format(new Date(at));

/** 14:03:22.123 */
export function formatTimeMs(at: Instant): string {
  const date = new Date(at);
  return `${timeOfDay.format(date)}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}

const SPANS = [
  ['year', 31_536_000_000],
  ['month', 2_592_000_000],
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1_000],
] as const;

/** 3 minutes ago; in 2 days. */
export function formatAgo(at: Instant, nowMs = Date.now()): string {
  const ms = new Date(at).getTime() - nowMs;
  for (const [unit, span] of SPANS) {
    if (Math.abs(ms) >= span) return relative.format(Math.trunc(ms / span), unit);
  }
  return relative.format(0, 'second');
}

/** 3 d 4 h; 12 min; 1.5 s; 20 ms: the two largest units. */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1).replace(/\.0$/, '')} s`;
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return joined(hours, 'h', minutes % 60, 'min');
  return joined(Math.floor(hours / 24), 'd', hours % 24, 'h');
}

function joined(first: number, unit: string, second: number, secondUnit: string): string {
  return `${formatCount(first)} ${unit}${second > 0 ? ` ${second} ${secondUnit}` : ''}`;
}

/** What people call the ways in which events come. */
export const DOORS = {
  GRAPHQL: 'GraphQL',
  IMPORT: 'Import',
  SPEAKEASY: 'Speakeasy',
  LOGSPACE: 'Logspace',
  AUTHENTIK: 'authentik',
  LOGSH: 'Logsh',
  CLOUDEVENTS: 'CloudEvents',
  OTLP: 'OpenTelemetry',
  SEGMENT: 'Segment',
  POSTHOG: 'PostHog',
  LOGSNAG: 'LogSnag',
  RETRACED: 'Retraced',
} as const;

const MINUTE_MS = 60_000;

/** An instant as a field for date and time holds it, such as 2026-11-21T07:00. */
export function toLocalText(at: string, precision: 'MINUTE' | 'SECOND' = 'MINUTE'): string {
  const ms = Date.parse(at);
  const local = new Date(ms - new Date(ms).getTimezoneOffset() * MINUTE_MS).toISOString();
  return local.slice(0, precision === 'MINUTE' ? 16 : 19);
}
