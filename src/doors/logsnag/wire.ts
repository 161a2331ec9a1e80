/**
 * Bodies of LogSnag's API, as its documentation and its clients define them. Null counts as absent,
 * and unknown fields are kept.
 * @see https://docs.logsnag.com/api-reference
 */
import { z } from 'zod';
import { GatewayError } from '../../core/errors.ts';
import type { ExactObject } from '../../core/exact-json.ts';
import { ExactNumber } from '../../core/exact-number.ts';
import { isJsonObject } from '../../core/json.ts';
import { LIMITS } from '../../core/limits.ts';

const NAME_CHARS_MAX = 250;

const name = z.string().min(1).max(NAME_CHARS_MAX);
const number = z.union([z.number(), z.instanceof(ExactNumber)], { error: 'expected number' });
const value = z.union([z.string(), z.boolean(), z.number(), z.instanceof(ExactNumber)], {
  error: 'expected string, number or boolean',
});
const bag = z.record(z.string().min(1), value);
const common = { project: name.max(LIMITS.slugCharsMax), icon: z.string().optional() };

const log = z.looseObject({
  ...common,
  channel: name,
  event: name,
  description: z.string().optional(),
  user_id: name.optional(),
  tags: bag.optional(),
  notify: z.boolean().optional(),
  parser: z.enum(['markdown', 'text']).optional(),
  /** In seconds. */
  timestamp: number.optional(),
});
const identify = z.looseObject({ ...common, user_id: name, properties: bag });
const group = z.looseObject({
  ...common,
  group_id: name,
  user_id: name.optional(),
  properties: bag.optional(),
});
const insight = z.looseObject({ ...common, title: name, value });
const increment = z.looseObject({
  ...common,
  title: name,
  value: z.strictObject({ $inc: number }),
});

export const CALLS = { log, identify, group, insight, increment } as const;
export type Call = keyof typeof CALLS;

/** A valid body of a call, without null values. */
export interface Sent extends ExactObject {
  readonly project: string;
}

/** @throws GatewayError BAD_USER_INPUT with every fault */
export function readCall(call: Call, body: unknown): Sent {
  const given = isJsonObject(body) ? withoutNulls(body as ExactObject) : body;
  const { success, error } = CALLS[call].safeParse(given);
  if (success) return given as Sent;
  const faults = error.issues.map(({ path, message }) => {
    return path.length === 0 ? message : `${path.join('.')}: ${message}`;
  });
  throw new GatewayError('BAD_USER_INPUT', faults[0] ?? 'Invalid', { extensions: { faults } });
}

function withoutNulls(body: ExactObject): ExactObject {
  return Object.fromEntries(Object.entries(body).filter(([, each]) => each !== null));
}
