/**
 * A stored event, of whatever door, → the HQ event. As 0.3 agents write it: values in arrays,
 * dates in UTC with milliseconds, nothing for what is absent. Or as it was sent, where this door
 * recorded it: scalars, repeated keys and dates as they came.
 */
import type { EventProperty, StoredEvent } from '../../core/event.ts';
import { exactNumber } from '../../core/exact-number.ts';
import { storedProperties } from '../../core/stored-properties.ts';
import { instantText } from '../../core/unreadable.ts';
import { unreadableText } from '../answer.ts';
import {
  PROPERTY_MAPS,
  PROPERTY_MAP_NAMES,
  type Parts,
  type PropertyMap,
  type WireNotes,
} from './wire.ts';

export const FORMS = ['0.3', 'sent'] as const;
export type Form = (typeof FORMS)[number];

/** The JSON text, since JavaScript's numbers would lose digits of longs. */
export function encodeEvent(event: StoredEvent, form: Form = '0.3'): string {
  const notes = notesOf(event);
  const timestamp = instantText(event.occurredAt);
  const texts: [string, string | null | undefined][] = [
    ['id', event.eventId],
    ['type', notes.typeless === true ? null : event.type],
    ['system', event.source ?? ''],
    ['agent-id', event.subject ?? ''],
    ['timestamp', form === 'sent' ? (notes.timestamp ?? timestamp) : timestamp],
    ['pid', event.parentId],
    ['gid', event.groupId],
    ['marker', notes.marker],
  ];
  const members = texts
    .filter(([, text]) => text != null)
    .map(([name, text]) => `"${name}":${JSON.stringify(text)}`);
  return `{${[...members, ...encodeMaps(event, notes, form)].join(',')}}`;
}

/** Notes are this door's own: another's `wire` says other things. */
export function notesOf({ door, wire }: Pick<StoredEvent, 'door' | 'wire'>): WireNotes {
  return door === 'LOGSPACE' && wire !== null ? (wire as WireNotes) : {};
}

function encodeMaps(event: StoredEvent, notes: WireNotes, form: Form): string[] {
  const properties = [...storedProperties(event), ...unreadableIn(event)];
  const payload = form === 'sent' ? (JSON.parse(event.payload) as Record<string, unknown>) : {};
  return PROPERTY_MAP_NAMES.flatMap(map => {
    const members = properties
      .filter(({ type }) => mapOf(type) === map)
      .flatMap(property => {
        const name = JSON.stringify(property.name);
        const literals = property.values.map(value => valueLiteral(property.type, value, form));
        if (form === '0.3') return [`${name}:[${literals.join(',')}]`];
        const sent = datesOf(notes, property.name);
        const written = property.type === 'DATE' && sent !== null ? sent.map(quoted) : literals;
        const parts = partsOf(map, property, { event, notes, payload });
        return split(written, parts).map(part => `${name}:${part}`);
      });
    const isShown = members.length > 0 || (form === 'sent' && notes.empty?.includes(map));
    return isShown ? [`"${map}":{${members.join(',')}}`] : [];
  });
}

/** The vendor's event has no other place for it. */
function unreadableIn(event: StoredEvent): EventProperty[] {
  const text = unreadableText(event);
  if (text === null) return [];
  return [
    { name: 'sluice_unreadable', type: 'STRING', values: [text] },
    { name: 'sluice_position', type: 'LONG', values: [String(event.position)] },
  ];
}

/** Only its own: a property may be called __proto__. */
function datesOf({ dates = {} }: WireNotes, name: string): readonly string[] | null {
  return Object.hasOwn(dates, name) ? (dates[name] ?? null) : null;
}

/** Nested JSON of other doors has no map here: it is shown as its text. */
function mapOf(type: EventProperty['type']): PropertyMap {
  return PROPERTY_MAP_NAMES.find(map => PROPERTY_MAPS[map] === type) ?? 'string-properties';
}

/** NaN and the infinities are texts, since JSON has no such numbers; sent, they were bare. */
function valueLiteral(type: EventProperty['type'], value: string, form: Form): string {
  switch (type) {
    case 'BOOLEAN':
    case 'INTEGER':
    case 'LONG':
      return value;
    case 'DOUBLE':
    case 'FLOAT':
      if (Number.isFinite(Number(value))) return String(exactNumber(value));
      return form === 'sent' ? String(Number(value)) : quoted(String(Number(value)));
    case 'DATE':
    case 'STRING':
    case 'JSON':
      return quoted(value);
  }
}

function quoted(text: string): string {
  return JSON.stringify(text);
}

interface Sent {
  readonly event: StoredEvent;
  readonly notes: WireNotes;
  readonly payload: Readonly<Record<string, unknown>>;
}

/** Of a name with several types the payload shows only the first. */
function partsOf(map: PropertyMap, { name, values }: EventProperty, sent: Sent): Parts {
  const noted = sent.notes.parts?.[map];
  if (noted !== undefined && Object.hasOwn(noted, name)) return noted[name] as Parts;
  const types = sent.event.propertyTypes;
  const isShown = types === null || !Object.hasOwn(types, name) || typeof types[name] === 'string';
  const isList = isShown && Array.isArray(sent.payload[name]);
  return values.length === 1 && !isList ? [null] : [values.length];
}

function split(literals: readonly string[], parts: Parts): string[] {
  let at = 0;
  return parts.map(size => {
    const part = literals.slice(at, (at += size ?? 1));
    return size === null ? (part[0] as string) : `[${part.join(',')}]`;
  });
}
