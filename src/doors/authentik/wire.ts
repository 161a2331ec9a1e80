/**
 * The vendor's types, and its checks with its words (Django REST framework's). Every field's
 * faults are told at once; unknown fields are passed over.
 */
import { isIP } from 'node:net';
import { z } from 'zod';
import { writeExact, type ExactObject } from '../../core/exact-json.ts';
import { isNumber } from '../../core/exact-number.ts';
import { isJsonObject, type JsonObject } from '../../core/json.ts';
import { canonicalIp } from '../../core/text.ts';
import { isAction } from './actions.ts';
import { parseInstant, type Instant } from './instant.ts';

const REQUIRED = 'This field is required.';
const NOT_NULL = 'This field may not be null.';

/** A field whose fault is one text, or whose value it returns. */
class Fault {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

function field<T>(read: (value: unknown) => T | Fault) {
  return z.unknown().transform((value, context): T => {
    const result = read(value);
    if (!(result instanceof Fault)) return result;
    context.addIssue({ code: 'custom', message: result.text });
    return z.NEVER;
  });
}

const action = field(value => {
  if (value === undefined) return new Fault(REQUIRED);
  if (value === null) return new Fault(NOT_NULL);
  if (typeof value === 'string' && isAction(value)) return value;
  const shown = typeof value === 'string' ? value : writeExact(value);
  return new Fault(`"${shown}" is not a valid choice.`);
});

const app = field(value => {
  if (value === undefined) return new Fault(REQUIRED);
  if (value === null) return new Fault(NOT_NULL);
  if (typeof value !== 'string' && !isNumber(value)) {
    return new Fault('Not a valid string.');
  }
  const text = String(value).trim();
  return text === '' ? new Fault('This field may not be blank.') : text;
});

const object = field((value): ExactObject | Fault => {
  if (value === null) return new Fault(NOT_NULL);
  if (isJsonObject(value)) return value;
  return new Fault('Value must be a dictionary, and not have any duplicate keys.');
});

const clientIp = field((value): string | null | Fault => {
  if (value === null) return null;
  if (value === '') return new Fault('This field may not be blank.');
  const isAddress = typeof value === 'string' && isIP(value.trim()) !== 0 && !value.includes('%');
  return isAddress ? canonicalIp(value.trim()) : new Fault('Enter a valid IPv4 or IPv6 address.');
});

const DATE_FORMAT =
  'Datetime has wrong format. Use one of these formats instead: ' +
  'YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z].';

const expires = field((value): Instant | null | Fault => {
  if (value === null) return null;
  return (typeof value === 'string' ? parseInstant(value) : null) ?? new Fault(DATE_FORMAT);
});

export const EventRequest = z.object({
  action,
  app,
  user: object.optional(),
  context: object.optional(),
  brand: object.optional(),
  client_ip: clientIp.optional(),
  expires: expires.optional(),
});
export type EventRequest = z.infer<typeof EventRequest>;

export interface Event {
  readonly pk: string;
  readonly user: ExactObject;
  readonly action: string;
  readonly app: string;
  readonly context: ExactObject;
  readonly client_ip: string | null;
  readonly created: string;
  readonly expires: string | null;
  readonly brand: ExactObject;
}

export type FieldErrors = Readonly<Record<string, readonly string[]>>;

/** The request, or what is wrong with each of its fields. */
export function readEventRequest(
  body: unknown,
): { readonly event: EventRequest } | { readonly errors: FieldErrors } {
  if (!isJsonObject(body)) {
    const text =
      body === null
        ? 'No data provided'
        : `Invalid data. Expected a dictionary, but got ${pythonType(body)}.`;
    return { errors: { non_field_errors: [text] } };
  }
  const parsed = EventRequest.safeParse(body);
  if (parsed.success) return { event: parsed.data };
  const errors: Record<string, string[]> = {};
  for (const { path, message } of parsed.error.issues) {
    (errors[String(path[0])] ??= []).push(message);
  }
  return { errors };
}

function pythonType(value: unknown): string {
  if (Array.isArray(value)) return 'list';
  if (typeof value === 'string') return 'str';
  if (typeof value === 'boolean') return 'bool';
  return /^-?\d+$/.test(String(value)) ? 'int' : 'float';
}

export interface Pagination {
  /** Numbers of pages; 0 where there is none. */
  readonly next: number;
  readonly previous: number;
  readonly count: number;
  readonly current: number;
  readonly total_pages: number;
  readonly start_index: number;
  readonly end_index: number;
}

export interface Page {
  readonly pagination: Pagination;
  readonly results: readonly Event[];
  readonly autocomplete: Readonly<Record<string, never>>;
}

export interface DataExport {
  readonly id: string;
  readonly requested_by: JsonObject;
  readonly requested_on: string;
  readonly content_type: JsonObject;
  readonly query_params: JsonObject;
  readonly file_url: string;
  readonly completed: boolean;
}
