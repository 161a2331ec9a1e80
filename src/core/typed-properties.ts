/**
 * Typed properties on their way in: checked, and merged into the payload. A JSON number has no
 * 64-bit or non-finite values and JSON has no dates, so where the type can't be inferred from
 * the payload again it is kept beside it, in `PropertyTypes`.
 */
import { quoted } from './canonical-json.ts';
import { parseDateTime } from './date-time.ts';
import type { EventProblem, EventProperty, PropertyType, PropertyTypes } from './event.ts';
import { exactNumber, numberFault, plainLiteral } from './exact-number.ts';

const INT32_MAX = 2_147_483_647n;
const INT64_MAX = 9_223_372_036_854_775_807n;

/** The type of a number by its digits: INTEGER within 32 bits, LONG within 64, else DOUBLE. */
export function numberType(literal: string): 'INTEGER' | 'LONG' | 'DOUBLE' {
  // As JSON writes integers: no zeros before them.
  if (!/^-?(?:0|[1-9]\d{0,18})$/.test(literal)) return 'DOUBLE';
  if (literal.length < 10) return 'INTEGER';
  const value = BigInt(literal);
  if (value >= -INT32_MAX - 1n && value <= INT32_MAX) return 'INTEGER';
  return value >= -INT64_MAX - 1n && value <= INT64_MAX ? 'LONG' : 'DOUBLE';
}

type PropertyInput = EventProperty & { readonly isList?: boolean };

export interface MergedProperties {
  /** Names, and the JSON texts of their values, to be put into the payload's text. */
  readonly members: readonly (readonly [name: string, literal: string])[];
  readonly types: PropertyTypes | null;
  readonly problems: readonly EventProblem[];
}

const NONE: MergedProperties = { members: [], types: null, problems: [] };

interface Gathered {
  readonly type: PropertyType;
  readonly values: readonly string[];
  readonly isList: boolean;
}

/** Merges entries of one name and type into a list; of several types, the payload shows the first. */
export function mergeProperties(properties: readonly PropertyInput[]): MergedProperties {
  if (properties.length === 0) return NONE;
  const members: [string, string][] = [];
  const types: [string, PropertyTypes[string]][] = [];
  const put = (name: string, first: Gathered, all: readonly Gathered[] | null) => {
    members.push([name, valueLiteral(first)]);
    const mark = markOf(first, all);
    if (mark !== null) types.push([name, mark]);
  };
  if (hasRepeats(properties)) {
    for (const [name, all] of gatherAll(properties)) put(name, all[0] as Gathered, all);
  } else for (const property of properties) put(property.name, entryOf(property), null);
  // fromEntries defines own properties, also one that is called __proto__.
  const kept = types.length === 0 ? null : Object.fromEntries(types);
  return { members, types: kept, problems: problemsOf(properties) };
}

function problemsOf(properties: readonly PropertyInput[]): EventProblem[] {
  const problems: EventProblem[] = [];
  for (const [index, { type, values }] of properties.entries()) {
    for (const value of values) {
      const message = faultOf(type, value);
      if (message !== null) problems.push(propertyProblem(index, message));
    }
  }
  return problems;
}

/** Up to so many are compared with each other: a set costs more. */
const FEW = 8;

/** Whether a name stands there twice. */
export function hasRepeats(named: readonly { readonly name: string }[]): boolean {
  if (named.length > FEW) return new Set(named.map(({ name }) => name)).size < named.length;
  return named.some(({ name }, at) => {
    for (let earlier = 0; earlier < at; earlier++) {
      if (named[earlier]?.name === name) return true;
    }
    return false;
  });
}

function entryOf({ type, values, isList = values.length !== 1 }: PropertyInput): Gathered {
  return { type, values, isList };
}

function gatherAll(properties: readonly PropertyInput[]): Map<string, Gathered[]> {
  const byName = new Map<string, Gathered[]>();
  for (const property of properties) {
    const entries = byName.get(property.name);
    if (entries === undefined) byName.set(property.name, [entryOf(property)]);
    else gather(entries, entryOf(property));
  }
  return byName;
}

