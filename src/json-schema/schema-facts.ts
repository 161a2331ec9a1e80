/** What single schemas say, for comparing two of them. Pure. */
import { canonicalJson } from '../core/canonical-json.ts';
import { isJsonObject, type Json, type JsonObject } from '../core/json.ts';
import { TYPES } from './vocabulary.ts';

export const ANNOTATIONS = new Set([
  ...['title', 'description', 'default', 'examples', 'deprecated', 'readOnly', 'writeOnly'],
  ...['$comment', '$schema', '$defs', 'definitions', '$id', '$anchor', '$vocabulary'],
  ...['contentEncoding', 'contentMediaType', 'contentSchema'],
]);

export const VALUED = new Set(['type', 'enum', 'const']);

/** Whether it allows everything. Keywords that are not known say nothing. */
export function isOpen(schema: Json): boolean {
  if (!isJsonObject(schema)) return schema === true;
  return Object.keys(schema).every(name => ANNOTATIONS.has(name));
}

export function typesOf(schema: JsonObject): ReadonlySet<string> {
  const values = valuesOf(schema);
  if (values !== null) return new Set(values.map(typeOf));
  const type = schema['type'] ?? TYPES;
  const types = new Set(typeof type === 'string' ? [type] : namesIn(type));
  // All integers are numbers.
  if (types.has('number')) types.delete('integer');
  return types;
}

function typeOf(value: Json): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

/** The values that it lists, or null. */
export function valuesOf(schema: JsonObject): readonly Json[] | null {
  const { const: only, enum: listed } = schema;
  if (only === undefined) return Array.isArray(listed) ? (listed as readonly Json[]) : null;
  const isListed = !Array.isArray(listed) || isSubset([only], listed as Json);
  return isListed ? [only] : [];
}

interface Bound {
  readonly keyword: string;
  /** Times the sign: a greater one allows less. */
  readonly value: number;
  readonly isExclusive: boolean;
}

export function boundOf(
  schema: JsonObject,
  keywords: readonly [string, string],
  sign: 1 | -1,
): Bound | null {
  let tightest: Bound | null = null;
  for (const [index, keyword] of keywords.entries()) {
    const bound = schema[keyword];
    if (typeof bound !== 'number') continue;
    const value = bound * sign;
    const isExclusive = index === 1;
    if (tightest === null || value > tightest.value || (value === tightest.value && isExclusive)) {
      tightest = { keyword, value, isExclusive };
    }
  }
  return tightest;
}

export function namesIn(value: Json | undefined): readonly string[] {
  return listIn(value).filter((each): each is string => typeof each === 'string');
}

export function listIn(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : [];
}

export function mapIn(value: Json | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}

/** What the keyword says depends on others in some cases, and on the document where it has references. */
export function saysTheSame(keyword: string, from: JsonObject, to: JsonObject): boolean {
  if (keyword.startsWith('unevaluated') || keyword.startsWith('$')) return false;
  if (keyword === 'contains' && from['minContains'] !== to['minContains']) return false;
  const text = canonicalJson(to[keyword]);
  return text === canonicalJson(from[keyword] ?? null) && !hasReference(text);
}

export function hasReference(text: string): boolean {
  return /"\$(?:ref|dynamicRef)":/.test(text);
}

export function isSubset(some: Json | undefined, all: Json): boolean {
  const known = new Set(listIn(all).map(canonicalJson));
  const given = listIn(some).map(canonicalJson);
  return given.every(each => known.has(each)) && !given.some(hasReference);
}

/** What a reference within the document points to, by a JSON Pointer. */
export function targetOf(root: Json, reference: string): Json | undefined {
  if (!/^#(?:\/|$)/.test(reference)) return undefined;
  let found: Json | undefined = root;
  for (const step of decodeURIComponent(reference).split('/').slice(1)) {
    const name = step.replaceAll('~1', '/').replaceAll('~0', '~');
    if (Array.isArray(found)) found = (found as readonly Json[])[Number(name)];
    else if (isJsonObject(found) && Object.hasOwn(found, name)) found = found[name];
    else return undefined;
  }
  return found;
}
