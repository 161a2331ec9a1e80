import fc from 'fast-check';
import { expect, test } from 'vitest';
import { layGrid } from '../../../src/core/aggregate-plan.ts';
import type { AggregateQuery } from '../../../src/core/aggregate.ts';
import {
  DAY_MS,
  endOfUnit,
  fewestUnits,
  HOUR_MS,
  localDay,
  offsetMs,
  startOfUnit,
  type TimeUnit,
  unitBoundaries,
} from '../../../src/core/time-zone.ts';

const at = (text: string) => Date.parse(text);
const iso = (ms: number) => new Date(ms).toISOString();
const hours = (unit: TimeUnit, text: string, zone: string) =>
  (endOfUnit(unit, at(text), zone) - startOfUnit(unit, at(text), zone)) / HOUR_MS;

test.each([
  ['Europe/Vienna', '2026-03-29', 23],
  ['Europe/Vienna', '2025-10-26', 25],
  ['America/New_York', '2026-03-08', 23],
  ['America/New_York', '2025-11-02', 25],
  ['Australia/Lord_Howe', '2025-10-05', 23.5],
  ['Australia/Lord_Howe', '2026-04-05', 24.5],
  ['America/Sao_Paulo', '2018-11-04', 23],
  ['Asia/Kathmandu', '2026-01-01', 24],
])('in %s the day %s has %d hours', (zone, day, length) => {
  const noon = at(`${day}T12:00:00Z`) - offsetMs(zone, at(`${day}T12:00:00Z`));
  expect(hours('DAY', iso(noon), zone)).toBe(length);
  const clock = unitBoundaries(
    { from: startOfUnit('DAY', noon, zone), to: endOfUnit('DAY', noon, zone) },
    'HOUR',
    zone,
    100,
  );
  expect(clock.length - 1).toBe(Math.ceil(length));
});

test('a midnight that does not exist is the instant of the change', () => {
  expect(iso(startOfUnit('DAY', at('2018-11-04T12:00:00Z'), 'America/Sao_Paulo'))).toBe(
    '2018-11-04T03:00:00.000Z',
  );
  // From 23:30 to 00:30: the day begins half an hour late.
  expect(iso(startOfUnit('DAY', at('1919-03-31T12:00:00Z'), 'America/Toronto'))).toBe(
    '1919-03-31T04:30:00.000Z',
  );
});

test('a day that begins twice begins once', () => {
  // St John's put its clocks back at 00:01, to 23:01 of the day before.
  const boundaries = unitBoundaries(
    { from: at('2010-11-06T12:00:00Z'), to: at('2010-11-08T12:00:00Z') },
    'DAY',
    'America/St_Johns',
    10,
  );
  expect(boundaries.map(iso)).toEqual([
    '2010-11-06T02:30:00.000Z',
    '2010-11-07T02:30:00.000Z',
    '2010-11-08T03:30:00.000Z',
    '2010-11-09T03:30:00.000Z',
  ]);
  expect(iso(startOfUnit('DAY', at('2010-11-07T03:00:00Z'), 'America/St_Johns'))).toBe(
    '2010-11-07T02:30:00.000Z',
  );
});

test('a day that a zone left out is in no list', () => {
  const boundaries = unitBoundaries(
    { from: at('2011-12-29T12:00:00Z'), to: at('2012-01-01T00:00:00Z') },
    'DAY',
    'Pacific/Apia',
    10,
  );
  expect(boundaries.map(iso)).toEqual([
    '2011-12-29T10:00:00.000Z',
    '2011-12-30T10:00:00.000Z',
    '2011-12-31T10:00:00.000Z',
    '2012-01-01T10:00:00.000Z',
  ]);
});

test('local mean time is exact to the second', () => {
  expect(offsetMs('Africa/Monrovia', at('1971-06-01T00:00:00Z'))).toBe(-(44 * 60 + 30) * 1_000);
  expect(iso(startOfUnit('DAY', at('1971-06-01T12:00:00Z'), 'Africa/Monrovia'))).toBe(
    '1971-06-01T00:44:30.000Z',
  );
  expect(iso(startOfUnit('HOUR', at('1800-01-01T12:00:00Z'), 'Europe/Vienna'))).toBe(
    '1800-01-01T11:54:39.000Z',
  );
});

test('weeks begin on Monday, months on the first, also across years', () => {
  const zone = 'Europe/Vienna';
  expect(iso(startOfUnit('WEEK', at('2026-01-01T12:00:00Z'), zone))).toBe(
    '2025-12-28T23:00:00.000Z',
  );
  expect(iso(endOfUnit('WEEK', at('2026-03-29T12:00:00Z'), zone))).toBe('2026-03-29T22:00:00.000Z');
  expect(iso(startOfUnit('MONTH', at('2026-10-31T23:30:00Z'), zone))).toBe(
    '2026-10-31T23:00:00.000Z',
  );
  expect(iso(endOfUnit('MONTH', at('2024-02-29T12:00:00Z'), zone))).toBe(
    '2024-02-29T23:00:00.000Z',
  );
});

test('an hour that is lived through twice is two hours', () => {
  const zone = 'Europe/Vienna';
  const [first, second] = ['2025-10-26T00:30:00Z', '2025-10-26T01:30:00Z'];
  expect(iso(startOfUnit('HOUR', at(first), zone))).toBe('2025-10-26T00:00:00.000Z');
  expect(iso(startOfUnit('HOUR', at(second), zone))).toBe('2025-10-26T01:00:00.000Z');
});

