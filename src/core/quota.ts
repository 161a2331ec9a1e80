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

/** The first day of the month of a day. */
export function monthOf(day: number): number {
  const at = new Date(day * DAY_MS);
  return dayOf(new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth())));
}

/** When a day and a month are over. */
export function renewalsAfter(at: Date): { readonly day: Date; readonly month: Date } {
  return {
    day: new Date((dayOf(at) + 1) * DAY_MS),
    month: new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + 1)),
  };
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

interface Period extends Pick<QuotaStanding, 'name' | 'period' | 'used' | 'renewsAt'> {
  readonly limit: number | null;
  readonly days: number;
}

/** Of each quota that is set: the day's first. */
export function standingsOf(
  { eventsPerDay, eventsPerMonth }: KeyQuota,
  { today, thisMonth }: RecordedEvents,
  at: Date,
): QuotaStanding[] {
  const renews = renewalsAfter(at);
  const periods: readonly Period[] = [
    {
      name: 'events-per-day',
      period: 'DAY',
      limit: eventsPerDay,
      used: today,
      days: 1,
      renewsAt: renews.day,
    },
    {
      name: 'events-per-month',
      period: 'MONTH',
      limit: eventsPerMonth,
      used: thisMonth,
      days: dayOf(renews.month) - monthOf(dayOf(at)),
      renewsAt: renews.month,
    },
  ];
  return periods.flatMap(({ limit, days, ...each }) => {
    if (limit === null) return [];
    const resetS = Math.max(1, Math.ceil((each.renewsAt.getTime() - at.getTime()) / 1_000));
    const left = Math.max(0, limit - each.used);
    return [{ ...each, limit, left, windowS: (days * DAY_MS) / 1_000, resetS }];
  });
}

/** Why a request of so many events is refused as a whole; null where there is room for it. */
export function refusalOver(
  standings: readonly QuotaStanding[],
  events: number,
): GatewayError | null {
  // The month's where both are used up: it renews later.
  const over = standings.filter(({ limit, used }) => used + events > limit).at(-1);
  if (over === undefined) return null;
  const { period, limit, used, renewsAt, resetS } = over;
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
