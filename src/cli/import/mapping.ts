/** Names and values of any input → the fields of an event. */
import type { EventProblem } from '../../client/index.ts';
import { checkedEvent, EVENT_FIELDS, isEventField, LEFT_OUT, problem } from './event-fields.ts';
import { jsonValue, objectText, type JsonValue } from './json-members.ts';
import type { TextRecord } from './lines.ts';
import { mergedPayload, type PayloadValue } from './merged-payload.ts';

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
  /** Whether a number or a boolean that is meant for a field of text is written as one. */
  readonly asText: boolean;
  /** CSV: whether every cell stays text. */
  readonly textOnly: boolean;
  /** Of instants that have no offset; null: they are refused. */
  readonly timeZone: string | null;
}

const PAYLOAD = 'payload';

export function mapped(
  { line, text }: TextRecord,
  given: Iterable<readonly [string, JsonValue]>,
  mapping: Mapping,
): ImportRecord {
  const fields = new Map<string, JsonValue>();
  const intoPayload: PayloadValue[] = [];
  const twice: EventProblem[] = [];
  for (const [name, read] of given) {
    const target = targetOf(name, mapping);
    if (target === null) continue;
    const value = mapping.asText && typeof target === 'string' ? textFor(target, read) : read;
    if (typeof target !== 'string') {
      intoPayload.push({ name, path: target, value });
      continue;
    }
    const before = fields.get(target);
    if (before?.value != null && value.value !== null && before.json !== value.json) {
      const message = `${target} is given twice, the second time by ${name}.`;
      twice.push(problem('GIVEN_TWICE', target, message));
    }
    if (before?.value == null) fields.set(target, value);
  }
  for (const [name, value] of mapping.defaults) {
    if (fields.get(name)?.value == null) fields.set(name, value);
  }
  const { event, problems } = checkedEvent(fields, mapping.timeZone);
  if (event.get('id')?.value == null) event.delete('id');
  if (problems.length === 0 && intoPayload.length > 0) {
    const merged = mergedPayload(event.get(PAYLOAD), intoPayload);
    event.set(PAYLOAD, merged.payload);
    twice.push(...merged.problems);
  }
  if (problems.length + twice.length > 0) return { line, text, problems: [...problems, ...twice] };
  const id = (event.get('id')?.value as string | undefined) ?? null;
  return { line, text, id, json: objectText(event) };
}

/**
 * A field, or the keys to a value within the payload; null: left out. `payload.order.total` is
 * `total` within `order`, as `export` has it; a name that goes into the payload as a whole is one
 * key, whatever dots are in it.
 */
export function targetOf(name: string, { fields, restIntoPayload }: Mapping) {
  const named = fields.get(name);
  if (named === undefined && LEFT_OUT.has(name)) return null;
  const field = named ?? (name === 'eventId' ? 'id' : name);
  if (field.startsWith(`${PAYLOAD}.`)) return field.split('.').slice(1);
  const isField = isEventField(field) || field === 'unreadable';
  return isField || !restIntoPayload ? field : [field];
}

/** With every digit of a number. */
function textFor(field: string, given: JsonValue): JsonValue {
  const isText = isEventField(field) && EVENT_FIELDS[field] === 'text';
  const isScalar = typeof given.value === 'number' || typeof given.value === 'boolean';
  return isText && isScalar ? jsonValue(given.json) : given;
}
