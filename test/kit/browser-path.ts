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

/** The browser of this machine, or the one that `SLUICE_BROWSER` names; null when there is none. */
export function browserPath(): string | null {
  const named = process.env['SLUICE_BROWSER'];
  return (named === undefined ? PLACES : [named]).find(place => existsSync(place)) ?? null;
}
