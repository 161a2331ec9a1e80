/**
 * Events of Retraced's publisher API, and what its server says of those that are none: first what is
 * missing, then the first field that is not as its schema has it.
 * @see https://github.com/retracedhq/retraced/blob/main/src/handlers/createEvent.ts
 */
import { isIP } from 'node:net';
import { GatewayError } from '../../core/errors.ts';
import type { ExactJson, ExactObject } from '../../core/exact-json.ts';
import { isJsonObject } from '../../core/json.ts';
import { LIMITS } from '../../core/limits.ts';
import { isoInstant } from '../value-conversion.ts';

export interface RetracedEvent extends ExactObject {
  readonly action: string;
}

type Kind = 'string' | 'boolean' | 'date' | 'crud' | 'texts' | Fields;
interface Fields {
  readonly [name: string]: Kind;
}

const CRUD = ['c', 'r', 'u', 'd'] as const;
const PERSON: Fields = { id: 'string', name: 'string', href: 'string', fields: 'texts' };

/** In the order in which they are looked at. */
const EVENT: Fields = {
  action: 'string',
  crud: 'crud',
  group: { id: 'string', name: 'string' },
  created: 'date',
  actor: PERSON,
  target: { id: 'string', name: 'string', href: 'string', type: 'string', fields: 'texts' },
  source_ip: 'string',
  description: 'string',
  is_anonymous: 'boolean',
  is_failure: 'boolean',
  fields: 'texts',
  component: 'string',
  version: 'string',
  external_id: 'string',
  metadata: 'texts',
};

/** @throws GatewayError BAD_USER_INPUT */
export function readEvent(body: unknown): RetracedEvent {
  const violations = violationsOf(body);
  if (violations.length > 0) throw invalid(violations.join('\n--'));
  const fault = objectFault(body as ExactObject, EVENT, '');
  if (fault !== null) throw invalid(fault);
  return body as RetracedEvent;
}

/** @throws GatewayError BAD_USER_INPUT with what is wrong with each, PAYLOAD_TOO_LARGE */
export function readBulk(body: unknown): readonly RetracedEvent[] {
  const events = isJsonObject(body) ? (body as ExactObject)['events'] : undefined;
  if (!Array.isArray(events)) throw invalid('"events" must be an array');
  if (events.length > LIMITS.batchEventsMax) {
    const most = `A maximum of ${LIMITS.batchEventsMax} events may be created at once`;
    throw invalid(`${most}, received ${events.length}`);
  }
  const wrong: { message: string; index: number }[] = [];
  for (const [index, event] of (events as readonly ExactJson[]).entries()) {
    const violations = violationsOf(event);
    if (violations.length === 0) continue;
    const message = `Invalid event input at index ${index}:\n-- ${violations.join('\n-- ')}`;
    wrong.push({ message, index });
    if (wrong.length === WRONG_MAX) break;
  }
  if (wrong.length > 0) {
    const all = wrong.map(({ message }) => message).join('\n- ');
    throw invalid(`One or more invalid inputs, no events were logged:\n- ${all}`, wrong);
  }
  for (const [index, event] of (events as readonly ExactObject[]).entries()) {
    const fault = objectFault(event, EVENT, `[${index}].`);
    if (fault !== null) throw invalid(fault);
  }
  return events as readonly RetracedEvent[];
}

/** More would only bury the first ones. */
const WRONG_MAX = 20;

function invalid(message: string, wrong?: readonly object[]): GatewayError {
  const extensions = wrong === undefined ? {} : { invalid: wrong };
  return new GatewayError('BAD_USER_INPUT', message, { extensions });
}

function violationsOf(body: unknown): string[] {
  const event: ExactObject = isJsonObject(body) ? (body as ExactObject) : {};
  const { crud, created, source_ip: address, is_anonymous: isAnonymous } = event;
  const violations = ['action', 'crud']
    .filter(name => isEmpty(event[name]))
    .map(name => `Missing required field '${name}'`);
  for (const name of ['group', 'actor', 'target']) {
    const value = event[name];
    if (isEmpty(value) || !isEmpty(isJsonObject(value) ? (value as ExactObject)['id'] : null)) {
      continue;
    }
    violations.push(`Field '${name}.id' is required if '${name}' is present`);
  }
  if (isAnonymous !== true && isEmpty(event['actor'])) {
    violations.push(`Event is not marked anonymous, and missing required field 'actor'`);
  }
  if (!isEmpty(created) && isoInstant(created) === null) {
    violations.push(`Unable to parse 'created' field as valid time: ${shown(created)}`);
  }
  if (!(CRUD as readonly unknown[]).includes(crud)) {
    violations.push(`Invalid value for 'crud' field: ${shown(crud)}`);
  }
  if (typeof address === 'string' && address !== '' && isIP(address) === 0) {
    const field = `Unable to parse 'source_ip' field as valid IPV4 or IPV6 address`;
    violations.push(`${field}: ${shown(address)}`);
  }
  return violations;
}

/** As lodash has it: numbers and booleans are empty too. */
function isEmpty(value: ExactJson | undefined): boolean {
  if (typeof value === 'string') return value === '';
  if (Array.isArray(value)) return value.length === 0;
  return !isJsonObject(value) || Object.keys(value).length === 0;
}

const SHOWN_CHARS_MAX = 100;

function shown(value: ExactJson | undefined): string {
  return (typeof value === 'string' ? value : String(JSON.stringify(value))).slice(
    0,
    SHOWN_CHARS_MAX,
  );
}

/** The first field that is not as it has to be; null for none. */
function objectFault(value: ExactObject, fields: Fields, within: string): string | null {
  for (const [name, kind] of Object.entries(fields)) {
    if (!Object.hasOwn(value, name)) continue;
    const fault = faultOf(value[name] as ExactJson, kind, within + name);
    if (fault !== null) return fault;
  }
  const odd = Object.keys(value).find(name => !Object.hasOwn(fields, name));
  return odd === undefined ? null : `"${shown(within + odd)}" is not allowed`;
}

function faultOf(value: ExactJson, kind: Kind, place: string): string | null {
  if (kind === 'boolean') return typeof value === 'boolean' ? null : `"${place}" must be a boolean`;
  if (kind === 'string' || kind === 'date' || kind === 'crud') return textFault(value, place);
  if (!isJsonObject(value)) return `"${place}" must be of type object`;
  if (kind !== 'texts') return objectFault(value as ExactObject, kind, `${place}.`);
  for (const [name, each] of Object.entries(value as ExactObject)) {
    const fault = textFault(each, shown(`${place}.${name}`));
    if (fault !== null) return fault;
  }
  return null;
}

function textFault(value: ExactJson, place: string): string | null {
  if (typeof value !== 'string') return `"${place}" must be a string`;
  return value === '' ? `"${place}" is not allowed to be empty` : null;
}
