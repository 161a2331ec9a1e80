/**
 * Webhooks: consumers whose worker is the gateway. Here is what is decided about them without a
 * clock, a network or a database.
 */
import { GatewayError } from './errors.ts';
import { LIMITS } from './limits.ts';
import { isWithinBytes } from './text.ts';

export const WEBHOOK_FORMATS = ['SLUICE', 'CLOUDEVENTS', 'SLACK', 'DISCORD', 'NTFY'] as const;
export type WebhookFormat = (typeof WEBHOOK_FORMATS)[number];
/** Those that are messages for people. */
export type ChatFormat = Extract<WebhookFormat, 'SLACK' | 'DISCORD' | 'NTFY'>;

export interface WebhookHeader {
  readonly name: string;
  readonly value: string;
  /** Whether the value is never shown. */
  readonly isSecret: boolean;
}

/** Where events go, and how. */
export interface WebhookTarget {
  readonly url: string;
  readonly format: WebhookFormat;
  readonly headers: readonly WebhookHeader[];
  readonly timeoutMs: number;
}

export interface Webhook extends WebhookTarget {
  readonly workspaceId: number;
  readonly consumerId: number;
}

/** One request, and what came of it. */
export interface WebhookAttempt {
  readonly consumerId: number;
  /** Of the webhook: 1, 2, 3 … */
  readonly number: number;
  readonly at: Date;
  readonly eventId: string;
  /** 0 for a test. */
  readonly position: number;
  readonly attempt: number;
  /** Null without an answer. */
  readonly status: number | null;
  /** Null for a success. */
  readonly error: string | null;
  readonly durationMs: number;
  /** The first bytes of the answer; null without one. */
  readonly response: string | null;
}

/** What came of a request. */
export interface Sent extends Pick<
  WebhookAttempt,
  'at' | 'status' | 'error' | 'durationMs' | 'response'
> {
  /** What the receiver asked for; null where it did not. */
  readonly retryAfterMs: number | null;
}

/** What becomes of a delivery. */
export type Outcome =
  | { readonly kind: 'ACKNOWLEDGE' }
  | { readonly kind: 'RETRY'; readonly delayMs: number; readonly reason: string }
  | { readonly kind: 'PAUSE'; readonly reason: string };

const GONE = 'The receiver answered 410 Gone: it wants no more events.';
/** So that those that failed together do not come back together. */
const JITTER = 0.2;

/** @param attempt 1 for the first */
export function outcomeOf(
  { status, error, retryAfterMs }: Sent,
  attempt: number,
  { delaysMs, random }: { readonly delaysMs: readonly number[]; readonly random: () => number },
): Outcome {
  if (error === null) return { kind: 'ACKNOWLEDGE' };
  if (status === 410) return { kind: 'PAUSE', reason: GONE };
  const planned = delaysMs[Math.min(attempt, delaysMs.length) - 1] ?? 0;
  const asked = status === 429 || status === 503 ? (retryAfterMs ?? 0) : 0;
  const longest = LIMITS.webhookRetryAfterSecondsMax * 1_000;
  const delayMs = Math.max(planned * (1 + JITTER * random()), Math.min(asked, longest));
  return { kind: 'RETRY', delayMs, reason: error };
}

/** A `Retry-After`, in seconds or as a date of HTTP; null for any other text. */
export function readRetryAfter(text: string | undefined, nowMs: number): number | null {
  if (text === undefined) return null;
  if (/^\s*\d{1,9}\s*$/.test(text)) return Number(text) * 1_000;
  const atMs = /^[A-Za-z]{3},/.test(text) ? Date.parse(text) : NaN;
  return Number.isNaN(atMs) ? null : Math.max(0, atMs - nowMs);
}

const SECRET = /^whsec_([A-Za-z0-9+/]+={0,2})$/;

/** The key that a secret stands for; null for what is none. */
export function keyOfSecret(secret: string): Buffer | null {
  const text = SECRET.exec(secret)?.[1];
  const key = Buffer.from(text ?? '', 'base64');
  return text !== undefined && key.toString('base64') === text ? key : null;
}

/** @throws GatewayError BAD_USER_INPUT */
export function checkSecret(secret: string): void {
  const { webhookSecretBytesMin: min, webhookSecretBytesMax: max } = LIMITS;
  const key = keyOfSecret(secret);
  if (key !== null && key.length >= min && key.length <= max) return;
  const came = key === null ? 'another text' : `${key.length} bytes`;
  fail('secret', `whsec_ and the base64 of ${min} to ${max} bytes`, came);
}

/** @throws GatewayError BAD_USER_INPUT */
export function checkTimeoutMs(timeoutMs: number): void {
  const { webhookTimeoutSecondsMin: min, webhookTimeoutSecondsMax: max } = LIMITS;
  if (timeoutMs >= min * 1_000 && timeoutMs <= max * 1_000) return;
  fail('timeout', `${min} to ${max} seconds`, `${timeoutMs / 1_000}`);
}

/** Those that a request has of itself, or that belong to the connection. */
const RESERVED =
  /^(host|connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|expect|content-length|content-encoding|content-type|webhook-.*|sluice-.*)$/;

/** @throws GatewayError BAD_USER_INPUT */
export function checkHeaders(headers: readonly WebhookHeader[]): void {
  const { webhookHeadersMax: max, webhookHeaderBytesMax: bytesMax } = LIMITS;
  if (headers.length > max) fail('headers', `at most ${max}`, String(headers.length));
  const names = new Set<string>();
  for (const { name, value } of headers) {
    const shown = JSON.stringify(name.slice(0, 60).toWellFormed());
    if (!/^[!#$%&'*+.^_`|~\w-]+$/.test(name)) fail('headers', 'names of HTTP headers', shown);
    const own = name.toLowerCase();
    if (RESERVED.test(own)) fail('headers', 'names that the gateway does not set itself', shown);
    if (names.has(own)) fail('headers', 'each name once', `${shown} twice`);
    if (!/^[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?$/.test(value)) {
      fail('headers', `a value of visible ASCII characters for ${shown}`, 'another text');
    }
    names.add(own);
  }
  const texts = headers.map(({ name, value }) => name + value).join('');
  if (!isWithinBytes(texts, bytesMax)) fail('headers', `at most ${bytesMax} bytes in all`, 'more');
}

function fail(name: string, expected: string, came: string): never {
  throw new GatewayError('BAD_USER_INPUT', `${name} expects ${expected}, but got ${came}.`);
}
