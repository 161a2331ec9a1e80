/** An event as it was recorded, in the form in which `import` and `recordEvents` take it. */
import type { PropertyInput, RecordedEvent } from '../../client/index.ts';
import { parseExact, type ExactJson, type ExactObject } from '../../core/exact-json.ts';
import { exactNumber, isNumber, plainLiteral } from '../../core/exact-number.ts';
import { numberType } from '../../core/typed-properties.ts';

type Exact = Extract<PropertyInput, { exact: unknown }>['exact'];

export interface ReadEvent extends RecordedEvent {
  /** All that the payload holds, with every digit. */
  readonly properties: readonly Omit<Exact, 'list'>[];
}

export type ExportedEvent = Readonly<Record<string, unknown>>;

/**
 * What is null is left out. A payload value whose type its JSON does not tell, such as a 64-bit
 * integer or an instant, stands in `properties`: nothing is lost on the way back. An event that
 * can't be read stands there with its place and its problems, and without a payload.
 */
export function exported({ unreadable, ...event }: ReadEvent): ExportedEvent {
  if (unreadable.length === 0) return whole(event);
  const { payload, properties, ...rest } = whole(event);
  const isShown = unreadable.every(({ pointer }) => pointer !== '/payload');
  return { ...rest, ...(isShown && { payload, properties }), unreadable };
}

function whole({
  eventId,
  payload: shown,
  properties: read,
  notify,
  ...event
}: Omit<ReadEvent, 'unreadable'>): ExportedEvent {
  const { payload, properties } = exactOf(shown, read);
  const fields: ExportedEvent = {
    id: eventId,
    ...event,
    ...(notify && { notify }),
    payload,
    ...(properties.length > 0 && { properties }),
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));
}

/** @param shown tells which values are lists */
function exactOf(shown: RecordedEvent['payload'], read: ReadEvent['properties']) {
  const byName = new Map<string, Omit<Exact, 'list'>[]>();
  for (const entry of read) {
    const same = byName.get(entry.name);
    if (same === undefined) byName.set(entry.name, [entry]);
    else same.push(entry);
  }
  const payload: [string, ExactJson][] = [];
  const properties: PropertyInput[] = [];
  for (const [name, entries] of byName) {
    const [first, ...others] = entries as [Omit<Exact, 'list'>];
    const isList = Array.isArray(shown[name]);
    const value = valueOf(first, isList);
    const isTold =
      typeOf(value) === first.type && (first.type !== 'JSON' || first.values.length === 1);
    if (others.length === 0 && isTold) payload.push([name, value]);
    else {
      const isShownList = first.type === 'JSON' ? levels(shown[name]) > levels(value) : isList;
      const list = isShownList && first.values.length === 1 ? { list: true } : {};
      properties.push({ exact: { ...first, ...list } }, ...others.map(exact => ({ exact })));
    }
  }
  // fromEntries defines own properties, also one that is called __proto__.
  return { payload: Object.fromEntries(payload), properties };
}

/** The payload of an exported event as it was recorded: with what stands in its properties. */
export function payloadOf(event: ExactObject): ExactObject {
  const payload = new Map(Object.entries((event['payload'] ?? {}) as ExactObject));
  const exact = ((event['properties'] ?? []) as unknown as readonly { exact: Exact }[]).map(
    property => property.exact,
  );
  for (const name of new Set(exact.map(each => each.name))) {
    const same = exact.filter(each => each.name === name);
    const [{ list = false, ...first }] = same as [Exact];
    const isList = list || same.length > 1;
    const values = same.map(each => valueOf(each, same.length > 1));
    payload.set(name, same.length > 1 ? values.flat() : valueOf(first, isList));
  }
  return Object.fromEntries(payload);
}

/** Of lists in lists. JSON that is a list itself, and one that stands in a list, differ in them. */
function levels(value: unknown): number {
  return Array.isArray(value) ? 1 + Math.max(0, ...value.map(levels)) : 0;
}

/** What stands in the payload. */
function valueOf({ type, values }: Omit<Exact, 'list'>, isList: boolean): ExactJson {
  const [first] = values;
  if (type === 'JSON' && first !== undefined) return parseExact(first);
  const all = values.map(text => scalarOf(type, text));
  return isList || all.length !== 1 ? all : (all[0] as ExactJson);
}

function scalarOf(type: Exact['type'], text: string): ExactJson {
  if (type === 'BOOLEAN') return text === 'true';
  // NaN and the infinities are texts in JSON.
  return type === 'STRING' || type === 'DATE' || !/\d$/.test(text) ? text : exactNumber(text);
}

const WIDTH = ['INTEGER', 'LONG', 'DOUBLE'];

/** The type that the gateway will read from the JSON. */
function typeOf(value: ExactJson): Exact['type'] {
  if (!Array.isArray(value)) return scalarType(value);
  const types = [...new Set((value as readonly ExactJson[]).map(scalarType))];
  const [only = 'JSON'] = types;
  if (types.length <= 1) return only;
  const widths = types.map(type => WIDTH.indexOf(type));
  return widths.includes(-1) ? 'JSON' : (WIDTH[Math.max(...widths)] as Exact['type']);
}

function scalarType(value: ExactJson): Exact['type'] {
  if (typeof value === 'string') return 'STRING';
  if (typeof value === 'boolean') return 'BOOLEAN';
  return isNumber(value) ? numberType(plainLiteral(value)) : 'JSON';
}

/** A value within the payload; undefined where there is none. */
export function valueAt(payload: unknown, path: readonly string[]): ExactJson | undefined {
  let value = payload as ExactJson | undefined;
  for (const key of path) {
    const isObject = typeof value === 'object' && value !== null && !isNumber(value);
    if (!isObject || Array.isArray(value) || !Object.hasOwn(value as object, key)) return undefined;
    value = (value as ExactObject)[key];
  }
  return value;
}