/** What is to be kept beside the payload of a name's values; `all` where it came several times. */
function markOf(first: Gathered, all: readonly Gathered[] | null): PropertyTypes[string] | null {
  if ((all !== null && all.length > 1) || first.values.length === 0) {
    return (all ?? [first]).map(({ type, values }) => ({ type, values }));
  }
  const { type, values } = first;
  return values.some(value => inferredFrom(type, value) !== type) ? type : null;
}

function gather(entries: Gathered[], entry: Gathered): void {
  const at = entries.findIndex(({ type }) => type === entry.type);
  const same = entries[at];
  if (same === undefined) entries.push(entry);
  else entries[at] = { ...same, values: [...same.values, ...entry.values], isList: true };
}

/** What is wrong with a value of this type, or null. */
function faultOf(type: PropertyType, value: string): string | null {
  switch (type) {
    case 'BOOLEAN':
      return value === 'true' || value === 'false' ? null : 'expects true or false';
    case 'DATE':
      return parseDateTime(value) === null ? 'expects an RFC 3339 instant' : null;
    case 'INTEGER':
      return numberType(value) === 'INTEGER' ? null : 'expects a 32-bit integer';
    case 'LONG':
      return numberType(value) === 'DOUBLE'
        ? 'expects a 64-bit integer in decimal digits, -9223372036854775808 to 9223372036854775807'
        : null;
    case 'DOUBLE':
    case 'FLOAT':
      return doubleFault(value);
    case 'JSON':
      return isJson(value) ? null : 'expects JSON';
    case 'STRING':
      return null;
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** A number that is written with more digits than a double has keeps them. */
function doubleFault(value: string): string | null {
  if (NOT_FINITE.has(value)) return null;
  if (!JSON_NUMBER.test(value)) return 'expects a number';
  const fault = numberFault(exactNumber(value));
  return fault && `expects ${fault.expected}, but got ${fault.came}`;
}

const NOT_FINITE: ReadonlySet<string> = new Set(['NaN', 'Infinity', '-Infinity']);
const JSON_NUMBER = /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/** As JSON; NaN and the infinities are texts there. */
function doubleLiteral(value: string): string {
  return JSON_NUMBER.test(value) ? plainLiteral(exactNumber(value)) : quoted(value);
}

function propertyProblem(index: number, message: string): EventProblem {
  return {
    severity: 'ERROR',
    code: 'PROPERTY_INVALID',
    message: `This property ${message}.`,
    pointer: `/properties/${index}`,
  };
}

function valueLiteral({ type, values, isList }: Gathered): string {
  const [first] = values;
  if (!isList || first === undefined)
    return first === undefined ? '[]' : scalarLiteral(type, first);
  if (values.length === 1) return `[${scalarLiteral(type, first)}]`;
  return `[${values.map(value => scalarLiteral(type, value)).join(',')}]`;
}

function scalarLiteral(type: PropertyType, value: string): string {
  switch (type) {
    case 'BOOLEAN':
    case 'INTEGER':
    case 'LONG':
    case 'JSON':
      return value;
    case 'DOUBLE':
    case 'FLOAT':
      return doubleLiteral(value);
    case 'DATE':
    case 'STRING':
      return quoted(value);
  }
}

/** What a reader would take the value to be from the payload alone. */
function inferredFrom(type: PropertyType, value: string): PropertyType {
  switch (type) {
    case 'BOOLEAN':
    case 'JSON':
    case 'STRING':
      return type;
    case 'DATE':
      return 'STRING';
    case 'INTEGER':
    case 'LONG':
      return numberType(value);
    case 'DOUBLE':
    case 'FLOAT':
      return JSON_NUMBER.test(value) ? numberType(doubleLiteral(value)) : 'STRING';
  }
}
