/** Payloads of stored events against a schema, such as one that somebody is about to define. */
import { GatewayError } from '../core/errors.ts';
import type { EventProblem, StoredEvent } from '../core/event.ts';
import type { ExactJson, ExactObject } from '../core/exact-json.ts';
import { ExactNumber, numberFault } from '../core/exact-number.ts';
import type { Json, JsonObject } from '../core/json.ts';
import { compilePayloadSchema, type CheckPayload } from '../ingest/payload-schema.ts';
import type { GraphQLContext } from './context.ts';

/** What the checks of one execution may take of everybody's event loop. */
const SPENT_MS_MAX = 1_000;

interface Checks {
  /** A variable is one object for all events, a literal another for each. */
  readonly byObject: WeakMap<ExactObject, CheckPayload>;
  readonly byText: Map<string, CheckPayload>;
  spentMs: number;
}

const checksOf = new WeakMap<GraphQLContext, Checks>();

/**
 * What is wrong with the payload by the schema.
 * @throws GatewayError BAD_USER_INPUT with the place of a fault in the schema; QUERY_TOO_EXPENSIVE
 */
export function payloadProblems(
  context: GraphQLContext,
  { payload }: StoredEvent,
  schema: ExactObject,
): EventProblem[] {
  const checks = checksOf.get(context) ?? {
    byObject: new WeakMap(),
    byText: new Map(),
    spentMs: 0,
  };
  checksOf.set(context, checks);
  if (checks.spentMs > SPENT_MS_MAX) {
    const message =
      'Checking these payloads takes too long: ask for fewer, or simplify the schema.';
    throw new GatewayError('QUERY_TOO_EXPENSIVE', message);
  }
  const startedMs = performance.now();
  try {
    return checkBy(checks, schema)(JSON.parse(payload));
  } finally {
    checks.spentMs += performance.now() - startedMs;
  }
}

function checkBy({ byObject, byText }: Checks, schema: ExactObject): CheckPayload {
  const known = byObject.get(schema);
  if (known !== undefined) return known;
  const doubles = schemaInDoubles(schema);
  const text = JSON.stringify(doubles);
  const check = byText.get(text) ?? compilePayloadSchema(doubles);
  byText.set(text, check);
  byObject.set(schema, check);
  return check;
}

/**
 * A JSON Schema is checked with doubles, so its numbers are the nearest ones.
 * @throws GatewayError BAD_USER_INPUT for a number that is beyond them
 */
export function schemaInDoubles(schema: ExactObject): JsonObject {
  return inDoubles(schema) as JsonObject;
}

function inDoubles(value: ExactJson): Json {
  if (value instanceof ExactNumber) return nearest(value);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(inDoubles);
  // fromEntries defines own properties, also one that is called __proto__.
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, inDoubles(member as ExactJson)]),
  );
}

function nearest(value: ExactNumber): number {
  const double = Number(value);
  if (Number.isFinite(double)) return double;
  const { expected, came } = numberFault(value) as NonNullable<ReturnType<typeof numberFault>>;
  const message = `The payloadSchema expects ${expected}, but got ${came}.`;
  throw new GatewayError('BAD_USER_INPUT', message, { extensions: { pointer: '/payloadSchema' } });
}
