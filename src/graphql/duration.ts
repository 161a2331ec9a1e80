const FORMAT =
  /^P(?:(\d{1,9})W)?(?:(\d{1,9})D)?(?:T(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9}(?:[.,]\d{1,3})?)S)?)?$/;
const UNITS_MS = [604_800_000, 86_400_000, 3_600_000, 60_000, 1_000];
const DURATION_MS_MAX = 36_525 * 86_400_000;

/** An ISO 8601 duration in ms; null for any other text, and beyond a century. */
export function parseDurationMs(text: string): number | null {
  const match = FORMAT.exec(text);
  if (match === null || text === 'P' || text.endsWith('T')) return null;
  const ms = UNITS_MS.reduce((sum, unit, at) => {
    return sum + Math.round(Number((match[at + 1] ?? '0').replace(',', '.')) * unit);
  }, 0);
  return ms <= DURATION_MS_MAX ? ms : null;
}
