import type { Config } from '../config.ts';
import { Admission } from '../http/admission.ts';
import type { Metrics } from '../observability/metrics.ts';
import { createRateLimits, type RateLimits } from '../security/rate-limits.ts';

export interface Bounds {
  /** How much a caller may ask. */
  readonly rateLimits: RateLimits;
  /** How much all of them may ask at once. */
  readonly admission: Admission;
}

/** What turns requests away before anything is done for them. */
export function createBounds(config: Config, metrics: Pick<Metrics, 'refused'>): Bounds {
  return {
    rateLimits: createRateLimits(config, () => metrics.refused('RATE_LIMITED')),
    admission: new Admission({ ...config, onRefused: () => metrics.refused('OVERLOADED') }),
  };
}
