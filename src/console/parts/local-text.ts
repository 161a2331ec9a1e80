const MINUTE_MS = 60_000;

/** An instant as a field for date and time holds it, such as 2026-11-21T07:00. */
export function toLocalText(at: string, precision: 'MINUTE' | 'SECOND' = 'MINUTE'): string {
  const ms = Date.parse(at);
  const local = new Date(ms - new Date(ms).getTimezoneOffset() * MINUTE_MS).toISOString();
  return local.slice(0, precision === 'MINUTE' ? 16 : 19);
}
