import type { EventProblem } from '../../client/index.ts';
import type { JsonValue } from './json-members.ts';

/** One event of an input, or why it is none. */
export type ImportRecord =
  | {
      /** Where it begins, from 1. */
      readonly line: number;
      /** As it stands in the input. */
      readonly text: string;
      /** Null: made from the line. */
      readonly id: string | null;
      /** JSON of the event, with a field `id` only where `id` is not null. */
      readonly json: string;
    }
  | {
      readonly line: number;
      readonly text: string;
      readonly problems: readonly EventProblem[];
    };

/** How records become events. */
export interface Mapping {
  /** By the name in the input: the field of the event, or `payload.` and a key. */
  readonly fields: ReadonlyMap<string, string>;
  /** What every event gets unless it says otherwise. */
  readonly defaults: ReadonlyMap<string, JsonValue>;
  /** Whether names that are no field go into the payload. */
  readonly restIntoPayload: boolean;
  /** CSV: whether every cell stays text. */
  readonly textOnly: boolean;
  /** Of instants that have no offset; null: they are refused. */
  readonly timeZone: string | null;
}