test('an hour ends where the clock changes within it', () => {
  // Lord Howe goes from 02:00 back to 01:30; St John's went from 00:01 back to 23:01.
  const howe = 'Australia/Lord_Howe';
  expect(iso(startOfUnit('HOUR', at('2026-04-04T15:10:00Z'), howe))).toBe(
    '2026-04-04T15:00:00.000Z',
  );
  expect(iso(endOfUnit('HOUR', at('2026-04-04T15:10:00Z'), howe))).toBe('2026-04-04T15:30:00.000Z');
  const john = 'America/St_Johns';
  expect(iso(endOfUnit('HOUR', at('2010-11-07T02:30:30Z'), john))).toBe('2010-11-07T02:31:00.000Z');
  expect(iso(startOfUnit('HOUR', at('2010-11-07T03:00:00Z'), john))).toBe(
    '2010-11-07T02:31:00.000Z',
  );
});

const ZONES = Intl.supportedValuesOf('timeZone');
const UNITS = ['MINUTE', 'QUARTER_HOUR', 'HOUR', 'DAY', 'WEEK', 'MONTH'] as const;

test('units follow one another without gap or overlap, in every zone, at any time', () => {
  const instant = fc.integer({ min: Date.UTC(1840, 0, 1), max: Date.UTC(2040, 0, 1) });
  fc.assert(
    fc.property(
      fc.constantFrom(...ZONES),
      fc.constantFrom(...UNITS),
      instant,
      (zone, unit, now) => {
        const start = startOfUnit(unit, now, zone);
        const end = endOfUnit(unit, now, zone);
        expect(start).toBeLessThanOrEqual(now);
        expect(end).toBeGreaterThan(now);
        expect(startOfUnit(unit, start, zone)).toBe(start);
        expect(startOfUnit(unit, end - 1, zone)).toBe(start);
        expect(startOfUnit(unit, end, zone)).toBe(end);
        expect(endOfUnit(unit, start, zone)).toBe(end);
        if (unit === 'DAY')
          expect(localDay(start - 1, zone)).toBeLessThan(localDay(end - 1, zone) + 1);
      },
    ),
    { numRuns: 2_000 },
  );
});

test('a list of boundaries stops soon after its bound', () => {
  const whole = { from: 0, to: 1_000 * DAY_MS };
  expect(unitBoundaries(whole, 'DAY', 'UTC', 10)).toHaveLength(12);
  expect(unitBoundaries({ from: 5, to: 5 }, 'DAY', 'UTC', 10)).toEqual([0]);
});

test('the offset is that of Intl, in every zone, in any year', () => {
  const clocks = new Map(
    ZONES.map(timeZone => [
      timeZone,
      new Intl.DateTimeFormat('sv-SE', {
        timeZone,
        dateStyle: 'short',
        timeStyle: 'medium',
        calendar: 'gregory',
      }),
    ]),
  );
  const year = (min: number, max: number) =>
    fc.integer({ min: Date.UTC(min, 0, 1) / 1_000, max: Date.UTC(max, 11, 31) / 1_000 });
  const second = fc.oneof(year(1600, 1850), year(1850, 2100), year(2100, 2140), year(2140, 9990));
  fc.assert(
    fc.property(fc.constantFrom(...ZONES), second, (zone, seconds) => {
      const now = seconds * 1_000;
      const [, day, time] = /^(\S+) (\S+)$/.exec(clocks.get(zone)!.format(now))!;
      expect(offsetMs(zone, now)).toBe(at(`${day}T${time}Z`) - now);
    }),
    { numRuns: 5_000 },
  );
});

test('days follow one another beyond the years that are read', () => {
  for (const zone of ['Europe/Vienna', 'Africa/Casablanca', 'America/Santiago', 'Asia/Gaza']) {
    const frame = { from: Date.UTC(2085, 0, 1), to: Date.UTC(2135, 0, 1) };
    const days = unitBoundaries(frame, 'DAY', zone, 20_000);
    const local = days.map(day => localDay(day, zone));
    expect(local).toEqual(local.map((_, i) => local[0]! + i));
  }
});

test('the fewest units are never more than there are', () => {
  const from = fc.integer({ min: Date.UTC(1840, 0, 1), max: Date.UTC(2200, 0, 1) });
  const length = fc.integer({ min: 0, max: 200 * DAY_MS });
  fc.assert(
    fc.property(
      fc.constantFrom(...ZONES),
      fc.constantFrom('HOUR' as const, 'DAY' as const, 'WEEK' as const, 'MONTH' as const),
      from,
      length,
      (zone, unit, start, lengthMs) => {
        const frame = { from: start, to: start + lengthMs };
        const units = unitBoundaries(frame, unit, zone, 10_000).length - 1;
        expect(fewestUnits(frame, unit)).toBeLessThanOrEqual(units);
      },
    ),
    { numRuns: 300 },
  );
});

test('what has too many buckets is refused before any zone is read', () => {
  const between = { from: new Date('0001-01-01T00:00:00Z'), to: new Date('9999-12-31T00:00:00Z') };
  const query = { timeframe: { between }, granularity: 'MONTH' } as AggregateQuery;
  // A zone that is read is refused otherwise: there is none of this name.
  expect(() => layGrid(query, 'Mars/Olympus', 0)).toThrow(
    expect.objectContaining({ code: 'QUERY_TOO_EXPENSIVE' }),
  );
});

test('a name that is no zone is refused', () => {
  expect(() => offsetMs('Mars/Olympus', 0)).toThrow(RangeError);
});
