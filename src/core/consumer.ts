/**
 * Consumers: named places in a workspace's log that the gateway keeps, with what is not settled yet.
 * Here is what is decided about them without a clock or a database.
 */
import type { LogPlace } from './cursor.ts';
import { GatewayError } from './errors.ts';
import type { StoredEvent } from './event.ts';
import type { EventFilter } from './filter.ts';
import { LIMITS } from './limits.ts';
import { isStorableText, isWithinBytes } from './text.ts';

export const CONSUMER_KINDS = ['PULL', 'WEBHOOK', 'NOTIFICATION'] as const;
export type ConsumerKind = (typeof CONSUMER_KINDS)[number];

/** Which value of an event its order follows; of WORKSPACE all events have the same. */
export const CONSUMER_ORDERS = ['WORKSPACE', 'SUBJECT', 'ACTOR', 'GROUP', 'SOURCE'] as const;
export type ConsumerOrder = (typeof CONSUMER_ORDERS)[number];

/** What a pull has to know before it starts. */
export interface ConsumerPlan {
  readonly workspaceId: number;
  readonly id: number;
  readonly kind: ConsumerKind;
  readonly name: string;
  readonly filter: EventFilter | null;
  readonly orderedBy: ConsumerOrder | null;
  readonly leaseMs: number;
  readonly maxAttempts: number;
  /** Grows with each change of the above. */
  readonly revision: number;
}

/** A consumer as it was at one moment. */
export interface Consumer extends ConsumerPlan {
  readonly description: string | null;
  /** The filter as it was given. */
  readonly filterText: string | null;
  readonly isPaused: boolean;
  readonly pausedReason: string | null;
  /** Every matching event up to here is settled. */
  readonly settled: LogPlace;
  readonly head: number;
  /** Leased, and the lease has not run out. */
  readonly inFlightCount: number;
  /** Neither leased nor parked: they wait for a retry, or for an earlier one of their order. */
  readonly retryingCount: number;
  readonly parkedCount: number;
  /** The first position that retention took before it was settled. */
  readonly gonePosition: number | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** What a worker holds of an event until it settles it, or the lease runs out. */
export interface Lease {
  /** Settles the delivery. */
  readonly token: string;
  /** 1 for the first. */
  readonly attempt: number;
  readonly leasedUntil: Date;
  readonly leaseMs: number;
  readonly event: StoredEvent;
}

export interface ParkedDelivery {
  readonly workspaceId: number;
  readonly consumerId: number;
  readonly attempts: number;
  readonly parkedAt: Date;
  readonly reason: string;
  readonly event: StoredEvent;
}

/** Where a consumer is put. `at`: before the first event that was recorded then or later. */
export type ConsumerPlace =
  { readonly start: 'NOW' | 'BEGINNING' } | { readonly after: LogPlace } | { readonly at: Date };

/** What a token says: which delivery, which attempt, and who holds it. */
export interface LeaseToken {
  readonly position: number;
  readonly attempt: number;
  /** A UUID. */
  readonly lease: string;
}

export function encodeToken({ position, attempt, lease }: LeaseToken): string {
  return `${position.toString(36)}.${attempt.toString(36)}.${lease.replaceAll('-', '')}`;
}

const TOKEN =
  /^([0-9a-z]{1,11})\.([0-9a-z]{1,6})\.([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})$/;

/** Null for a text that is no token: like one whose lease is long gone. */
export function decodeToken(text: string): LeaseToken | null {
  const [, position = '', attempt = '', ...parts] = TOKEN.exec(text) ?? [];
  const token = { position: parseInt(position, 36), attempt: parseInt(attempt, 36) };
  const isReal = Number.isSafeInteger(token.position) && token.attempt <= LIMITS.attemptsMax;
  return isReal ? { ...token, lease: parts.join('-') } : null;
}

const RETRY_FIRST_MS = 1_000;
const RETRY_LAST_MS = 300_000;

/** How long a delivery that was released waits, where nobody says: 1 s, doubled up to 5 min. */
export function retryDelayMs(attempt: number): number {
  return Math.min(RETRY_LAST_MS, RETRY_FIRST_MS * 2 ** Math.min(attempt - 1, 20));
}

export const LEASE_RAN_OUT = 'The lease ran out.';
export const REFUSED = 'Refused by the worker.';

/** @throws GatewayError BAD_USER_INPUT */
export function checkConsumerTexts(texts: {
  readonly name?: string | null | undefined;
  readonly description?: string | null | undefined;
  readonly reason?: string | null | undefined;
}): void {
  const { consumerNameBytesMax, descriptionBytesMax, parkReasonBytesMax } = LIMITS;
  const { name, description, reason } = texts;
  if (name != null && name.trim() === '')
    fail('name', `1 to ${consumerNameBytesMax} bytes`, 'none');
  checkText('name', name, consumerNameBytesMax);
  checkText('description', description, descriptionBytesMax);
  checkText('reason', reason, parkReasonBytesMax);
}

function checkText(name: string, text: string | null | undefined, bytesMax: number): void {
  if (text == null) return;
  if (!isStorableText(text))
    fail(name, 'valid Unicode without the character U+0000', 'another text');
  if (!isWithinBytes(text, bytesMax)) fail(name, `at most ${bytesMax} bytes`, 'more');
}

/** @throws GatewayError BAD_USER_INPUT */
export function checkLeaseMs(leaseMs: number): void {
  const { leaseSecondsMin: min, leaseSecondsMax: max } = LIMITS;
  if (leaseMs >= min * 1_000 && leaseMs <= max * 1_000) return;
  fail('leaseDuration', `${min} to ${max} seconds`, `${leaseMs / 1_000}`);
}

/** @throws GatewayError BAD_USER_INPUT */
export function checkCount(name: string, count: number, max: number): void {
  if (Number.isInteger(count) && count >= 1 && count <= max) return;
  fail(name, `1 to ${max}`, String(count));
}

/** @throws GatewayError BAD_USER_INPUT */
export function checkDelayMs(name: string, delayMs: number, secondsMax: number): void {
  if (delayMs <= secondsMax * 1_000) return;
  fail(name, `at most ${secondsMax} seconds`, `${delayMs / 1_000}`);
}

function fail(name: string, expected: string, came: string): never {
  throw new GatewayError('BAD_USER_INPUT', `${name} expects ${expected}, but got ${came}.`);
}

/** Hands leases out to who asked, in the order of asking: to each as many as it wants at most. */
export function shareOut<T>(leases: readonly T[], wanted: readonly number[]): T[][] {
  let at = 0;
  return wanted.map(count => {
    const own = leases.slice(at, at + count);
    at += own.length;
    return own;
  });
}
