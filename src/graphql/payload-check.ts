/** Payloads of stored events against a schema, such as one that somebody is about to define. */
import { GatewayError } from '../core/errors.ts';
import type { EventProblem, StoredEvent } from '../core/event.ts';
import type { JsonObject } from '../core/json.ts';
import { problemsBySchema } from '../ingest/payload-schema.ts';
import type { GraphQLContext } from './context.ts';

/** What the checks of one execution may take, at once and in the thread. */
const SPENT_MS_MAX = 1_000;

interface Checks {
  /** A variable is one object for all events. */
  readonly textOf: WeakMap<JsonObject, string>;
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
  schema: JsonObject,
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
  const message = 'Checking these payloads takes too long: ask for fewer, or simplify the schema.';
  return new GatewayError('QUERY_TOO_EXPENSIVE', message);
}

function textBy({ textOf }: Checks, schema: JsonObject): string {
  let text = textOf.get(schema);
  if (text === undefined) textOf.set(schema, (text = JSON.stringify(schema)));
  return text;
}
