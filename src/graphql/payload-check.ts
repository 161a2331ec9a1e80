/** Payloads of stored events against a schema, such as one that somebody is about to define. */
import { GatewayError } from '../core/errors.ts';
import type { EventProblem, StoredEvent } from '../core/event.ts';
import type { ExactJson, ExactObject } from '../core/exact-json.ts';
import { ExactNumber, numberFault } from '../core/exact-number.ts';
import type { Json, JsonObject } from '../core/json.ts';
import { problemsBySchema } from '../record/payload-schema.ts';
import type { GraphQLContext } from './context.ts';

/** What the checks of one execution may take, at once and in the thread. */
const SPENT_MS_MAX = 1_000;

interface Checks {
  /** A variable is one object for all events. */
  readonly textOf: WeakMap<ExactObject, string>;
  readonly time: { leftMs: number };
}

const checksOf = new WeakMap<GraphQLContext, Checks>();

/**
 * What is wrong with the payload by the schema.
 * @throws GatewayError BAD_USER_INPUT with the place of a fault in the schema; QUERY_TOO_EXPENSIVE
 */
export async function payloadProblems(
  context: GraphQLContext,
  { workspaceId, payload }: StoredEvent,
  schema: ExactObject,
): Promise<readonly EventProblem[]> {
  const checks = checksOf.get(context) ?? {
    textOf: new WeakMap(),
    time: { leftMs: SPENT_MS_MAX },
  };
  checksOf.set(context, checks);
  const { time } = checks;
  const text = textBy(checks, schema);
  const job = { workspaceId, schema: text, payload, time };
  const answer = await context.services.schemas.check(job);
  // Later ones of a request that has used up its time would only tell the same.
  if (time.leftMs <= 0) throw tooExpensive();
  return problemsBySchema(answer);
}

function tooExpensive(): GatewayError {
  const message = 'Checking these payloads takes too long. Request fewer, or simplify the schema.';
  return new GatewayError('QUERY_TOO_EXPENSIVE', message);
}

function textBy({ textOf }: Checks, schema: ExactObject): string {
  let text = textOf.get(schema);
  if (text === undefined) textOf.set(schema, (text = JSON.stringify(schemaInDoubles(schema))));
  return text;
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
