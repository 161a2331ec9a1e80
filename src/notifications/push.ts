/** Sends messages to browsers, through the push services of their subscriptions. */
import { LRUCache } from 'lru-cache';
import { LIMITS } from '../core/limits.ts';
import type { Sent } from '../core/webhook.ts';
import type { Sender } from '../webhooks/sender.ts';
import { encryptPush, vapidHeader, type PushKeys, type PushTarget } from './push-crypto.ts';

export interface PushOptions {
  readonly keys: PushKeys;
  readonly sender: Pick<Sender, 'send'>;
  /** Whom a push service may write to; null: nobody. */
  readonly subject: string | null;
  readonly nowMs: () => number;
}

/** Null: it was given up. */
export type SendPush = (
  target: PushTarget,
  text: Buffer,
  signal: AbortSignal,
) => Promise<Sent | null>;

/** A push service takes a claim for at most a day. */
const CLAIM_MS = 12 * 3_600_000;
const CLAIM_RENEWED_MS = 3_600_000;
const CLAIMS_KEPT_MAX = 200;
/** How long a push service keeps a message for a browser that is away. */
const TTL_S = 86_400;

export function createPush({ keys, sender, subject, nowMs }: PushOptions): SendPush {
  const claims = new LRUCache<string, { header: string; untilMs: number }>({
    max: CLAIMS_KEPT_MAX,
  });

  function authorization(audience: string): string {
    const known = claims.get(audience);
    if (known !== undefined && known.untilMs > nowMs()) return known.header;
    const expiresAtMs = nowMs() + CLAIM_MS;
    const header = vapidHeader(keys, { audience, expiresAtMs, subject });
    claims.set(audience, { header, untilMs: expiresAtMs - CLAIM_RENEWED_MS });
    return header;
  }

  return (target, text, signal) =>
    sender.send({
      url: target.endpoint,
      headers: {
        'user-agent': 'sluice',
        authorization: authorization(new URL(target.endpoint).origin),
        'content-type': 'application/octet-stream',
        'content-encoding': 'aes128gcm',
        ttl: String(TTL_S),
        urgency: 'high',
      },
      body: encryptPush(text, target),
      timeoutMs: LIMITS.notificationTimeoutSeconds * 1_000,
      signal,
    });
}

/** Whether the push service says that there is no such browser any more. */
export function isGone({ status }: Sent): boolean {
  return status === 404 || status === 410;
}
