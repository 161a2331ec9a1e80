/** A JSON Schema that recorded payloads fit: a proposal for people to look through. */

export type JsonSchema = Readonly<Record<string, unknown>>;

/** So few different texts, each seen several times, are a list of what is allowed. */
const LISTED_MAX = 8;
const SEEN_MIN = 5;
/** Beyond these an object is a map from any name. */
const PROPERTIES_MAX = 60;

/** Of at least one value. */
export function inferSchema(values: readonly unknown[]): JsonSchema {
  const types = [...new Set(values.map(typeOf))].sort();
  // Every integer is a number.
  const named = types.includes('number') ? types.filter(type => type !== 'integer') : types;
  return {
    type: named.length === 1 ? named[0] : named,
    ...(named.includes('object') ? objectKeywords(values.filter(isObject)) : {}),
    ...(named.includes('array') ? arrayKeywords(values.filter(each => Array.isArray(each))) : {}),
    ...(named.length === 1 && named[0] === 'string' ? textKeywords(values as string[]) : {}),
    ...(named.length === 1 && isNumeric(named[0]) && (values as number[]).every(n => n >= 0)
      ? { minimum: 0 }
      : {}),
  };
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

function isNumeric(type: string | undefined): boolean {
  return type === 'number' || type === 'integer';
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeOf(value) === 'object';
}

function objectKeywords(objects: readonly Readonly<Record<string, unknown>>[]): JsonSchema {
  const names = [...new Set(objects.flatMap(Object.keys))];
  if (names.length > PROPERTIES_MAX) return {};
  const required = names.filter(name => objects.every(each => Object.hasOwn(each, name)));
  const properties = names.map(name => {
    const given = objects.filter(each => Object.hasOwn(each, name)).map(each => each[name]);
    return [name, inferSchema(given)] as const;
  });
  return {
    ...(required.length > 0 ? { required } : {}),
    ...(names.length > 0 ? { properties: Object.fromEntries(properties) } : {}),
  };
}

function arrayKeywords(lists: readonly (readonly unknown[])[]): JsonSchema {
  const items = lists.flat();
  return items.length > 0 ? { items: inferSchema(items) } : {};
}

const FORMATS: readonly (readonly [string, RegExp])[] = [
  ['date-time', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/],
  ['date', /^\d{4}-\d\d-\d\d$/],
  ['uuid', /^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/],
];

function textKeywords(texts: readonly string[]): JsonSchema {
  const format = FORMATS.find(([, pattern]) => texts.every(text => pattern.test(text)));
  if (format) return { format: format[0] };
  const different = [...new Set(texts)];
  const isList = different.length <= LISTED_MAX && texts.length >= SEEN_MIN * different.length;
  return isList ? { enum: different.sort() } : {};
}
