/**
 * Local time by the zones that Node carries (ICU), and nowhere by Postgres': two copies of the
 * time-zone database differ, and an hour that is counted by one and asked for by the other would
 * be missing. All instants are milliseconds since 1970 in UTC.
 *
 * A unit of local time is an interval of instants, and the intervals of a unit follow one another
 * without gap or overlap. Where clocks are put back over midnight, the new day begins with its
 * first midnight. A midnight that does not exist is the instant of the change. Units shorter than
 * a day also end where the clock changes, so the hour that is lived through twice is two hours.
 */
import { LRUCache } from 'lru-cache';

export const SECOND_MS = 1_000;
export const MINUTE_MS = 60_000;
export const QUARTER_HOUR_MS = 15 * MINUTE_MS;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

const UNIT_MS = { MINUTE: MINUTE_MS, QUARTER_HOUR: QUARTER_HOUR_MS, HOUR: HOUR_MS } as const;
export type ClockUnit = keyof typeof UNIT_MS;
const LONGEST_DAYS = { DAY: 1, WEEK: 7, MONTH: 31 } as const;
export type CalendarUnit = keyof typeof LONGEST_DAYS;
export type TimeUnit = ClockUnit | CalendarUnit;

/** The first instant of the unit that an instant lies in. Weeks begin on Monday. */
export function startOfUnit(unit: TimeUnit, at: number, zone: string): number {
  return isClockUnit(unit) ? clockStart(UNIT_MS[unit], at, zone) : calendarStart(unit, at, zone);
}

/** The first instant after the unit that an instant lies in. */
export function endOfUnit(unit: TimeUnit, at: number, zone: string): number {
  return isClockUnit(unit) ? clockEnd(UNIT_MS[unit], at, zone) : calendarEnd(unit, at, zone);
}

/**
 * The starts of all units that touch `from <= t < to`, in order, and the end of the last one.
 * Stops after `unitsMax` + 1 units: what is longer is the caller's to refuse.
 */
export function unitBoundaries(
  { from, to }: { readonly from: number; readonly to: number },
  unit: TimeUnit,
  zone: string,
  unitsMax: number,
): number[] {
  const boundaries = [startOfUnit(unit, from, zone)];
  for (let at = from; at < to && boundaries.length <= unitsMax + 1;) {
    at = endOfUnit(unit, at, zone);
    boundaries.push(at);
  }
  return boundaries;
}

/**
 * How many units touch `from <= t < to` in every zone, at the least: by arithmetic alone. A zone
 * differs from UTC by less than 26 hours at both ends together, and has left out one day at most.
 */
export function fewestUnits(
  { from, to }: { readonly from: number; readonly to: number },
  unit: TimeUnit,
): number {
  const fewest = isClockUnit(unit)
    ? (to - from) / UNIT_MS[unit]
    : (to - from - 3 * DAY_MS) / (LONGEST_DAYS[unit] * DAY_MS);
  return Math.max(0, Math.ceil(fewest));
}

/** The local calendar day of an instant as days since 1970-01-01. */
export function localDay(at: number, zone: string): number {
  return Math.floor((at + offsetMs(zone, at)) / DAY_MS);
}

function isClockUnit(unit: TimeUnit): unit is ClockUnit {
  return unit in UNIT_MS;
}

function clockStart(sizeMs: number, at: number, zone: string): number {
  const offset = offsetMs(zone, at);
  const start = at - modulo(at + offset, sizeMs);
  return offsetMs(zone, start) === offset ? start : changeBetween(zone, start, at);
}

function clockEnd(sizeMs: number, at: number, zone: string): number {
  const offset = offsetMs(zone, at);
  const last = at - modulo(at + offset, sizeMs) + sizeMs - 1;
  return offsetMs(zone, last) === offset ? last + 1 : changeBetween(zone, at, last);
}

function calendarStart(unit: CalendarUnit, at: number, zone: string): number {
  return dayStart(firstDay(unit, countedDay(at, zone)), zone);
}

function calendarEnd(unit: CalendarUnit, at: number, zone: string): number {
  let day = nextFirstDay(unit, countedDay(at, zone));
  // A day that the zone left out begins and ends at once.
  let start = dayStart(day, zone);
  while (start <= at) {
    day = nextFirstDay(unit, day);
    start = dayStart(day, zone);
  }
  return start;
}

