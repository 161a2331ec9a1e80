/** How many events a key may record in a day and in a month, both of UTC. Pure. */
import { GatewayError } from './errors.ts';
import { LIMITS } from './limits.ts';

/** Null: any number. */
export interface KeyQuota {
  readonly eventsPerDay: number | null;
  readonly eventsPerMonth: number | null;
}

/** Events that a key has recorded, in the day and in the month of one instant. */
export interface RecordedEvents {
  readonly today: number;
  readonly thisMonth: number;
}

export const NO_QUOTA: KeyQuota = { eventsPerDay: null, eventsPerMonth: null };

const DAY_MS = 86_400_000;

/** Days since 1970. */
export function dayOf(at: Date): number {
  return Math.floor(at.getTime() / DAY_MS);
}

/** As Postgres reads a date. */
export function dayText(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10);
}

interface Calendar {
  readonly day: number;
  /** The first day of its month. */
  readonly month: number;
  readonly monthDays: number;
  readonly nextDay: Date;
  readonly nextMonth: Date;
}

/** Nearly always it is asked of the same day as before. */
let asked: Calendar | undefined;

function calendarOf(day: number): Calendar {
  if (asked?.day === day) return asked;
  const at = new Date(day * DAY_MS);
  const month = dayOf(new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth())));
  const nextMonth = new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + 1));
  const nextDay = new Date((day + 1) * DAY_MS);
  return (asked = { day, month, monthDays: dayOf(nextMonth) - month, nextDay, nextMonth });
}

/** The first day of the month of a day. */
export function monthOf(day: number): number {
  return calendarOf(day).month;
}

/** When a day and a month are over. */
export function renewalsAfter(at: Date): { readonly day: Date; readonly month: Date } {
  const { nextDay, nextMonth } = calendarOf(dayOf(at));
  return { day: nextDay, month: nextMonth };
}

/** How a caller stands with one of its limits, as the headers of an answer tell it. */
export interface LimitStanding {
  /** Of the limit, such as `events-per-day`. */
  readonly name: string;
  readonly limit: number;
  readonly windowS: number;
  readonly left: number;
  /** Seconds until the limit is whole again. */
  readonly resetS: number;
}

export interface QuotaStanding extends LimitStanding {
  readonly period: 'DAY' | 'MONTH';
  readonly used: number;
  readonly renewsAt: Date;
}

/** Whether each quota that is set has room for so many events. */
export function hasRoom(
  { eventsPerDay, eventsPerMonth }: KeyQuota,
  { today, thisMonth }: RecordedEvents,
  events: number,
): boolean {
  return (
    (eventsPerDay === null || today + events <= eventsPerDay) &&
    (eventsPerMonth === null || thisMonth + events <= eventsPerMonth)
  );
}

/** Of each quota that is set: the day's first. */
export function standingsOf(
  { eventsPerDay, eventsPerMonth }: KeyQuota,
  { today, thisMonth }: RecordedEvents,
  at: Date,
): QuotaStanding[] {
  const { nextDay, nextMonth, monthDays } = calendarOf(dayOf(at));
  const standings: QuotaStanding[] = [];
  if (eventsPerDay !== null) standings.push(standing('DAY', eventsPerDay, today));
  if (eventsPerMonth !== null) standings.push(standing('MONTH', eventsPerMonth, thisMonth));
  return standings;

  function standing(period: QuotaStanding['period'], limit: number, used: number): QuotaStanding {
    const renewsAt = period === 'DAY' ? nextDay : nextMonth;
    return {
      name: period === 'DAY' ? 'events-per-day' : 'events-per-month',
      period,
      limit,
      used,
      left: Math.max(0, limit - used),
      windowS: ((period === 'DAY' ? 1 : monthDays) * DAY_MS) / 1_000,
      resetS: Math.max(1, Math.ceil((renewsAt.getTime() - at.getTime()) / 1_000)),
      renewsAt,
    };
  }
}

/** Of a request that has no room in one of these: the month's, where both are used up. */
export function quotaExceeded(standings: readonly QuotaStanding[], events: number): GatewayError {
  const over = standings.filter(({ limit, used }) => used + events > limit);
  const { period, limit, used, renewsAt, resetS } = over.at(-1) as QuotaStanding;
  const [a, current] = period === 'DAY' ? ['a day', 'today'] : ['a month', 'this month'];
  const message =
    `The quota of this key is ${limit} ${limit === 1 ? 'event' : 'events'} ${a}. It has recorded ` +
    `${used} ${current}, and this request has ${events}. The quota renews at ${renewsAt.toISOString()}.`;
  const extensions = { period, limit, used, renewsAt: renewsAt.toISOString() };
  return new GatewayError('QUOTA_EXCEEDED', message, { extensions, retryAfterS: resetS });
}

/** @throws GatewayError BAD_USER_INPUT */
export function checkQuota(quota: Partial<KeyQuota>): void {
  const { quotaEventsMax } = LIMITS;
  for (const [name, value] of Object.entries(quota) as [string, number | null | undefined][]) {
    if (value == null || (value >= 1 && value <= quotaEventsMax)) continue;
    const message = `${name} expects 1 to ${quotaEventsMax} events, or null for none, but got ${value}.`;
    throw new GatewayError('BAD_USER_INPUT', message);
  }
}
