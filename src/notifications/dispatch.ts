/** Sends one notification to its address, and settles it by what came of that. */
import { LRUCache } from 'lru-cache';
import { RateLimiterMemory } from 'rate-limiter-flexible';
import type { LogPlace } from '../core/cursor.ts';
import type { StoredEvent } from '../core/event.ts';
import { LIMITS } from '../core/limits.ts';
import { outcomeOf, type Sent } from '../core/webhook.ts';
import type { SecretCipher } from '../security/secret-cipher.ts';
import type { RequestSlots } from '../webhooks/request-slots.ts';
import type { Address, Channels } from './channels.ts';
import type { Leased, Outbox } from './outbox.ts';
import { isGone } from './push.ts';
import type { RulePlan } from './rule-plan.ts';
import { addressesOf, digestOf, type RuleName } from './rule-state.ts';
import { saidOf } from './said.ts';
import { openTarget } from './subscriptions.ts';

export type Dispatch = (
  rule: RuleName,
  outbox: Outbox,
  leased: Leased,
  signal: AbortSignal,
) => Promise<void>;

export interface DispatchOptions {
  readonly channels: Channels;
  readonly places: RequestSlots;
  readonly box: SecretCipher;
  readonly retryDelaysMs: readonly number[];
  /** Null where it is no more, or is disabled. */
  readonly readPlan: (rule: RuleName) => Promise<RulePlan | null>;
  /** Null where it is no longer shown. */
  readonly eventAt: (workspaceId: number, place: LogPlace) => Promise<StoredEvent | null>;
  readonly forget: (subscriptionId: number) => Promise<void>;
  readonly onSent: (kind: Address['kind'], sent: Sent) => void;
}

/** As old as a plan may be: whether the rule is enabled is no part of its revision. */
const PLAN_MS = 1_000;
const PLANS_KEPT_MAX = 1_000;
/** What has no place within this time makes way. */
const PLACE_MS = LIMITS.notificationTimeoutSeconds * 1_000;
const AGAIN_MS = 2_000;
const DISABLED_MS = 60_000;

export function createDispatch(options: DispatchOptions): Dispatch {
  const { channels, places, box, eventAt, forget, onSent, retryDelaysMs: delaysMs } = options;
  const plans = new LRUCache<string, Promise<RulePlan | null>>({
    max: PLANS_KEPT_MAX,
    ttl: PLAN_MS,
  });
  const mails = new RateLimiterMemory({ points: LIMITS.emailsPerHourMax, duration: 3_600 });

  function planOf(rule: RuleName, revision: string): Promise<RulePlan | null> {
    const key = `${rule.workspaceId} ${rule.consumerId} ${revision}`;
    const known = plans.get(key);
    if (known !== undefined) return known;
    const plan = options.readPlan(rule);
    plans.set(key, plan);
    plan.catch(() => plans.delete(key));
    return plan;
  }

  /** Until one more of this workspace may be sent; 0: it may now, and is counted. */
  async function untilTurnMs({ kind }: Address, workspaceId: number): Promise<number> {
    if (kind !== 'EMAIL') return 0;
    return mails.consume(workspaceId).then(
      () => 0,
      ({ msBeforeNext }: { msBeforeNext: number }) => Math.max(AGAIN_MS, msBeforeNext),
    );
  }

  return async (rule, outbox, leased, signal) => {
    const { workspaceId } = rule;
    const plan = await planOf(rule, leased.revision);
    if (plan === null) return outbox.giveBack(leased, DISABLED_MS);
    const address = addressOf(plan, leased, box);
    const { position, recordedAt, attempt } = leased;
    const event = position === 0 ? null : await eventAt(workspaceId, { position, recordedAt });
    // The channel is gone, the key may read it no more, or the event is not shown any more.
    if (address === null || (position > 0 && event === null)) return outbox.done(leased);
    const waitMs = await untilTurnMs(address, workspaceId);
    if (waitMs > 0) return outbox.giveBack(leased, waitMs);
    const host = channels.hostOf(address);
    if (!(await taken(places, workspaceId, host))) return outbox.giveBack(leased, AGAIN_MS);
    let sent: Sent | null;
    try {
      const { kind, count } = leased;
      const said = saidOf({ kind, count, event, at: recordedAt }, { ...plan, rule: plan.name });
      sent = await channels.send(address, { said, tag: tagOf(rule, leased) }, signal);
    } finally {
      places.leave(workspaceId, host, 1);
    }
    if (sent === null) return outbox.giveBack(leased, 0);
    onSent(address.kind, sent);
    if (address.kind === 'WEB_PUSH' && isGone(sent)) {
      await forget(leased.subscriptionId);
      return outbox.done(leased);
    }
    const outcome = outcomeOf(sent, attempt, { delaysMs, random: Math.random });
    if (outcome.kind === 'ACKNOWLEDGE') return outbox.done(leased);
    const isLast = outcome.kind === 'PAUSE' || attempt > delaysMs.length;
    if (isLast) return outbox.park(leased, outcome.reason);
    return outbox.retry(leased, outcome.delayMs, outcome.reason);
  };
}

/** The same for each attempt: a browser shows one of them. */
function tagOf({ workspaceId, consumerId }: RuleName, { number }: Leased): string {
  return `${workspaceId}-${consumerId}-${number}`;
}

function addressOf(plan: RulePlan, { channel, sealed }: Leased, box: SecretCipher): Address | null {
  const found = addressesOf(plan.channels).find(each => digestOf(each) === channel);
  if (found === undefined) return null;
  if (found.kind !== 'WEB_PUSH') return found;
  return sealed === null ? null : { kind: 'WEB_PUSH', target: openTarget(box, sealed) };
}

/** Whether there was a place in time. */
async function taken(places: RequestSlots, workspaceId: number, host: string): Promise<boolean> {
  const over = AbortSignal.timeout(PLACE_MS);
  for (;;) {
    if (places.take(workspaceId, host, 1) === 1) return true;
    await places.wait(workspaceId, host, over);
    if (!over.aborted) continue;
    // Whoever was woken and takes no place lets another ask.
    places.pass();
    return false;
  }
}
