/** Names and values of any input → the fields of an event. */
import type { EventProblem } from '../../client/index.ts';
import { checkedEvent, isEventField, LEFT_OUT, problem } from './event-fields.ts';
import { objectText, type JsonValue } from './json-members.ts';
import type { TextRecord } from './lines.ts';
import { mergedPayload, type PayloadValue } from './merged-payload.ts';
import type { ImportRecord, Mapping } from './record.ts';

const PAYLOAD = 'payload';

export function mapped(
  { line, text }: TextRecord,
  given: Iterable<readonly [string, JsonValue]>,
  mapping: Mapping,
): ImportRecord {
  const fields = new Map<string, JsonValue>();
  const intoPayload: PayloadValue[] = [];
  const twice: EventProblem[] = [];
  for (const [name, value] of given) {
    const target = targetOf(name, mapping);
    if (target === null) continue;
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
function targetOf(name: string, { fields, restIntoPayload }: Mapping) {
  const named = fields.get(name);
  if (named === undefined && LEFT_OUT.has(name)) return null;
  const field = named ?? (name === 'eventId' ? 'id' : name);
  if (field.startsWith(`${PAYLOAD}.`)) return field.split('.').slice(1);
  const isField = isEventField(field) || field === 'unreadable';
  return isField || !restIntoPayload ? field : [field];
}
