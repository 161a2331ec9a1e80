/**
 * Typed properties on their way out: the inverse of `typed-properties.ts`. Values are read from
 * the payload's text, not from parsed JSON, so that 64-bit integers and decimals keep every digit.
 * A type that was kept beside the payload wins; without one it is inferred from the JSON.
 */
import type { EventProperty, PropertyType, PropertyTypes, StoredEvent } from './event.ts';
import { numberType } from './typed-properties.ts';

/** The properties of an event in the order of its payload: all of them, or those of these names. */
export function storedProperties(
  { payload, propertyTypes }: Pick<StoredEvent, 'payload' | 'propertyTypes'>,
  names?: readonly string[] | null,
): EventProperty[] {
  const wanted = names == null ? null : new Set(names);
  const properties: EventProperty[] = [];
  for (const [name, literal] of members(payload)) {
    if (wanted?.has(name) === false) continue;
    properties.push(...propertiesOf(name, literal, markOf(propertyTypes, name)));
  }
  return properties;
}

type Mark = PropertyTypes[string];

function markOf(types: PropertyTypes | null, name: string): Mark | null {
  return types !== null && Object.hasOwn(types, name) ? (types[name] ?? null) : null;
}

function propertiesOf(name: string, literal: string, mark: Mark | null): EventProperty[] {
  if (mark !== null && typeof mark !== 'string') {
    return mark.map(({ type, values }) => ({ name, type, values }));
  }
  const isList = literal.startsWith('[');
  const items = isList ? elements(literal) : [literal];
  const type = mark ?? inferred(items);
  if (type !== null) return [{ name, type, values: items.map(item => valueText(type, item)) }];
  return [{ name, type: 'JSON', values: [compact(literal)] }];
}

/** The one type of all values; null for none, several that do not mix, and anything nested. */
function inferred(literals: readonly string[]): PropertyType | null {
  let type: PropertyType | null = null;
  for (const literal of literals) {
    const next = inferredFrom(literal);
    if (next === null) return null;
    type = type === null ? next : widened(type, next);
    if (type === null) return null;
  }
  return type;
}

function inferredFrom(literal: string): PropertyType | null {
  const start = literal.charAt(0);
  if (start === '"') return 'STRING';
  if (literal === 'true' || literal === 'false') return 'BOOLEAN';
  if (start === '{' || start === '[' || literal === 'null') return null;
  return numberType(literal);
}

const WIDTH: Partial<Record<PropertyType, number>> = { INTEGER: 1, LONG: 2, DOUBLE: 3 };

/** Numbers take the wider type of two. */
function widened(a: PropertyType, b: PropertyType): PropertyType | null {
  if (a === b) return a;
  const [widthA, widthB] = [WIDTH[a], WIDTH[b]];
  if (widthA === undefined || widthB === undefined) return null;
  return widthA > widthB ? a : b;
}

function valueText(type: PropertyType, literal: string): string {
  if (type === 'JSON') return compact(literal);
  return literal.startsWith('"') ? (JSON.parse(literal) as string) : literal;
}

/** Without white space between tokens: the same text, whether Postgres or a recorder wrote it. */
function compact(literal: string): string {
  return literal.replace(/"[^"\\]*(?:\\.[^"\\]*)*"|\s+/g, token =>
    token.startsWith('"') ? token : '',
  );
}

/** The top-level members of an object's text: names, and values as they are written. */
function* members(object: string): Generator<[name: string, literal: string]> {
  let at = skipSpace(object, 1);
  while (object[at] === '"') {
    const nameEnd = skipString(object, at);
    const start = skipSpace(object, skipSpace(object, nameEnd) + 1);
    const end = skipValue(object, start);
    yield [JSON.parse(object.slice(at, nameEnd)) as string, object.slice(start, end)];
    at = skipSpace(object, skipSpace(object, end) + 1);
  }
}

function elements(list: string): string[] {
  const literals: string[] = [];
  let at = skipSpace(list, 1);
  while (at < list.length && list[at] !== ']') {
    const end = skipValue(list, at);
    literals.push(list.slice(at, end));
    at = skipSpace(list, end);
    if (list[at] === ',') at = skipSpace(list, at + 1);
  }
  return literals;
}

const SPACE = /\s/;
const SCALAR_END = /[,\]}\s]/;

function skipSpace(text: string, from: number): number {
  let at = from;
  while (at < text.length && SPACE.test(text.charAt(at))) at += 1;
  return at;
}

function skipValue(text: string, from: number): number {
  const start = text.charAt(from);
  if (start === '"') return skipString(text, from);
  if (start === '{' || start === '[') return skipNested(text, from);
  let at = from;
  while (at < text.length && !SCALAR_END.test(text.charAt(at))) at += 1;
  return at;
}

function skipNested(text: string, from: number): number {
  let depth = 0;
  let at = from;
  while (at < text.length) {
    const char = text.charAt(at);
    if (char === '"') {
      at = skipString(text, at);
      continue;
    }
    if (char === '{' || char === '[') depth += 1;
    if (char === '}' || char === ']') depth -= 1;
    at += 1;
    if (depth === 0) return at;
  }
  return at;
}

function skipString(text: string, from: number): number {
  let at = from + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at + 1;
}
