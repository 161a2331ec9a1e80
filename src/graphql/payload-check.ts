/** Payloads of stored events against a schema, such as one that somebody is about to define. */
import { GatewayError } from '../core/errors.ts';
import type { EventProblem, StoredEvent } from '../core/event.ts';
import type { ExactJson, ExactObject } from '../core/exact-json.ts';
import { ExactNumber, numberFault } from '../core/exact-number.ts';
import { pointerStep } from '../core/isomorphic.ts';
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
 * A JSON Schema is checked with doubles. Its bounds are the nearest ones. A number that is compared
 * as it is must be one: else the schema would refuse the very value that it names.
 * @throws GatewayError BAD_USER_INPUT for such a number, and for one that is beyond doubles
 */
export function schemaInDoubles(schema: ExactObject): JsonObject {
  return inDoubles(schema, { pointer: '', isExact: false, hasNames: false }) as JsonObject;
}

interface SchemaPlace {
  readonly pointer: string;
  /** Whether a number here means itself and no other. */
  readonly isExact: boolean;
  /** Whether the keys of an object here are names, and not keywords. */
  readonly hasNames: boolean;
}

const COMPARED = new Set(['const', 'enum', 'multipleOf']);
const HAVING_NAMES = new Set([
  'properties',
  'patternProperties',
  '$defs',
  'definitions',
  'dependentSchemas',
  'dependencies',
]);

function inDoubles(value: ExactJson, place: SchemaPlace): Json {
  if (value instanceof ExactNumber) return nearest(value, place);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    return value.map((each, at) =>
      inDoubles(each, { ...place, pointer: `${place.pointer}/${at}`, hasNames: false }),
    );
  }
  // fromEntries defines own properties, also one that is called __proto__.
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      name,
      inDoubles(member as ExactJson, below(place, name)),
    ]),
  );
}

function below({ pointer, isExact, hasNames }: SchemaPlace, name: string): SchemaPlace {
  const isKeyword = !hasNames && !isExact;
  return {
    pointer: pointer + pointerStep(name),
    isExact: isExact || (isKeyword && COMPARED.has(name)),
    hasNames: isKeyword && HAVING_NAMES.has(name),
  };
}

function nearest(value: ExactNumber, { pointer, isExact }: SchemaPlace): number {
  const double = Number(value);
  const isBeyond = !Number.isFinite(double) || double === 0;
  if (!isBeyond && !isExact) return double;
  const { expected, came } = (isBeyond ? numberFault(value) : null) ?? {
    expected: 'a number that a 64-bit float holds exactly',
    came: String(value).slice(0, SHOWN_MAX),
  };
  const message = `The payloadSchema at ${pointer} expects ${expected}, but got ${came}.`;
  throw new GatewayError('BAD_USER_INPUT', message, {
    extensions: { pointer: `/payloadSchema${pointer}` },
  });
}

/** Digits of a number that a message shows. */
const SHOWN_MAX = 100;
