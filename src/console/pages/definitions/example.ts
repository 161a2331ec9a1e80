/** A payload to show in sample code: what the schema asks for, with values that are plain to see. */

type Schema = Readonly<Record<string, unknown>>;

/** Schemas may hold themselves: from here on only what must be there is. */
const OPTIONAL_LEVELS = 4;
const LEVELS = 12;

export function examplePayload(schema: Schema): Record<string, unknown> {
  const example = exampleOf(schema, { root: schema, name: '', level: 0 });
  return isObject(example) ? { ...example } : {};
}

interface Where {
  readonly root: Schema;
  /** Of the property. */
  readonly name: string;
  readonly level: number;
}

function exampleOf(given: unknown, where: Where): unknown {
  const schema = resolved(given, where);
  if (!isObject(schema) || where.level > LEVELS) return undefined;
  if ('const' in schema) return schema['const'];
  const [chosen] = [schema['examples'], schema['enum']].flatMap(list => listOf(list).slice(0, 1));
  if (chosen !== undefined) return chosen;
  if ('default' in schema) return schema['default'];
  const deeper = { ...where, level: where.level + 1 };
  const [choice] = [...listOf(schema['anyOf']), ...listOf(schema['oneOf'])];
  const parts = [...listOf(schema['allOf']), ...(choice === undefined ? [] : [choice])];
  const [first, ...others] = parts.map(part => exampleOf(part, deeper));
  const own = valueOf(schema, deeper);
  if (first === undefined) return own;
  return Object.assign({}, ...[first, ...others, own].filter(isObject)) as unknown;
}

function valueOf(schema: Schema, where: Where): unknown {
  switch (typeOf(schema)) {
    case 'object':
      return objectOf(schema, where);
    case 'array':
      return [exampleOf(schema['items'], where)].filter(item => item !== undefined);
    case 'integer':
    case 'number':
      return numberOf(schema);
    case 'boolean':
      return true;
    case 'null':
      return null;
    default:
      return textOf(schema, where.name);
  }
}

function typeOf(schema: Schema): unknown {
  const [type] = listOf(schema['type']);
  if (type !== undefined) return type;
  if (typeof schema['type'] === 'string') return schema['type'];
  if ('properties' in schema || 'required' in schema) return 'object';
  if ('minimum' in schema || 'maximum' in schema) return 'number';
  return 'items' in schema ? 'array' : 'string';
}

function objectOf(schema: Schema, where: Where): Schema {
  const properties = isObject(schema['properties']) ? schema['properties'] : {};
  const optional = where.level > OPTIONAL_LEVELS ? [] : Object.keys(properties);
  const names = new Set([...optional, ...listOf(schema['required']).map(String)]);
  return Object.fromEntries(
    [...names]
      .map(name => [name, exampleOf(properties[name] ?? {}, { ...where, name })] as const)
      .filter(([, example]) => example !== undefined),
  );
}

function numberOf(schema: Schema): number {
  const number = (key: string) => (typeof schema[key] === 'number' ? schema[key] : undefined);
  const step = number('multipleOf') ?? 1;
  const least = number('minimum') ?? (number('exclusiveMinimum') ?? 0) + step;
  const most = number('maximum') ?? (number('exclusiveMaximum') ?? Infinity) - step;
  return Math.min(Math.ceil(Math.max(least, step) / step) * step, most);
}

const FORMATS: Readonly<Record<string, string>> = {
  'date-time': '2026-01-31T12:00:00Z',
  date: '2026-01-31',
  time: '12:00:00Z',
  duration: 'PT15M',
  email: 'ada@example.org',
  hostname: 'example.org',
  ipv4: '192.0.2.17',
  ipv6: '2001:db8::17',
  uri: 'https://example.org/',
  uuid: '0d4f1a62-5c1f-4c39-8a4f-6a7a1d3f9c11',
};

function textOf({ format, minLength = 0, maxLength = Infinity }: Schema, name: string): string {
  const text = FORMATS[String(format)] ?? (name === '' ? 'text' : name);
  return text.padEnd(Number(minLength), '.').slice(0, Number(maxLength));
}

/** What a `$ref` within the document points at. */
function resolved(given: unknown, { root }: Where): unknown {
  let schema = given;
  for (let hop = 0; isObject(schema) && typeof schema['$ref'] === 'string'; hop++) {
    if (!schema['$ref'].startsWith('#') || hop > LEVELS) return {};
    const keys = schema['$ref'].slice(1).split('/').slice(1).map(unescaped);
    schema = keys.reduce<unknown>((at, key) => (isObject(at) ? at[key] : undefined), root);
  }
  return schema;
}

function unescaped(key: string): string {
  return key.replaceAll('~1', '/').replaceAll('~0', '~');
}

function isObject(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
