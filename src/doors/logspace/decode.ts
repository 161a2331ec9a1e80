/**
 * An event on the wire, of any agent version → the envelope. Pure, and total: whatever an element
 * of the array is, there is an `EventInput` of what was understood and the list of what was not.
 */
import type { EventInput, EventProblem } from '../../core/event.ts';
import { isStorableText } from '../../core/text.ts';
import { decodeProperties, type DecodedProperties } from './decode-properties.ts';
import { isPlainInstant, parseInstant } from './instant.ts';
import { WireObject, writeJson, type WireJson } from './json.ts';
import { pointer, problem } from './problems.ts';
import { PROPERTY_MAP_NAMES, STRING_CHARS_MAX, type PropertyMap, type WireNotes } from './wire.ts';

export interface DecodedEvent {
  readonly input: EventInput;
  /** Empty: the event is the core's to judge. */
  readonly problems: readonly EventProblem[];
}

const TEXTS = ['id', 'type', 'system', 'agent-id', 'timestamp', 'pid', 'gid', 'marker'] as const;
type TextField = (typeof TEXTS)[number];
const TEXT_FIELDS: ReadonlySet<string> = new Set(TEXTS);
const MAP_FIELDS: ReadonlySet<string> = new Set(PROPERTY_MAP_NAMES);
const REQUIRED = ['id', 'system', 'agent-id', 'timestamp'] as const;

export function decodeEvent(value: WireJson): DecodedEvent {
  const problems: EventProblem[] = [];
  if (!(value instanceof WireObject)) {
    problems.push(problem('EVENT_INVALID', 'An event is an object.', ''));
    return { input: { type: '', wire: { sent: writeJson(value) } }, problems };
  }
  const { texts, maps } = readMembers(value, problems);
  const properties = decodeProperties(maps, problems);
  const input = toInput(texts, properties, problems);
  if (problems.length === 0) return { input, problems };
  const wire = { ...(input.wire as object), sent: writeJson(value) };
  return { input: { ...input, wire }, problems };
}

type Texts = Partial<Record<TextField, string>>;

interface Members {
  readonly texts: Texts;
  /** Every map that came, several of one name where the name was repeated. */
  readonly maps: readonly (readonly [PropertyMap, WireObject])[];
}

function readMembers({ names, values }: WireObject, problems: EventProblem[]): Members {
  const texts: Texts = {};
  const maps: [PropertyMap, WireObject][] = [];
  for (let at = 0; at < names.length; at++) {
    const name = names[at] as string;
    const value = values[at] as WireJson;
    if (value === null) continue;
    if (TEXT_FIELDS.has(name)) {
      if (typeof value !== 'string') {
        problems.push(problem('FIELD_INVALID', 'This field is a text.', `/${name}`));
      } else if (texts[name as TextField] !== undefined) {
        problems.push(problem('FIELD_REPEATED', 'This field came several times.', `/${name}`));
      } else texts[name as TextField] = value;
    } else if (!MAP_FIELDS.has(name)) {
      problems.push(problem('FIELD_UNKNOWN', 'An event has no such field.', pointer(name)));
    } else if (value instanceof WireObject) maps.push([name as PropertyMap, value]);
    else problems.push(problem('FIELD_INVALID', 'This field is an object.', `/${name}`));
  }
  for (const name of REQUIRED) {
    if (texts[name] !== undefined) continue;
    problems.push(problem('FIELD_REQUIRED', `An event needs the text ${name}.`, `/${name}`));
  }
  return { texts, maps };
}

function toInput(
  texts: Texts,
  { properties, notes }: DecodedProperties,
  problems: EventProblem[],
): EventInput {
  const { id, type, system, 'agent-id': agentId, timestamp, pid, gid, marker } = texts;
  const occurredAt = timestamp === undefined ? null : parseInstant(timestamp);
  if (timestamp !== undefined && occurredAt === null) {
    const message = 'The timestamp is an instant such as 2015-05-18T14:07:00.123Z.';
    problems.push(problem('TIME_INVALID', message, '/timestamp'));
  }
  if (marker !== undefined && !(marker.length <= STRING_CHARS_MAX && isStorableText(marker))) {
    const message = `The marker is valid Unicode without U+0000, of at most ${STRING_CHARS_MAX} characters.`;
    problems.push(problem('TEXT_INVALID', message, '/marker'));
  }
  const wire: Writable<WireNotes> = notes;
  if (marker !== undefined) wire.marker = marker;
  if (type === undefined) wire.typeless = true;
  if (occurredAt !== null && !isPlainInstant(timestamp as string)) wire.timestamp = timestamp;
  return {
    id,
    type: type ?? agentId ?? '',
    occurredAt,
    source: system,
    subject: agentId,
    parentId: pid,
    groupId: gid,
    properties,
    wire: hasNotes(wire) ? (wire as Record<string, never>) : undefined,
  };
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] | undefined };

function hasNotes(notes: object): boolean {
  for (const _ in notes) return true;
  return false;
}
