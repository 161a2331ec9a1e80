/**
 * Translates an event of any agent version. It never fails: for each element of the array there is
 * an `EventInput` of what was understood, and a list of problems. Members are read directly from the
 * text, because parsing a whole batch into objects would cost more than the translation.
 */
import type { EventInput, EventProblem } from '../../core/event.ts';
import { pointerStep } from '../../core/isomorphic.ts';
import { isStorableText } from '../../core/text.ts';
import { PropertyMaps, type DecodedProperties } from './decode-properties.ts';
import { isPlainInstant, parseInstant } from './instant.ts';
import { END, type JsonReader, type WireJson } from './json-reader.ts';
import { parseJson, writeJson } from './json.ts';
import {
  problem,
  PROPERTY_MAP_NAMES,
  STRING_CHARS_MAX,
  type PropertyMap,
  type WireNotes,
  type Writable,
} from './wire.ts';

export interface DecodedEvent {
  readonly input: EventInput;
  /** Empty: the core decides about the event. */
  readonly problems: readonly EventProblem[];
}

const TEXTS = ['id', 'type', 'system', 'agent-id', 'timestamp', 'pid', 'gid', 'marker'] as const;
type TextField = (typeof TEXTS)[number];
const TEXT_FIELDS: ReadonlySet<string> = new Set(TEXTS);
const MAP_FIELDS: ReadonlySet<string> = new Set(PROPERTY_MAP_NAMES);
const REQUIRED = ['id', 'system', 'agent-id', 'timestamp'] as const;

/** Reads the next element of a batch. @throws JsonFault */
export function decodeEvent(reader: JsonReader): DecodedEvent {
  const { start } = reader;
  if (!reader.is(END.object)) {
    const sent = writeJson(reader.value(DEPTH));
    const problems = [problem('EVENT_INVALID', 'An event is an object.', '')];
    return { input: { type: '', wire: { sent } }, problems };
  }
  const problems: EventProblem[] = [];
  const maps = new PropertyMaps();
  const texts = readMembers(reader, maps, problems);
  problems.push(...maps.problems);
  const input = toInput(texts, maps.decoded(), problems);
  if (problems.length === 0) return { input, problems };
  const sent = writeJson(parseJson(reader.textFrom(start)));
  return { input: { ...input, wire: { ...(input.wire as object), sent } }, problems };
}

/** Of an event: that of a batch is 0. */
const DEPTH = 1;

type Texts = Partial<Record<TextField, string>>;

function readMembers(reader: JsonReader, maps: PropertyMaps, problems: EventProblem[]): Texts {
  const texts: Texts = {};
  reader.open(DEPTH);
  for (let isFirst = true; reader.follows(END.object, isFirst); isFirst = false) {
    const name = reader.name();
    if (MAP_FIELDS.has(name) && reader.is(END.object)) {
      maps.read(name as PropertyMap, reader);
      continue;
    }
    const fault = takeText(name, reader.value(DEPTH + 1), texts);
    if (fault !== null) problems.push(fault);
  }
  for (const name of REQUIRED) {
    if (texts[name] !== undefined) continue;
    problems.push(problem('FIELD_REQUIRED', `An event needs the text ${name}.`, `/${name}`));
  }
  return texts;
}

/** The problem of a member that is not a map, or null. */
function takeText(name: string, value: WireJson, texts: Texts): EventProblem | null {
  if (value === null) return null;
  if (MAP_FIELDS.has(name)) return problem('FIELD_INVALID', 'This field is an object.', `/${name}`);
  if (!TEXT_FIELDS.has(name)) {
    return problem('FIELD_UNKNOWN', 'An event has no such field.', pointerStep(name));
  }
  if (typeof value !== 'string') {
    return problem('FIELD_INVALID', 'This field is a text.', `/${name}`);
  }
  if (texts[name as TextField] !== undefined) {
    return problem('FIELD_REPEATED', 'This field came several times.', `/${name}`);
  }
  texts[name as TextField] = value;
  return null;
}

function toInput(
  texts: Texts,
  { properties, notes }: DecodedProperties,
  problems: EventProblem[],
): EventInput {
  const { id, type, system, 'agent-id': agentId, timestamp, pid, gid, marker } = texts;
  const occurredAt = timestamp === undefined ? null : parseInstant(timestamp);
  if (timestamp !== undefined && occurredAt === null) {
    const message = 'The timestamp must be an instant such as 2015-05-18T14:07:00.123Z.';
    problems.push(problem('TIME_INVALID', message, '/timestamp'));
  }
  if (marker !== undefined && !(marker.length <= STRING_CHARS_MAX && isStorableText(marker))) {
    const message = `The marker must be valid Unicode without U+0000, of at most ${STRING_CHARS_MAX} characters.`;
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

function hasNotes(notes: object): boolean {
  for (const _ in notes) return true;
  return false;
}
