import { isUtf8 } from 'node:buffer';
import type { z } from 'zod';
import { GatewayError } from '../../core/errors.ts';
import { hqError, unparsable } from './errors.ts';
import { JsonFault } from './json-reader.ts';
import { parseJson, toPlain, type PlainJson } from './json.ts';

/** @throws GatewayError BAD_REQUEST where it is no text */
export function readText(body: Buffer): string {
  if (!isUtf8(body)) throw new GatewayError('BAD_REQUEST', 'The body is not UTF-8.');
  const text = body.toString('utf8');
  return text.startsWith('\uFEFF') ? text.slice(1) : text;
}

/** What is told of text that is no JSON, as UNPARSABLE_PARAMETER_VALUE; other errors as they are. */
export function asRefusal(error: unknown, text: string): unknown {
  if (!(error instanceof JsonFault)) return error;
  const near = text.slice(Math.max(0, error.offset - 10), error.offset + 20);
  return unparsable('body', near, ` At offset ${error.offset}: ${error.message}.`);
}

/** A JSON body of this shape; an empty one counts as `{}`. Numbers in it are texts of digits. */
export function readShape<Schema extends z.ZodType>(body: Buffer, schema: Schema): z.infer<Schema> {
  const text = readText(body);
  const value = text.trim() === '' ? {} : readPlain(text);
  const { success, data, error } = schema.safeParse(value);
  if (success) return data;
  const [issue] = error.issues;
  const at = issue?.path.join('.') ?? '';
  const where = at === '' ? '' : ` at '${at.slice(0, 100)}'`;
  const message = `Could not parse the body${where}: ${issue?.message ?? 'it has another shape'}.`;
  throw hqError('BAD_USER_INPUT', 'UNPARSABLE_PARAMETER_VALUE', message, { parameter: 'body' });
}

function readPlain(text: string): PlainJson {
  try {
    return toPlain(parseJson(text));
  } catch (error) {
    throw asRefusal(error, text);
  }
}
