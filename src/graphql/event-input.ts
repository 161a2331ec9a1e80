/**
 * Events as GraphQL gives them → events as the core takes them. Up to 10,000 come with one
 * mutation: an event without typed properties is passed on as it is.
 */
import { parseDateTime } from '../core/date-time.ts';
import { GatewayError } from '../core/errors.ts';
import type { EventInput, EventProblem, EventProperty, PropertyType } from '../core/event.ts';
import { parseExact, writeExact } from '../core/exact-json.ts';
import { LIMITS } from '../core/limits.ts';
import { RefusedValue } from './refused-value.ts';

interface Value<T> {
  readonly name: string;
  readonly value: T;
}

interface ExactValue {
  readonly name: string;
  readonly type: PropertyType;
  readonly values: readonly string[];
  readonly list?: boolean | null | undefined;
}

type Property = NonNullable<EventInput['properties']>[number];

/** Exactly one is given: graphql-js sees to it. */
export interface PropertyInput {
  readonly boolean?: Value<boolean> | null | undefined;
  readonly date?: Value<Date> | null | undefined;
  readonly double?: Value<number> | null | undefined;
  readonly float?: Value<number> | null | undefined;
  readonly integer?: Value<number> | null | undefined;
  readonly long?: Value<string> | null | undefined;
  readonly string?: Value<string> | null | undefined;
  readonly exact?: ExactValue | null | undefined;
}

export interface GraphQLEventInput extends Omit<
  EventInput,
  'properties' | 'wire' | 'contentId' | 'unreadable'
> {
  readonly properties?: readonly PropertyInput[] | null | undefined;
}

/** @throws GatewayError where there are none, or more than a batch takes. */
export function toEventInputs(inputs: readonly GraphQLEventInput[]): EventInput[] {
  const expected = `events expects 1 to ${LIMITS.batchEventsMax.toLocaleString('en')} events, but got ${inputs.length}.`;
  if (inputs.length === 0) throw new GatewayError('BAD_USER_INPUT', expected);
  if (inputs.length > LIMITS.batchEventsMax) throw new GatewayError('PAYLOAD_TOO_LARGE', expected);
  return inputs.map(toEventInput);
}

/** What the scalars refused is left out, and stands in `unreadable`. */
export function toEventInput(input: GraphQLEventInput): EventInput {
  const unreadable = unreadableOf(input);
  if (unreadable.length > 0) return readablePart(input, unreadable);
  const { properties } = input;
  if (properties === undefined) return input as EventInput;
  return { ...input, properties: properties?.map(toProperty) };
}

const NOTHING: readonly EventProblem[] = [];

/** Looked at for every event: without a list of what there is. */
function isRefused(input: GraphQLEventInput): boolean {
  for (const name in input) {
    if (input[name as keyof GraphQLEventInput] instanceof RefusedValue) return true;
  }
  for (const property of input.properties ?? []) {
    for (const type in property) {
      const parts = property[type as keyof PropertyInput] as Parts | null | undefined;
      if (parts != null && holdRefused(parts)) return true;
    }
  }
  return false;
}

/** The members of a property, by name. */
type Parts = Readonly<Record<string, unknown>>;

function holdRefused(parts: Parts): boolean {
  for (const name in parts) if (holdsRefused(parts[name])) return true;
  return false;
}

function holdsRefused(part: unknown): boolean {
  return Array.isArray(part) ? part.some(holdsRefused) : part instanceof RefusedValue;
}

/** The values that the scalars refused. */
export function unreadableOf(input: GraphQLEventInput): readonly EventProblem[] {
  if (!isRefused(input)) return NOTHING;
  const problems: EventProblem[] = [];
  const look = (value: unknown, pointer: string) => {
    if (value instanceof RefusedValue) problems.push(problemOf(value, pointer));
    else if (Array.isArray(value)) value.forEach((each, at) => look(each, `${pointer}/${at}`));
  };
  for (const [name, value] of Object.entries(input)) {
    if (name !== 'properties' || value instanceof RefusedValue) look(value, `/${name}`);
  }
  for (const [index, property] of (input.properties ?? []).entries()) {
    for (const [type, parts] of Object.entries(property) as [string, Parts | null][]) {
      const place = `/properties/${index}/${type}`;
      for (const [part, value] of Object.entries(parts ?? {})) look(value, `${place}/${part}`);
    }
  }
  return problems;
}

function problemOf({ message }: RefusedValue, pointer: string): EventProblem {
  return { severity: 'ERROR', code: 'INVALID_VALUE', message, pointer };
}

function readablePart(input: GraphQLEventInput, problems: readonly EventProblem[]): EventInput {
  const fields = Object.entries(input).filter(([, value]) => !(value instanceof RefusedValue));
  const { type = '', ...others } = Object.fromEntries(fields) as Partial<GraphQLEventInput>;
  // Of properties that are read in part, problems would have the wrong places.
  const hasAll = !problems.some(({ pointer }) => pointer.startsWith('/properties/'));
  const properties = hasAll ? others.properties?.map(toProperty) : undefined;
  return { ...others, type, properties, unreadable: problems };
}

function toProperty({ boolean, date, double, float, ...others }: PropertyInput): Property {
  const { integer, long, string, exact } = others;
  if (boolean) return property('BOOLEAN', boolean.name, String(boolean.value));
  if (date) return property('DATE', date.name, date.value.toISOString());
  if (double) return property('DOUBLE', double.name, String(double.value));
  if (float) return property('FLOAT', float.name, String(float.value));
  if (integer) return property('INTEGER', integer.name, String(integer.value));
  if (long) return property('LONG', long.name, long.value);
  if (string) return property('STRING', string.name, string.value);
  if (exact) return exactProperty(exact);
  throw new TypeError('a property has exactly one value');
}

function exactProperty({ name, type, values, list }: ExactValue): Property {
  const keep = type === 'DATE' ? inUtc : type === 'JSON' ? canonical : null;
  const kept = keep === null ? values : values.map(keep);
  return { name, type, values: kept, ...(list != null && { isList: list || kept.length !== 1 }) };
}

/** A text that is no instant is told later, with its place. */
function inUtc(text: string): string {
  return parseDateTime(text)?.toISOString() ?? text;
}

/** As a payload is written. What is no JSON is told later. */
function canonical(text: string): string {
  try {
    return writeExact(parseExact(text));
  } catch {
    return text;
  }
}

function property(type: PropertyType, name: string, value: string): EventProperty {
  return { name, type, values: [value] };
}
