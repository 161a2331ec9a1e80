import type { Door } from './event.ts';
import type { ExactJson } from './exact-json.ts';

/** Half open: from <= t < to. */
export interface DateTimeRange {
  readonly from?: Date | null | undefined;
  readonly to?: Date | null | undefined;
}

/** One condition on a payload value. All that are given must hold. */
export interface PropertyFilter {
  readonly path: readonly string[];
  readonly equals?: ExactJson | undefined;
  readonly notEquals?: ExactJson | undefined;
  readonly in?: readonly ExactJson[] | null | undefined;
  readonly greaterThan?: ExactJson | undefined;
  readonly greaterThanOrEqual?: ExactJson | undefined;
  readonly lessThan?: ExactJson | undefined;
  readonly lessThanOrEqual?: ExactJson | undefined;
  readonly contains?: string | null | undefined;
  readonly startsWith?: string | null | undefined;
  readonly exists?: boolean | null | undefined;
}

/** Which events: all that is given must hold. The shape of `EventFilter` in the contract. */
export interface EventFilter {
  readonly eventIds?: readonly string[] | null | undefined;
  readonly types?: readonly string[] | null | undefined;
  readonly typePrefix?: string | null | undefined;
  /** That the definition has by the time of reading. */
  readonly categories?: readonly string[] | null | undefined;
  readonly sources?: readonly string[] | null | undefined;
  readonly sourcePrefix?: string | null | undefined;
  readonly subjects?: readonly string[] | null | undefined;
  readonly subjectPrefix?: string | null | undefined;
  readonly actors?: readonly string[] | null | undefined;
  readonly groupIds?: readonly string[] | null | undefined;
  readonly parentIds?: readonly string[] | null | undefined;
  readonly doors?: readonly Door[] | null | undefined;
  readonly notify?: boolean | null | undefined;
  readonly success?: boolean | null | undefined;
  /** Whether the event does not say if it succeeded. */
  readonly successUnknown?: boolean | null | undefined;
  readonly clientIps?: readonly string[] | null | undefined;
  readonly occurredAt?: DateTimeRange | null | undefined;
  readonly recordedAt?: DateTimeRange | null | undefined;
  readonly payload?: readonly PropertyFilter[] | null | undefined;
  readonly search?: string | null | undefined;
  readonly and?: readonly EventFilter[] | null | undefined;
  readonly or?: readonly EventFilter[] | null | undefined;
  readonly not?: EventFilter | null | undefined;
}
