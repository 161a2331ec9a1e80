/** Instants as the vendor's framework reads and writes them: in UTC, to the microsecond. */

import { instantText } from '../../core/unreadable.ts';

/** An instant, and its microseconds where a `Date` can't hold them. */
export interface Instant {
  readonly date: Date;
  /** As it is written. */
  readonly text: string;
}

const INSTANT =
  /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{1,2}:\d{2})(?::(\d{2})(?:[.,](\d{1,6})\d{0,6})?)?\s*(Z|[+-]\d{2}(?::?\d{2})?)?)?$/;

/** Null for what is no instant. UTC where no zone is given. */
export function parseInstant(given: string): Instant | null {
  const parts = INSTANT.exec(given.trim().toUpperCase());
  if (parts === null) return null;
  const [, day = '', minute = '00:00', second = '00', fraction = '', zone = 'Z'] = parts;
  const midnight = new Date(`${day}T00:00:00Z`);
  if (Number.isNaN(midnight.getTime()) || !midnight.toISOString().startsWith(day)) return null;
  const micros = fraction.padEnd(6, '0');
  const offset =
    zone === 'Z' ? zone : zone.replace(/^(...):?(..)?$/, (_, h, m = '00') => `${h}:${m}`);
  const local = `${day}T${minute.padStart(5, '0')}:${second}.${micros.slice(0, 3)}`;
  const date = new Date(`${local}${offset}`);
  const year = date.getUTCFullYear();
  if (Number.isNaN(date.getTime()) || year < 1 || year > 9999) return null;
  return { date, text: formatInstant(date, micros.slice(3)) };
}

/** @param beyondMs the three digits beyond milliseconds. */
export function formatInstant(date: Date, beyondMs = '000'): string {
  const text = instantText(date).slice(0, -1) + beyondMs;
  return `${text.replace(/\.000000$/, '')}Z`;
}
