/** Payloads of stored events against a schema, such as one that somebody is about to define. */
import { GatewayError } from '../core/errors.ts';
import type { EventProblem, StoredEvent } from '../core/event.ts';
import type { JsonObject } from '../core/json.ts';
import { compilePayloadSchema, type CheckPayload } from '../ingest/payload-schema.ts';
import type { GraphQLContext } from './context.ts';

/** What the checks of one execution may take of everybody's event loop. */
const SPENT_MS_MAX = 1_000;

interface Checks {
  /** A variable is one object for all events, a literal another for each. */
  readonly byObject: WeakMap<JsonObject, CheckPayload>;
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
  schema: JsonObject,
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

function checkBy({ byObject, byText }: Checks, schema: JsonObject): CheckPayload {
  const known = byObject.get(schema);
  if (known !== undefined) return known;
  const text = JSON.stringify(schema);
  const check = byText.get(text) ?? compilePayloadSchema(schema);
  byText.set(text, check);
  byObject.set(schema, check);
  return check;
}