/** The day that an instant counts to: the next one when that has begun and clocks were put back. */
function countedDay(at: number, zone: string): number {
  const day = localDay(at, zone);
  return dayStart(day + 1, zone) <= at ? day + 1 : day;
}

/** The first instant whose local day is this or a later one. */
function dayStart(day: number, zone: string): number {
  const midnight = day * DAY_MS;
  const before = offsetMs(zone, midnight - DAY_MS);
  const after = offsetMs(zone, midnight + DAY_MS);
  const early = midnight - Math.max(before, after);
  const late = midnight - Math.min(before, after);
  if (early + offsetMs(zone, early) === midnight) return early;
  if (late + offsetMs(zone, late) === midnight) return late;
  return firstWhere(early, late, at => at + offsetMs(zone, at) >= midnight);
}

function firstDay(unit: CalendarUnit, day: number): number {
  if (unit === 'DAY') return day;
  if (unit === 'WEEK') return day - modulo(day + 3, 7);
  return day - new Date(day * DAY_MS).getUTCDate() + 1;
}

function nextFirstDay(unit: CalendarUnit, day: number): number {
  const first = firstDay(unit, day);
  if (unit === 'DAY') return first + 1;
  return unit === 'WEEK' ? first + 7 : firstDay('MONTH', first + 31);
}

/** How far local time is ahead of UTC at an instant; whole seconds. */
export function offsetMs(zone: string, at: number): number {
  if (zone === 'UTC') return 0;
  const { clock, blocks } = zoneOf(zone);
  const known = knownInstant(at);
  const index = Math.floor((known - KNOWN_FROM) / BLOCK_MS);
  const block = (blocks[index] ??= readBlock(clock, KNOWN_FROM + index * BLOCK_MS));
  let offset = block.first;
  for (const change of block.changes) {
    if (known < change.at) break;
    offset = change.offset;
  }
  return offset;
}

/** Before it no zone has changed its offset: the first one, local mean time, holds ever before. */
const KNOWN_FROM = Date.UTC(1830, 0, 1);
/** From here on zones follow yearly rules alone, so years of the same calendar are alike. */
const RULES_FROM_YEAR = 2101;
/** As long as the calendar needs to show all its 14 kinds of year where no leap year is left out. */
const RULES_YEARS = 28;
const KNOWN_TO = Date.UTC(RULES_FROM_YEAR + RULES_YEARS, 0, 1);

const RULE_YEARS = new Map(
  Array.from({ length: RULES_YEARS }, (_, i) => [
    kindOfYear(RULES_FROM_YEAR + i),
    Date.UTC(RULES_FROM_YEAR + i, 0, 1),
  ]),
);

/** The far year that was asked for last: who walks through time asks for it again. */
let farYear = { from: 0, to: 0, shift: 0 };

/** The instant of the same offset in the time that is read from Intl. */
function knownInstant(at: number): number {
  if (at < KNOWN_FROM) return KNOWN_FROM;
  if (at < KNOWN_TO) return at;
  if (at < farYear.from || at >= farYear.to) {
    const year = new Date(at).getUTCFullYear();
    const from = Date.UTC(year, 0, 1);
    const like = RULE_YEARS.get(kindOfYear(year));
    if (like === undefined) throw new RangeError('This is no instant.');
    farYear = { from, to: Date.UTC(year + 1, 0, 1), shift: like - from };
  }
  return at + farYear.shift;
}

/** Years of one kind have the same weekdays on the same dates. */
function kindOfYear(year: number): number {
  const from = Date.UTC(year, 0, 1);
  const days = (Date.UTC(year + 1, 0, 1) - from) / DAY_MS;
  return days * 7 + new Date(from).getUTCDay();
}

/** The changes of the offset in a stretch of time. */
interface Block {
  readonly first: number;
  readonly changes: readonly Change[];
}

interface Change {
  readonly at: number;
  readonly offset: number;
}

