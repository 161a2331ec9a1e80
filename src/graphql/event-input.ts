/**
 * Events as GraphQL gives them → events as the core takes them. Up to 10,000 come with one
 * mutation: an event without typed properties is passed on as it is.
 */
import { GatewayError } from '../core/errors.ts';
import type { EventInput, EventProperty, PropertyType } from '../core/event.ts';
import { LIMITS } from '../core/limits.ts';

interface Value<T> {
  readonly name: string;
  readonly value: T;
}

/** Exactly one is given: graphql-js sees to it. */
export interface PropertyInput {
  readonly boolean?: Value<boolean> | null | undefined;
  readonly date?: Value<Date> | null | undefined;
  readonly double?: Value<number> | null | undefined;
  readonly float?: Value<number> | null | undefined;
  readonly integer?: Value<number> | null | undefined;
  readonly long?: Value<string> | null | undefined;
  readonly string?: Value<string> | null | undefined;
}

export interface GraphQLEventInput extends Omit<EventInput, 'properties' | 'wire'> {
  readonly properties?: readonly PropertyInput[] | null | undefined;
}

/** @throws GatewayError where there are none, or more than a batch takes. */
export function toEventInputs(inputs: readonly GraphQLEventInput[]): EventInput[] {
  const expected = `events expects 1 to ${LIMITS.batchEventsMax.toLocaleString('en')} events, but got ${inputs.length}.`;
  if (inputs.length === 0) throw new GatewayError('BAD_USER_INPUT', expected);
  if (inputs.length > LIMITS.batchEventsMax) throw new GatewayError('PAYLOAD_TOO_LARGE', expected);
  return inputs.map(toEventInput);
}

export function toEventInput(input: GraphQLEventInput): EventInput {
  const { properties } = input;
  if (properties === undefined) return input as EventInput;
  return { ...input, properties: properties?.map(toProperty) };
}

function toProperty({ boolean, date, double, float, ...others }: PropertyInput): EventProperty {
  const { integer, long, string } = others;
  if (boolean) return property('BOOLEAN', boolean.name, String(boolean.value));
  if (date) return property('DATE', date.name, date.value.toISOString());
  if (double) return property('DOUBLE', double.name, String(double.value));
  if (float) return property('FLOAT', float.name, String(float.value));
  if (integer) return property('INTEGER', integer.name, String(integer.value));
  if (long) return property('LONG', long.name, long.value);
  if (string) return property('STRING', string.name, string.value);
  throw new TypeError('a property has exactly one value');
}

function property(type: PropertyType, name: string, value: string): EventProperty {
  return { name, type, values: [value] };
}
