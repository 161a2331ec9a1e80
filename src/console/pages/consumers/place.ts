/** A place in the log as somebody chooses it. */
import type { ConsumerPlace } from './documents.ts';

export const PLACES = {
  NOW: 'Now: events recorded from here on',
  BEGINNING: 'Beginning: the oldest event that is kept',
  TIME: 'A time',
  CURSOR: 'A cursor',
} as const;

export interface ChosenPlace {
  readonly kind: keyof typeof PLACES;
  /** As a field for date and time holds it, such as 2026-11-21T07:00. */
  readonly time: string;
  readonly cursor: string;
}

export const AT_NOW: ChosenPlace = { kind: 'NOW', time: '', cursor: '' };

/** Null while the time or the cursor is missing. */
export function placeOf({ kind, time, cursor }: ChosenPlace): ConsumerPlace | null {
  if (kind === 'TIME') {
    const ms = Date.parse(time);
    return Number.isNaN(ms) ? null : { at: new Date(ms).toISOString() };
  }
  if (kind === 'CURSOR') return cursor.trim() === '' ? null : { after: cursor.trim() };
  return { start: kind };
}
