import { existsSync } from 'node:fs';

/** Where systems keep a Chromium. */
const PLACES = [
  // Renders as Chromium does, for half of its work: it has no windows.
  '/usr/bin/chromium-headless-shell',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/**
 * The browser of this machine, or the one that `SLUICE_BROWSER` names; null when there is none.
 * @param isWhole whether it has to show notifications, which the shell never may
 */
export function browserPath({ isWhole = false } = {}): string | null {
  const named = process.env['SLUICE_BROWSER'];
  const places = PLACES.filter(place => !isWhole || !place.endsWith('headless-shell'));
  return (named === undefined ? places : [named]).find(place => existsSync(place)) ?? null;
}
