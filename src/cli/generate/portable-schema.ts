/** Schemas of definitions as one document, and as what a generator of types understands. */
import type { Json, JsonObject } from '../../core/json.ts';
import type { Definition } from '../definitions/definition.ts';

/** Nothing is there: `.invalid` is reserved. */
const BASE = 'https://sluice.invalid/types/';
const DIALECT = 'https://json-schema.org/draft/2020-12/schema';

/** A JSON Schema of the events of a workspace: the type decides which schema the payload has. */
export function eventSchema(definitions: readonly Definition[]): JsonObject {
  const $defs = definitions.map(({ name, payloadSchema }) => [
    safe(name),
    // With an id, what its references mean stays the same.
    { $id: BASE + safe(name), ...(payloadSchema ?? { type: 'object' }) },
  ]);
  const oneOf = definitions.map(({ name, description, payloadSchema }) => ({
    ...(description === null ? {} : { description }),
    properties: {
      type: { const: name },
      payload: { $ref: `#/$defs/${safe(name)}` },
    },
    required: requiredOf(payloadSchema).length > 0 ? ['type', 'payload'] : ['type'],
  }));
  return {
    $schema: DIALECT,
    type: 'object',
    oneOf,
    $defs: Object.fromEntries($defs) as JsonObject,
  };
}

/** Validators read keys and addresses in different ways where these hold more than such characters. */
function safe(name: string): string {
  return encodeURIComponent(name).replaceAll('~', '%7E').replaceAll('%', '~');
}

/** The keys that a payload must have. */
export function requiredOf(schema: JsonObject | null): readonly Json[] {
  const required = schema?.['required'];
  return Array.isArray(required) ? required : [];
}

/** Keywords whose meaning depends on a base that a generator of types does not follow. */
const UNFOLLOWED = new Set(['$anchor', '$dynamicRef', '$dynamicAnchor']);

/**
 * The schema as a part of a larger document: its references point to where it stands there. Null
 * where that cannot be said. Only keywords that JSON Schema has are left: a generator of types gives
 * others a meaning of its own, and would write what they hold into the code as it stands.
 */
export function embedded(schema: JsonObject, root: string): JsonObject | null {
  const { $id: _own, ...rest } = schema;
  try {
    return portable(rest, root, 'SCHEMA') as JsonObject;
  } catch (error) {
    if (error instanceof Unfollowed) return null;
    throw error;
  }
}

class Unfollowed extends Error {}

type Kind = 'SCHEMA' | 'SCHEMAS_BY_NAME' | 'SCHEMAS';

const KINDS: Readonly<Record<string, Kind>> = {
  $defs: 'SCHEMAS_BY_NAME',
  definitions: 'SCHEMAS_BY_NAME',
  properties: 'SCHEMAS_BY_NAME',
  patternProperties: 'SCHEMAS_BY_NAME',
  allOf: 'SCHEMAS',
  anyOf: 'SCHEMAS',
  oneOf: 'SCHEMAS',
  prefixItems: 'SCHEMAS',
  items: 'SCHEMA',
  not: 'SCHEMA',
  additionalProperties: 'SCHEMA',
};
/** What is kept as it stands. */
const KEPT = new Set([
  ...['type', 'enum', 'const', 'required', 'minItems', 'maxItems', 'title', 'description'],
  ...['deprecated', 'default', 'format'],
]);

function portable(given: Json, root: string, kind: Kind): Json {
  if (Array.isArray(given)) return given.map((item: Json) => portable(item, root, 'SCHEMA'));
  if (given === true) return {};
  if (given === false) return { tsType: 'never' };
  if (typeof given !== 'object' || given === null) return {};
  const entries = Object.entries(given as JsonObject);
  if (kind === 'SCHEMAS_BY_NAME') {
    return Object.fromEntries(
      entries.map(([name, each]) => [name, portable(each, root, 'SCHEMA')]),
    );
  }
  return withoutTuples(
    Object.fromEntries(entries.flatMap(([keyword, value]) => keywordOf(keyword, value, root))),
  );
}

function keywordOf(keyword: string, value: Json, root: string): [string, Json][] {
  const isIdInside = keyword === '$id';
  if (UNFOLLOWED.has(keyword) || isIdInside) throw new Unfollowed();
  if (keyword === '$ref') return [[keyword, placed(String(value), root)]];
  if (keyword === 'description') return [[keyword, comment(String(value))]];
  const kind = KINDS[keyword];
  if (keyword === 'additionalProperties' && typeof value === 'boolean') return [[keyword, value]];
  if (kind !== undefined) {
    const within = keyword === 'patternProperties' ? asComments(value) : value;
    return [[keyword, portable(within, root, kind)]];
  }
  return KEPT.has(keyword) ? [[keyword, value]] : [];
}

function placed(reference: string, root: string): string {
  if (reference === '#') return root;
  if (reference.startsWith('#/')) return root + reference.slice(1);
  throw new Unfollowed();
}

/** A generator of types says of patterns only in comments what they are. */
function asComments(patterns: Json): Json {
  if (typeof patterns !== 'object' || patterns === null || Array.isArray(patterns)) return patterns;
  const entries = Object.entries(patterns as JsonObject);
  return Object.fromEntries(entries.map(([pattern, each]) => [comment(pattern), each]));
}

/** What stands in a comment does not end it. */
function comment(text: string): string {
  return text.replaceAll('*/', '*\\/');
}

/** A list with a schema for each of its first items, as earlier drafts write it. */
function withoutTuples(schema: { [keyword: string]: Json }): JsonObject {
  const { prefixItems, items, ...rest } = schema;
  if (prefixItems === undefined) return schema;
  return { ...rest, items: prefixItems, additionalItems: items ?? true };
}
