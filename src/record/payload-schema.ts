/** What JSON Schema says of payloads, as problems of events and faults of definitions. */
import { GatewayError } from '../core/errors.ts';
import type { EventProblem } from '../core/event.ts';
import type { JsonObject } from '../core/json.ts';
import { LIMITS } from '../core/limits.ts';
import type { SchemaChecker } from '../json-schema/checker.ts';
import type { Answer } from '../json-schema/evaluate.ts';
import type { JobTime } from '../json-schema/schema-thread.ts';

/** What checking the payloads of one request may take, and for each event. Most take 0.01 ms. */
const REQUEST_MS = 2_000;
const EVENT_MS = 0.5;

export function timeFor(events: number): JobTime {
  return { leftMs: REQUEST_MS + events * EVENT_MS };
}

/**
 * @throws GatewayError BAD_USER_INPUT with the place of the fault (a JSON Pointer), for a schema
 * that is invalid, refers to another document or asks for too much.
 */
export async function checkDefinable(
  schemas: SchemaChecker,
  workspaceId: number,
  payloadSchema: JsonObject,
): Promise<void> {
  const schema = JSON.stringify(payloadSchema);
  if (schema.length > LIMITS.schemaCharsMax) {
    throw unusable(
      '',
      `it has ${schema.length} characters as JSON, and may have ${LIMITS.schemaCharsMax}`,
    );
  }
  const answer = await schemas.check({ workspaceId, time: timeFor(1), schema, payload: null });
  if (answer.kind === 'FAULT') throw unusable(answer.pointer, answer.message);
  if (answer.kind === 'TOO_COSTLY') throw unusable('', 'reading it takes too long: simplify it');
}

/** Problems of an event by the schema of its definition. */
export function eventProblems(answer: Answer): readonly EventProblem[] {
  switch (answer.kind) {
    case 'CHECKED':
      return mismatches(answer);
    case 'FAULT':
      return [problem('SCHEMA_UNUSABLE', unusable(answer.pointer, answer.message).message)];
    case 'TOO_COSTLY':
      return [problem('SCHEMA_TOO_COSTLY', TOO_COSTLY)];
  }
}

/** @throws GatewayError BAD_USER_INPUT where the schema is not usable */
export function problemsBySchema(answer: Answer): readonly EventProblem[] {
  if (answer.kind === 'FAULT') throw unusable(answer.pointer, answer.message);
  return eventProblems(answer);
}

function unusable(pointer: string, fault: string): GatewayError {
  const place = pointer === '' ? 'The payloadSchema' : `The payloadSchema at ${pointer}`;
  return new GatewayError('BAD_USER_INPUT', `${place} is not usable: ${fault}.`.slice(0, 500), {
    extensions: { pointer: `/payloadSchema${pointer}` },
  });
}

function mismatches(answer: Answer & { kind: 'CHECKED' }): EventProblem[] {
  return answer.mismatches.map(({ pointer, message }) => ({
    ...problem('SCHEMA_MISMATCH', `The payload ${message}.`),
    pointer: `/payload${pointer}`,
  }));
}

function problem(code: string, message: string): EventProblem {
  return { severity: 'ERROR', code, message, pointer: '/payload' };
}

const TOO_COSTLY =
  'The payload was not checked, because the check takes longer than a request may take. ' +
  'Simplify the schema, or send fewer events in one request.';
