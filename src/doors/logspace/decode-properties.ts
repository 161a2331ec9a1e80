/**
 * The property maps of an event → typed properties, and notes of how they were written. In nearly
 * all events a name comes once; what is repeated, in a map or in two, takes the longer way.
 */
import type { EventInput, EventProblem, PropertyType } from '../../core/event.ts';
import { readValue } from './decode-values.ts';
import type { WireJson, WireObject } from './json.ts';
import { pointer, problem } from './problems.ts';
import { PROPERTY_MAPS, type Parts, type PropertyMap, type WireNotes } from './wire.ts';

export type Maps = readonly (readonly [PropertyMap, WireObject])[];

export interface DecodedProperties {
  readonly properties: NonNullable<EventInput['properties']>;
  readonly notes: WireNotes;
}

interface Entry {
  readonly map: PropertyMap;
  readonly name: string;
  readonly type: PropertyType;
  readonly values: string[];
  /** Of dates: as they were written. */
  readonly written: string[];
  isList: boolean;
}

export function decodeProperties(maps: Maps, problems: EventProblem[]): DecodedProperties {
  const entries: Entry[] = [];
  const names = new Set<string>();
  let sent = 0;
  for (const [map, { names: own, values }] of maps) {
    for (let at = 0; at < own.length; at++) {
      const name = own[at] as string;
      names.add(name);
      sent += 1;
      entries.push(readEntry(map, name, values[at] as WireJson, problems));
    }
  }
  const merged = names.size === sent ? null : merge(entries);
  const properties = merged?.entries ?? entries;
  return {
    properties: properties.map(({ name, type, values, isList }) => ({
      name,
      type,
      values,
      isList,
    })),
    notes: { ...merged?.notes, ...emptyMaps(maps), ...writtenDates(properties) },
  };
}

const NONE: string[] = [];

function readEntry(
  map: PropertyMap,
  name: string,
  value: WireJson,
  problems: EventProblem[],
): Entry {
  const type = PROPERTY_MAPS[map];
  const isList = Array.isArray(value);
  const items = isList ? (value as readonly WireJson[]) : [value];
  const values: string[] = [];
  for (const item of items) {
    const { text, expected } = readValue(type, item);
    values.push(text);
    if (expected === undefined) continue;
    const message = `This property expects ${expected}.`;
    problems.push(problem('PROPERTY_INVALID', message, pointer(map, name)));
  }
  const written =
    type === 'DATE' ? items.map(item => (typeof item === 'string' ? item : '')) : NONE;
  return { map, name, type, values, written, isList };
}

interface Merged {
  readonly entries: readonly Entry[];
  readonly notes: Pick<WireNotes, 'parts'>;
}

/** Entries of one map and name become one, with a note of its parts where nothing else tells. */
function merge(sent: readonly Entry[]): Merged {
  const byKey = new Map<string, { readonly entry: Entry; readonly parts: (number | null)[] }>();
  const typesOf = new Map<string, number>();
  for (const entry of sent) {
    const key = `${entry.map}\n${entry.name}`;
    const part = entry.isList ? entry.values.length : null;
    const same = byKey.get(key);
    if (same === undefined) {
      byKey.set(key, { entry, parts: [part] });
      typesOf.set(entry.name, (typesOf.get(entry.name) ?? 0) + 1);
    } else {
      same.entry.values.push(...entry.values);
      if (entry.type === 'DATE') same.entry.written.push(...entry.written);
      same.entry.isList = true;
      same.parts.push(part);
    }
  }
  const all = [...byKey.values()];
  const untold = all.filter(({ entry, parts }) => {
    if (parts.length !== 1) return true;
    // Of a name with several types the event tells the number of values alone.
    return (typesOf.get(entry.name) ?? 0) > 1 && entry.isList === (entry.values.length === 1);
  });
  return { entries: all.map(({ entry }) => entry), notes: notedParts(untold) };
}

function notedParts(
  untold: readonly { readonly entry: Entry; readonly parts: Parts }[],
): Pick<WireNotes, 'parts'> {
  const byMap = new Map<PropertyMap, [string, Parts][]>();
  for (const { entry, parts } of untold) {
    const names = byMap.get(entry.map) ?? [];
    byMap.set(entry.map, names);
    names.push([entry.name, parts]);
  }
  if (byMap.size === 0) return {};
  // fromEntries defines own properties, also one that is called __proto__.
  return {
    parts: Object.fromEntries([...byMap].map(([map, names]) => [map, Object.fromEntries(names)])),
  };
}

function emptyMaps(maps: Maps): Pick<WireNotes, 'empty'> {
  if (maps.every(([, { names }]) => names.length > 0)) return {};
  return { empty: maps.filter(([, { names }]) => names.length === 0).map(([map]) => map) };
}

function writtenDates(entries: readonly Entry[]): Pick<WireNotes, 'dates'> {
  const dates = entries
    .filter(({ written, values }) => written.some((text, at) => text !== values[at]))
    .map(({ name, written }): [string, string[]] => [name, written]);
  return dates.length === 0 ? {} : { dates: Object.fromEntries(dates) };
}
