/**
 * The property maps of an event → typed properties, and notes of how they were written. In nearly
 * all events a name comes once; what is repeated, in a map or in two, takes the longer way.
 */
import type { EventInput, EventProblem, PropertyType } from '../../core/event.ts';
import { pointerStep } from '../../core/isomorphic.ts';
import { hasRepeats } from '../../core/typed-properties.ts';
import { readValue } from './decode-values.ts';
import { END, type JsonReader, type WireJson } from './json-reader.ts';
import {
  problem,
  PROPERTY_MAPS,
  type Parts,
  type PropertyMap,
  type WireNotes,
  type Writable,
} from './wire.ts';

export interface DecodedProperties {
  readonly properties: NonNullable<EventInput['properties']>;
  readonly notes: Writable<WireNotes>;
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

const NONE: string[] = [];
/** Of a map in an event of a batch. */
const DEPTH = 2;

/** The property maps of one event, as they are read. */
export class PropertyMaps {
  readonly problems: EventProblem[] = [];
  readonly #entries: Entry[] = [];
  readonly #empty: PropertyMap[] = [];

  /** Reads a map, which may be the second of its name. @throws JsonFault */
  read(map: PropertyMap, reader: JsonReader): void {
    const before = this.#entries.length;
    reader.open(DEPTH);
    for (let isFirst = true; reader.follows(END.object, isFirst); isFirst = false) {
      this.#entries.push(this.#readEntry(map, reader));
    }
    if (this.#entries.length === before) this.#empty.push(map);
  }

  decoded(): DecodedProperties {
    const sent = this.#entries;
    const { entries, notes }: Merged = hasRepeats(sent)
      ? merge(sent)
      : { entries: sent, notes: {} };
    const dates = writtenDates(entries);
    if (this.#empty.length > 0) notes.empty = this.#empty;
    if (dates !== null) notes.dates = dates;
    const properties = entries.map(({ name, type, values, isList }) => {
      return { name, type, values, isList };
    });
    return { properties, notes };
  }

  #readEntry(map: PropertyMap, reader: JsonReader): Entry {
    const name = reader.name();
    const type = PROPERTY_MAPS[map];
    const value = reader.value(DEPTH + 1);
    const isList = Array.isArray(value);
    const sent = isList ? (value as readonly WireJson[]) : [value];
    // Not pushed to an empty list, which takes room for sixteen more.
    const values = sent.map(each => {
      const { text, expected } = readValue(type, each);
      if (expected !== undefined) {
        const message = `This property expects ${expected}.`;
        this.problems.push(
          problem('PROPERTY_INVALID', message, pointerStep(map) + pointerStep(name)),
        );
      }
      return text;
    });
    const written = type === 'DATE' ? sent.map(asWritten) : NONE;
    return { map, name, type, values, written, isList };
  }
}

function asWritten(value: WireJson): string {
  return typeof value === 'string' ? value : '';
}

interface Merged {
  readonly entries: readonly Entry[];
  readonly notes: Writable<WireNotes>;
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

function writtenDates(entries: readonly Entry[]): WireNotes['dates'] | null {
  let dates: [string, string[]][] | null = null;
  for (const { name, values, written } of entries) {
    if (written.some((text, at) => text !== values[at])) (dates ??= []).push([name, written]);
  }
  return dates && Object.fromEntries(dates);
}
