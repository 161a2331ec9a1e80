/** Names and values of any input → the fields of an event. */
import type { EventProblem } from '../../client/index.ts';
import { checkedEvent, isEventField, LEFT_OUT, problem } from './event-fields.ts';
import { membersOf, objectText, type JsonValue } from './json-members.ts';
import type { TextRecord } from './lines.ts';
import type { ImportRecord, Mapping } from './record.ts';

const INTO_PAYLOAD = 'payload.';

export function mapped(
  { line, text }: TextRecord,
  given: Iterable<readonly [string, JsonValue]>,
  mapping: Mapping,
): ImportRecord {
  const fields = new Map<string, JsonValue>();
  const intoPayload = new Map<string, JsonValue>();
  const twice: EventProblem[] = [];
  for (const [name, value] of given) {
    const field = fieldOf(name, mapping);
    if (field === null) continue;
    const isInPayload = field.startsWith(INTO_PAYLOAD);
    const target = isInPayload ? intoPayload : fields;
    const key = isInPayload ? field.slice(INTO_PAYLOAD.length) : field;
    const before = target.get(key);
    if (before?.value != null && value.value !== null && before.json !== value.json) {
      twice.push(
        problem('GIVEN_TWICE', key, `${field} is given twice, the second time by ${name}.`),
      );
    }
    if (before?.value == null) target.set(key, value);
  }
  for (const [name, value] of mapping.defaults) {
    if (fields.get(name)?.value == null) fields.set(name, value);
  }
  const { event, problems } = checkedEvent(fields, mapping.timeZone);
  if (event.get('id')?.value == null) event.delete('id');
  if (problems.length === 0) twice.push(...mergeIntoPayload(event, intoPayload));
  if (problems.length + twice.length > 0) return { line, text, problems: [...problems, ...twice] };
  const id = (event.get('id')?.value as string | undefined) ?? null;
  return { line, text, id, json: objectText(event) };
}

function mergeIntoPayload(
  event: Map<string, JsonValue>,
  given: ReadonlyMap<string, JsonValue>,
): EventProblem[] {
  if (given.size === 0) return [];
  const payload = event.get('payload');
  const members = payload?.value == null ? new Map<string, JsonValue>() : membersOf(payload);
  const twice = [...given.keys()].filter(key => members.has(key));
  for (const [key, value] of given) members.set(key, value);
  event.set('payload', { value: Object.fromEntries(members), json: objectText(members) });
  return twice.map(key =>
    problem('GIVEN_TWICE', 'payload', `${key} is in the payload and also outside of it.`, key),
  );
}

/** Null: left out. */
function fieldOf(name: string, { fields, restIntoPayload }: Mapping): string | null {
  const named = fields.get(name);
  if (named !== undefined) return named;
  if (LEFT_OUT.has(name)) return null;
  if (name === 'eventId') return 'id';
  if (isEventField(name) || name.startsWith(INTO_PAYLOAD)) return name;
  return restIntoPayload ? `${INTO_PAYLOAD}${name}` : name;
}
