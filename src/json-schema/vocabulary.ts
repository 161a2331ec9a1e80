/** The keywords of JSON Schema 2020-12: what their values must look like, and which hold schemas. */
import { isJsonObject, type Json } from '../core/json.ts';

/** How a keyword holds schemas. */
export type Holds = 'one' | 'list' | 'map';

const HOLDERS: Readonly<Record<Holds, readonly string[]>> = {
  one: [
    ...['additionalProperties', 'propertyNames', 'unevaluatedProperties'],
    ...['items', 'contains', 'unevaluatedItems'],
    ...['not', 'if', 'then', 'else', 'contentSchema'],
  ],
  list: ['allOf', 'anyOf', 'oneOf', 'prefixItems'],
  // `definitions` is where earlier drafts kept what `$defs` keeps now.
  map: ['properties', 'patternProperties', 'dependentSchemas', '$defs', 'definitions'],
};

export const HOLDS: ReadonlyMap<string, Holds> = new Map(
  Object.entries(HOLDERS).flatMap(([holds, keywords]) =>
    keywords.map(keyword => [keyword, holds as Holds] as const),
  ),
);

interface Shape {
  readonly expected: string;
  fits(value: Json): boolean;
}

export const TYPES = ['null', 'boolean', 'object', 'array', 'number', 'string', 'integer'] as const;

const isText = (value: Json): value is string => typeof value === 'string';
const isFlag = (value: Json) => typeof value === 'boolean';
const isNumeric = (value: Json): value is number => typeof value === 'number';
const isSchema = (value: Json) => typeof value === 'boolean' || isJsonObject(value);
const isUnique = (values: readonly Json[]) => new Set(values).size === values.length;
const isTextList = (value: Json): value is readonly string[] =>
  Array.isArray(value) && value.every(isText) && isUnique(value);
const isType = (value: Json) => (TYPES as readonly Json[]).includes(value);

const SCHEMA: Shape = { expected: 'a schema: an object or a boolean', fits: isSchema };
const TEXT: Shape = { expected: 'a string', fits: isText };
const FLAG: Shape = { expected: 'a boolean', fits: isFlag };
const NUMBER: Shape = { expected: 'a number', fits: isNumeric };
const COUNT: Shape = {
  expected: 'an integer that is not negative',
  fits: value => isNumeric(value) && Number.isInteger(value) && value >= 0,
};
const LIST: Shape = { expected: 'a list', fits: value => Array.isArray(value) };
const NAMES: Shape = { expected: 'a list of different strings', fits: isTextList };

const OF_HOLDERS: Readonly<Record<Holds, Shape>> = {
  one: SCHEMA,
  list: {
    expected: 'a list of at least one schema',
    fits: value => Array.isArray(value) && value.length > 0 && value.every(isSchema),
  },
  map: {
    expected: 'an object whose values are schemas',
    fits: value => isJsonObject(value) && Object.values(value).every(isSchema),
  },
};

const ANCHOR: Shape = {
  expected: 'a name of letters, digits, "-", "_" and ".", not beginning with a digit',
  fits: value => isText(value) && /^[A-Za-z_][-\w.]*$/.test(value),
};

const SHAPES: ReadonlyMap<string, Shape> = new Map<string, Shape>([
  ...[...HOLDS].map(([keyword, holds]) => [keyword, OF_HOLDERS[holds]] as const),
  [
    '$id',
    {
      expected: 'a URI without a fragment',
      fits: value => isText(value) && /^[^#]*#?$/.test(value),
    },
  ],
  ...['$schema', '$ref', '$dynamicRef', '$comment'].map(name => [name, TEXT] as const),
  ...['$anchor', '$dynamicAnchor'].map(name => [name, ANCHOR] as const),
  [
    '$vocabulary',
    {
      expected: 'an object whose values are booleans',
      fits: value => isJsonObject(value) && Object.values(value).every(isFlag),
    },
  ],
  [
    'type',
    {
      expected: `one of ${TYPES.join(', ')}, or a list of different ones`,
      fits: value =>
        isType(value) ||
        (Array.isArray(value) && value.length > 0 && value.every(isType) && isUnique(value)),
    },
  ],
  ['enum', LIST],
  ['multipleOf', { expected: 'a number above 0', fits: value => isNumeric(value) && value > 0 }],
  ...['maximum', 'exclusiveMaximum', 'minimum', 'exclusiveMinimum'].map(
    name => [name, NUMBER] as const,
  ),
  ...['maxLength', 'minLength', 'maxItems', 'minItems', 'maxContains', 'minContains'].map(
    name => [name, COUNT] as const,
  ),
  ...['maxProperties', 'minProperties'].map(name => [name, COUNT] as const),
  ['uniqueItems', FLAG],
  ['required', NAMES],
  [
    'dependentRequired',
    {
      expected: 'an object whose values are lists of different strings',
      fits: value => isJsonObject(value) && Object.values(value).every(isTextList),
    },
  ],
  [
    'dependencies',
    {
      expected: 'an object whose values are schemas, or lists of different strings',
      fits: value =>
        isJsonObject(value) && Object.values(value).every(v => isSchema(v) || isTextList(v)),
    },
  ],
  ...['format', 'pattern', 'contentMediaType', 'contentEncoding'].map(
    name => [name, TEXT] as const,
  ),
  ...['title', 'description'].map(name => [name, TEXT] as const),
  ...['deprecated', 'readOnly', 'writeOnly'].map(name => [name, FLAG] as const),
  ['examples', LIST],
]);

/** What the keyword expects, where the value is not that. Null for unknown keywords, too. */
export function shapeFault(keyword: string, value: Json): string | null {
  const shape = SHAPES.get(keyword);
  return shape === undefined || shape.fits(value) ? null : shape.expected;
}

/** What is different in drafts before 2020-12, by the keyword that shows it. */
const RENAMED: readonly (readonly [keyword: string, advice: string])[] = [
  ['definitions', '"definitions" is called "$defs"'],
  ['additionalItems', '"items" with a list is called "prefixItems", and "additionalItems" "items"'],
  ['dependencies', '"dependencies" is called "dependentRequired" or "dependentSchemas"'],
  ['id', '"id" is called "$id"'],
  ['$recursiveRef', '"$recursiveRef" is called "$dynamicRef"'],
];

export const DIALECT = 'https://json-schema.org/draft/2020-12/schema';

/** Why a `$schema` is not taken; null where it is. The text of the schema shows what must change. */
export function dialectFault(dialect: string, schemaText: string): string | null {
  if (dialect.replace(/#$/, '') === DIALECT) return null;
  const draft = /draft[-/](0\d|20\d\d-\d\d)/.exec(dialect)?.[1];
  if (draft === undefined) {
    return `Payload schemas are JSON Schema 2020-12: leave "$schema" out, or write "${DIALECT}"`;
  }
  const advice = RENAMED.filter(([keyword]) => schemaText.includes(`"${keyword}":`)).map(
    ([, a]) => a,
  );
  if (/"items":\[/.test(schemaText) && !schemaText.includes('"additionalItems":')) {
    advice.push('"items" with a list is called "prefixItems"');
  }
  const name = draft.startsWith('20') ? draft : `draft-${draft}`;
  const changes = advice.length === 0 ? '' : `. In 2020-12, ${advice.join('; ')}`;
  return `It is written for ${name}, but payload schemas are JSON Schema 2020-12: change "$schema" to "${DIALECT}"${changes}`;
}
