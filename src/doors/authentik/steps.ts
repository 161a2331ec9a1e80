/** Lengths of time as the vendor writes them: `hours=3;minutes=1`. */

const UNITS_MS: Readonly<Record<string, number>> = {
  microseconds: 0.001,
  milliseconds: 1,
  seconds: 1_000,
  minutes: 60_000,
  hours: 3_600_000,
  days: 86_400_000,
  weeks: 604_800_000,
};
/** A century: instants that far back still exist. */
const STEP_MS_MAX = 36_525 * 86_400_000;

/** Null for what is not one. Unknown units are passed over, as the vendor does. */
export function stepMs(text: string): number | null {
  const units = new Map<string, number>();
  for (const pair of text.split(';')) {
    const [unit = '', amount, ...more] = pair.split('=');
    const number = /^\s*[+-]?(?:\d+\.?\d*|\.\d+)\s*$/.test(amount ?? '') ? Number(amount) : NaN;
    if (amount === undefined || more.length > 0) return null;
    const unitMs = UNITS_MS[unit.trim().toLowerCase()];
    if (unitMs === undefined) continue;
    if (Number.isNaN(number)) return null;
    units.set(unit.trim().toLowerCase(), number * unitMs);
  }
  const ms = [...units.values()].reduce((sum, each) => sum + each, 0);
  return units.size === 0 || Math.abs(ms) > STEP_MS_MAX ? null : ms;
}

/** The name of a step's count in the answer. */
export function stepKey(text: string): string {
  return text.replaceAll('=', '');
}
