import type { Json, JsonObject } from '../core/json.ts';
import type { Document, Place } from './document.ts';
import type { Check } from './run.ts';
import type { WorkBudget } from './work-budget.ts';

/** What keywords are made with: the place that they stand in, and how to compile what they hold. */
export interface Keywords {
  readonly place: Place;
  readonly schema: JsonObject;
  readonly document: Document;
  readonly budget: WorkBudget;
  /** A schema that a keyword holds. */
  held(schema: Json): Check;
  at(place: Place): Check;
}
