/**
 * Events in JSON, as `recordEvents` takes them. A line that needs no change is passed on as it is
 * written; of any other the values are, so that no number is rounded on the way.
 */
import { checkedEvent, isEventField, LEFT_OUT, problem } from './event-fields.ts';
import { membersOf, parseJson, type JsonValue } from './json-members.ts';
import type { TextRecord } from './lines.ts';
import type { ImportRecord, Mapping } from './mapping.ts';
import { mapped } from './mapping.ts';

export function jsonRecord(record: TextRecord, mapping: Mapping): ImportRecord {
  const { line, text } = record;
  if (record.problem !== undefined) return { line, text, problems: [record.problem] };
  const given = parsed(text);
  if (given === null) {
    const expected = 'Expected a JSON object on each line.';
    return { line, text, problems: [problem('NOT_JSON', '', expected)] };
  }
  if (!isReady(given.value, mapping)) return mapped(record, membersOf(given), mapping);
  const fields = Object.entries(given.value).map(([name, value]) => [name, { value, json: '' }]);
  const event = new Map(fields as [string, JsonValue][]);
  const { problems, isChanged } = checkedEvent(event, mapping.timeZone);
  if (problems.length > 0) return { line, text, problems };
  if (isChanged) return mapped(record, membersOf(given), mapping);
  return { line, text, id: (given.value['id'] as string | undefined) ?? null, json: given.json };
}

type JsonObject = Readonly<Record<string, unknown>>;

/** Whether it needs no change, but perhaps for its instants. */
function isReady(given: JsonObject, mapping: Mapping): boolean {
  const { fields, defaults, restIntoPayload, asText } = mapping;
  const names = Object.keys(given);
  return (
    !asText &&
    names.every(name => !fields.has(name) && !LEFT_OUT.has(name) && name !== 'eventId') &&
    !names.some(name => name.startsWith('payload.')) &&
    [...defaults.keys()].every(name => given[name] != null) &&
    (!restIntoPayload || names.every(isEventField)) &&
    // A null in place of the id would beat the one that is made.
    given['id'] !== null
  );
}

export function parsed(text: string): (JsonValue & { readonly value: JsonObject }) | null {
  try {
    const read = parseJson(text);
    const isObject =
      typeof read.value === 'object' && read.value !== null && !Array.isArray(read.value);
    return isObject ? (read as JsonValue & { value: JsonObject }) : null;
  } catch {
    return null;
  }
}
