/**
 * A CloudEvent in the JSON format: what every mode is brought into.
 * @see https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
 */
import { z } from 'zod';
import { GatewayError } from '../../core/errors.ts';
import type { ExactJson } from '../../core/exact-json.ts';
import { isJsonObject } from '../../core/json.ts';
import { parseInstant } from '../request.ts';

const text = z.string().min(1);
const isInstant = (time: string) => parseInstant(time) !== null;
const INSTANT =
  'Expects an RFC 3339 instant such as 2026-01-02T03:04:05.678Z, without a leap second.';

const ATTRIBUTES = {
  specversion: z.literal('1.0'),
  id: text,
  source: text.regex(/^\S+$/, 'A URI-reference has no white space.'),
  type: text,
  subject: text.optional(),
  time: z.string().refine(isInstant, INSTANT).optional(),
  datacontenttype: text.optional(),
  dataschema: text.optional(),
} as const;

const DATA = ['data', 'data_base64'] as const;

const extension = z.union([z.string(), z.boolean(), z.int32()], {
  error: 'An extension attribute is a string, a boolean or a 32-bit integer.',
});

const cloudEvent = z
  .object({ ...ATTRIBUTES, data: z.unknown().optional(), data_base64: z.base64().optional() })
  .catchall(extension)
  .refine(event => event['data'] === undefined || event['data_base64'] === undefined, {
    error: 'An event has data or data_base64, but not both.',
  });

export interface CloudEvent {
  readonly [attribute: string]: ExactJson;
}

/** Null is as good as absent, but for data. @throws GatewayError BAD_USER_INPUT */
export function checkCloudEvent(value: ExactJson): CloudEvent {
  if (!isJsonObject(value)) {
    throw invalid('A CloudEvent is a JSON object.');
  }
  const given = Object.entries(value).filter(([name, each]) => each !== null || name === 'data');
  const event = Object.fromEntries(given) as CloudEvent;
  const odd = given.find(([name]) => !/^[a-z0-9]+$/.test(name) && name !== 'data_base64');
  if (odd !== undefined) {
    throw invalid(`${odd[0]}: an attribute's name has the characters a to z and 0 to 9.`);
  }
  const { success, error } = cloudEvent.safeParse(event);
  if (success) return event;
  const { path, message } = error.issues[0] as (typeof error.issues)[number];
  throw invalid(path.length === 0 ? message : `${path.join('.')}: ${message}`);
}

export function isExtension(name: string): boolean {
  return !Object.hasOwn(ATTRIBUTES, name) && !(DATA as readonly string[]).includes(name);
}

function invalid(message: string): GatewayError {
  return new GatewayError('BAD_USER_INPUT', message);
}
