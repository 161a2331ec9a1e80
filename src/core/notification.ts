/**
 * Notifications: rules, which are consumers that the gateway works for, and what they tell people.
 * Here is what is decided about them without a clock, a network or a database.
 */
import type { LogPlace } from './cursor.ts';
import { GatewayError } from './errors.ts';
import { LIMITS } from './limits.ts';
import { isWithinBytes } from './text.ts';
import type { ChatFormat } from './webhook.ts';

export const THRESHOLD_COMPARISONS = ['AT_LEAST', 'FEWER_THAN'] as const;
export type ThresholdComparison = (typeof THRESHOLD_COMPARISONS)[number];

/** What a notification tells of: matching events, or a threshold that was crossed. */
export type NotificationKind = 'EVENTS' | ThresholdComparison;

export interface NotificationThreshold {
  readonly comparison: ThresholdComparison;
  readonly count: number;
  readonly withinMs: number;
}

export type NotificationChannel =
  | { readonly kind: 'WEB_PUSH' }
  | { readonly kind: 'EMAIL'; readonly to: readonly string[] }
  | { readonly kind: 'WEBHOOK'; readonly url: string; readonly format: ChatFormat };

/** What an administrator sets. */
export interface NotificationSettings {
  readonly channels: readonly NotificationChannel[];
  readonly quietMs: number;
  /** Null: each matching event notifies. */
  readonly threshold: NotificationThreshold | null;
}

export interface NotificationRule extends NotificationSettings {
  readonly workspaceId: number;
  readonly consumerId: number;
  readonly name: string;
  readonly isEnabled: boolean;
  /** As it was given; null lets every event through. */
  readonly filterText: string | null;
  readonly lastNotifiedAt: Date | null;
  /** What is to be sent, to how many addresses. */
  readonly waitingCount: number;
  /** Why the last attempt failed; null after a success. */
  readonly lastError: string | null;
}

/** What is told at once. */
export interface News extends LogPlace {
  readonly kind: NotificationKind;
  /** How many events it tells of. Its place is that of the newest; 0 where there is none. */
  readonly count: number;
}

/** News that came later, told together with those before. */
export function together(before: News | null, later: News): News {
  if (before === null || later.kind !== 'EVENTS') return later;
  const newest = later.position >= before.position ? later : before;
  return { ...newest, kind: 'EVENTS', count: before.count + later.count };
}

export interface Quiet {
  /** What came since the last notification and was not told. */
  readonly pending: News | null;
  readonly lastNotifiedAt: Date | null;
}

export interface Telling extends Quiet {
  readonly told: readonly News[];
  /** When what is pending is to be told; null where nothing is. */
  readonly flushAt: Date | null;
}

/** What is told now: at most one notification in the quiet time, and everything where there is none. */
export function tell(
  { pending, lastNotifiedAt }: Quiet,
  news: readonly News[],
  { quietMs, now }: { readonly quietMs: number; readonly now: Date },
): Telling {
  const all = pending === null ? news : [pending, ...news];
  if (all.length === 0) return { told: [], pending: null, lastNotifiedAt, flushAt: null };
  if (quietMs === 0) return { told: all, pending: null, lastNotifiedAt: now, flushAt: null };
  const summed = all.reduce<News | null>((before, later) => together(before, later), null) as News;
  const quietUntil = lastNotifiedAt === null ? now : new Date(lastNotifiedAt.getTime() + quietMs);
  if (quietUntil > now) {
    return { told: [], pending: summed, lastNotifiedAt, flushAt: quietUntil };
  }
  return { told: [summed], pending: null, lastNotifiedAt: now, flushAt: null };
}

/** @throws GatewayError BAD_USER_INPUT */
export function checkQuietMs(quietMs: number): void {
  const { quietSecondsMax: max } = LIMITS;
  if (quietMs >= 0 && quietMs <= max * 1_000) return;
  fail('quietFor', `at most ${max} seconds`, `${quietMs / 1_000}`);
}

/** @throws GatewayError BAD_USER_INPUT */
export function checkThreshold({ count, withinMs }: NotificationThreshold): void {
  const { thresholdSecondsMin: min, thresholdSecondsMax: max, thresholdCountMax } = LIMITS;
  if (!Number.isInteger(count) || count < 1 || count > thresholdCountMax) {
    fail('threshold.count', `1 to ${thresholdCountMax}`, String(count));
  }
  if (withinMs >= min * 1_000 && withinMs <= max * 1_000) return;
  fail('threshold.within', `${min} to ${max} seconds`, `${withinMs / 1_000}`);
}

/** But for URLs. @throws GatewayError BAD_USER_INPUT */
export function checkChannels(channels: readonly NotificationChannel[]): void {
  const { channelsMax: max } = LIMITS;
  if (channels.length < 1 || channels.length > max) {
    fail('channels', `1 to ${max} channels`, String(channels.length));
  }
  const texts = new Set(channels.map(channel => JSON.stringify(channel)));
  if (texts.size < channels.length) fail('channels', 'each channel once', 'one twice');
  for (const channel of channels) if (channel.kind === 'EMAIL') checkAddresses(channel.to);
}

/** As mailers take it: letters, digits and what they may stand beside, and a domain with a dot or of this network. */
const EMAIL =
  /^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$/;

function checkAddresses(to: readonly string[]): void {
  const { emailAddressesMax: max, emailBytesMax } = LIMITS;
  if (to.length < 1 || to.length > max) fail('email.to', `1 to ${max} addresses`, `${to.length}`);
  for (const address of to) {
    const shown = JSON.stringify(address.slice(0, 100).toWellFormed());
    const isAddress = isWithinBytes(address, emailBytesMax) && EMAIL.test(address);
    if (!isAddress) fail('email.to', 'addresses such as ops@example.com', shown);
  }
  const distinct = new Set(to.map(address => address.toLowerCase()));
  if (distinct.size < to.length) fail('email.to', 'each address once', 'one twice');
}

export function fail(name: string, expected: string, came: string): never {
  throw new GatewayError('BAD_USER_INPUT', `${name} expects ${expected}, but got ${came}.`);
}