const BLOCK_MS = 384 * DAY_MS;
/** No zone has changed its offset twice within six days from 1900 to 2037: all were looked up. */
const STEP_MS = 4 * DAY_MS;
/** Before clocks were put forward in summer, and by rules alone, an offset lasts for months. */
const LONG_STEP_MS = 32 * DAY_MS;
const isCalm = (at: number) => at < Date.UTC(1910, 0, 1) || at > Date.UTC(2101, 0, 1);

function readBlock(clock: Intl.DateTimeFormat, start: number): Block {
  const end = start + BLOCK_MS;
  const stepMs = isCalm(start) && isCalm(end) ? LONG_STEP_MS : STEP_MS;
  const first = readOffset(clock, start);
  const changes: Change[] = [];
  let before = first;
  for (let at = start; at < end; at += stepMs) {
    const after = readOffset(clock, at + stepMs);
    if (after !== before) addChanges(clock, changes, { from: at, to: at + stepMs, before, after });
    before = after;
  }
  return { first, changes };
}

interface Differing {
  readonly from: number;
  readonly to: number;
  readonly before: number;
  readonly after: number;
}

/** Halves a stretch whose ends differ, and each half of it whose ends do. */
function addChanges(
  clock: Intl.DateTimeFormat,
  changes: Change[],
  { from, to, before, after }: Differing,
): void {
  if (to - from <= SECOND_MS) {
    changes.push({ at: to, offset: after });
    return;
  }
  const middle = from + middleOf(to - from);
  const between = readOffset(clock, middle);
  if (between !== before) addChanges(clock, changes, { from, to: middle, before, after: between });
  if (between !== after) addChanges(clock, changes, { from: middle, to, before: between, after });
}

/** Whole hours first: changes are on them, mostly, and the second before tells. */
function middleOf(lengthMs: number): number {
  if (lengthMs > HOUR_MS) return Math.floor(lengthMs / HOUR_MS / 2) * HOUR_MS;
  return lengthMs === HOUR_MS
    ? HOUR_MS - SECOND_MS
    : Math.ceil(lengthMs / SECOND_MS / 2) * SECOND_MS;
}

interface Zone {
  readonly clock: Intl.DateTimeFormat;
  /** By index since `KNOWN_FROM`; at most 300, read when they are first asked for. */
  readonly blocks: (Block | undefined)[];
}

/** More than there are; the names of a zone may be many, though. */
const ZONES_MAX = 600;
const zones = new LRUCache<string, Zone>({ max: ZONES_MAX });

/** @throws RangeError for a name that is no zone */
function zoneOf(name: string): Zone {
  let zone = zones.get(name);
  if (zone === undefined) {
    zone = { clock: createClock(name), blocks: [] };
    zones.set(name, zone);
  }
  return zone;
}

function changeBetween(zone: string, from: number, to: number): number {
  const after = offsetMs(zone, to);
  return firstWhere(from, to, at => offsetMs(zone, at) === after);
}

/** The first whole second after `low`, up to `high`, from which on it holds. */
function firstWhere(low: number, high: number, holds: (at: number) => boolean): number {
  let no = Math.floor(low / SECOND_MS);
  let yes = Math.ceil(high / SECOND_MS);
  while (yes - no > 1) {
    const middle = Math.floor((no + yes) / 2);
    if (holds(middle * SECOND_MS)) yes = middle;
    else no = middle;
  }
  return yes * SECOND_MS;
}

/** About a microsecond: what the blocks spare. */
function readOffset(clock: Intl.DateTimeFormat, at: number): number {
  // `20 GMT+01:05:21`, and of UTC `20 GMT` alone.
  const text = clock.format(at);
  const from = text.indexOf('GMT') + 3;
  if (from === text.length) return 0;
  const two = (index: number) => Number(text.slice(from + index, from + index + 2));
  const size = two(1) * HOUR_MS + two(4) * MINUTE_MS + two(7) * SECOND_MS;
  return text[from] === '+' ? size : 0 - size;
}

/** With one short field beside the offset, as without any it would write the date too. */
function createClock(timeZone: string): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat('en-US', {
    timeZone,
    calendar: 'gregory',
    second: 'numeric',
    timeZoneName: 'longOffset',
  });
}

function modulo(value: number, by: number): number {
  return ((value % by) + by) % by;
}
