import { expect, test } from 'vitest';
import { parseTimestamp, toWire } from '../../../src/db/wire.ts';

test.for([
  ['2024-01-02 03:04:05.678+00', '2024-01-02T03:04:05.678Z'],
  ['0001-01-01 00:00:00+00', '0001-01-01T00:00:00.000Z'],
  ['0001-03-15 00:00:00+00 BC', '0001-03-15T00:00:00.000Z BC'],
  ['0044-03-15 00:00:00+00 BC', '0044-03-15T00:00:00.000Z BC'],
  ['12000-01-01 00:00:00+00', '12000-01-01T00:00:00.000Z'],
  ['infinity', 'infinity'],
  ['-infinity', '-infinity'],
  // Beyond what a Date holds.
  ['294000-01-01 00:00:00+00', 'infinity'],
] as const)('the instant %s of Postgres goes back to it as %s', ([text, back]) => {
  expect(toWire(parseTimestamp(text))).toBe(back);
});
