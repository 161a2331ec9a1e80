/** Names and values of any input → the fields of an event. */
import { isEventField, LEFT_OUT, problemsOf } from './event-fields.ts';
import type { TextRecord } from './lines.ts';
import type { ImportRecord, Mapping } from './record.ts';

const INTO_PAYLOAD = 'payload.';

export function mapped(
  { line, text }: TextRecord,
  given: Readonly<Record<string, unknown>>,
  mapping: Mapping,
): ImportRecord {
  const event: Record<string, unknown> = {};
  const intoPayload: [string, unknown][] = [];
  for (const [name, value] of Object.entries(given)) {
    const field = fieldOf(name, mapping);
    if (field === null || value === undefined) continue;
    if (field.startsWith(INTO_PAYLOAD)) intoPayload.push([field.slice(8), value]);
    else if (event[field] == null) event[field] = value;
  }
  for (const [name, value] of Object.entries(mapping.defaults)) event[name] ??= value;
  if (intoPayload.length > 0) {
    const payload = typeof event['payload'] === 'object' ? event['payload'] : {};
    event['payload'] = { ...payload, ...Object.fromEntries(intoPayload) };
  }
  if (event['id'] == null) delete event['id'];
  const problems = problemsOf(event);
  if (problems.length > 0) return { line, text, problems };
  const id = (event['id'] as string | undefined) ?? null;
  return { line, text, id, json: JSON.stringify(event) };
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
