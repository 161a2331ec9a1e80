/**
 * Results that are made once for all who ask the same of the same event, as long as somebody else
 * may want them: the newest, within bounds for the whole process. They are found by the object of
 * the event, so that one that was redacted meanwhile, which is another, is made anew.
 */
import type { StoredEvent } from '../core/event.ts';
import { WrittenResult } from './written-result.ts';

export interface SharedResultsLimits {
  /** Characters of all results that are kept. */
  readonly charsMax: number;
  readonly resultsMax: number;
}

const LIMITS: SharedResultsLimits = { charsMax: 16_777_216, resultsMax: 8_192 };

/** What readers with one question share. */
export interface Plan {
  readonly key: string;
  readonly made: Map<StoredEvent, WrittenResult | Promise<WrittenResult>>;
  readers: number;
}

export interface SharedResults {
  join(key: string): Plan;
  leave(plan: Plan): void;
  /** The result of an event: the one that is kept, else made now. */
  of(
    plan: Plan,
    event: StoredEvent,
    make: () => WrittenResult | Promise<WrittenResult>,
  ): WrittenResult | Promise<WrittenResult>;
  /** How many results were made, and how many were handed out. */
  stats(): { readonly executions: number; readonly deliveries: number };
}

export function createSharedResults(limits: SharedResultsLimits = LIMITS): SharedResults {
  const plans = new Map<string, Plan>();
  const { keep, drop } = createKeeper(limits);
  const counts = { executions: 0, deliveries: 0 };

  async function settle(
    pending: Promise<WrittenResult>,
    plan: Plan,
    event: StoredEvent,
  ): Promise<WrittenResult> {
    try {
      const result = await pending;
      plan.made.delete(event);
      if (plan.readers > 1) keep(result, plan, event);
      return result;
    } catch (error) {
      plan.made.delete(event);
      throw error;
    }
  }

  return {
    join(key) {
      const plan = plans.get(key) ?? { key, made: new Map(), readers: 0 };
      plans.set(key, plan);
      plan.readers++;
      return plan;
    },
    leave(plan) {
      plan.readers--;
      if (plan.readers > 0) return;
      plans.delete(plan.key);
      for (const result of plan.made.values()) if (result instanceof WrittenResult) drop(result);
    },
    of(plan, event, make) {
      counts.deliveries++;
      const known = plan.made.get(event);
      if (known !== undefined) return known;
      counts.executions++;
      const made = make();
      if (made instanceof WrittenResult) {
        if (plan.readers > 1) keep(made, plan, event);
        return made;
      }
      const shared = settle(made, plan, event);
      plan.made.set(event, shared);
      return shared;
    },
    stats: () => ({ ...counts }),
  };
}

/** Keeps results within the limits: the oldest leave first. */
function createKeeper(limits: SharedResultsLimits) {
  const kept = new Map<WrittenResult, { readonly plan: Plan; readonly event: StoredEvent }>();
  let chars = 0;

  function drop(result: WrittenResult): void {
    const at = kept.get(result);
    if (at === undefined) return;
    kept.delete(result);
    at.plan.made.delete(at.event);
    chars -= result.json.length;
  }

  function keep(result: WrittenResult, plan: Plan, event: StoredEvent): void {
    plan.made.set(event, result);
    kept.set(result, { plan, event });
    chars += result.json.length;
    for (const oldest of kept.keys()) {
      if (chars <= limits.charsMax && kept.size <= limits.resultsMax) return;
      drop(oldest);
    }
  }

  return { keep, drop };
}
