/**
 * Rows by day are days of a zone. They carry a tag: the zone, and the version of the time-zone
 * database that they were made by.
 */
import { GRAINS, rowStart } from './bucket.ts';

export const TZDATA = process.versions['tz'] ?? '';

export function daysTag(zone: string): string {
  return `${knownZone(zone)} ${TZDATA}`;
}

/** UTC where there is none yet. */
export function zoneOfTag(tag: string): string {
  return knownZone(tag.split(' ', 1)[0] ?? '');
}

/** A name that this Node does not know must not stop the fold. */
export function knownZone(zone: string): string {
  if (zone === '') return 'UTC';
  try {
    rowStart(GRAINS.DAY, 0, zone);
    return zone;
  } catch {
    return 'UTC';
  }
}

/** Days made by another zone, or by older rules than ours; newer ones are another process's. */
export function isOutdated(tag: string, zone: string): boolean {
  const [daysZone = '', version = ''] = tag.split(' ');
  return daysZone !== knownZone(zone) || version < TZDATA;
}
