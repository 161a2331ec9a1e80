/** What a request says, or the vendor's error for it. */
import type { z } from 'zod';
import { GatewayError } from '../../core/errors.ts';
import type { DoorRequest } from '../door.ts';
import { requireJson } from '../request.ts';
import { vendorError } from './errors.ts';
import { parseInterval, type Interval } from './interval.ts';

const PAGE_SIZE_DEFAULT = 25;
const PAGE_SIZE_MAX = 200;

/** @throws GatewayError */
export function readBody<T>(request: DoorRequest, type: z.ZodType<T>): T {
  requireJson(request);
  const parsed = type.safeParse(request.body.length === 0 ? {} : request.json());
  if (parsed.success) return parsed.data;
  const details = parsed.error.issues.map(({ path }) => ({
    errorCode: 'constraint.validation',
    fieldName: path.join('.'),
  }));
  const reasons = parsed.error.issues.map(({ path, message }) => {
    return path.length === 0 ? message : `${path.join('.')}: ${message}`;
  });
  throw vendorError('constraint.validation', { reason: reasons.join('; ') }, details);
}

/** @throws GatewayError */
export function readInterval(text: string): Interval {
  const interval = parseInterval(text);
  if (interval !== null) return interval;
  throw vendorError('invalid.date', {}, [{ errorCode: 'invalid.date', fieldName: 'interval' }]);
}

/** @throws GatewayError */
export function readPageSize(query: URLSearchParams): number {
  const text = query.get('pageSize') ?? '';
  if (text === '') return PAGE_SIZE_DEFAULT;
  const size = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (size >= 1 && size <= PAGE_SIZE_MAX) return size;
  throw parameterError('pageSize', text, `1 to ${PAGE_SIZE_MAX}`);
}

/** A cursor that is none of this query is a wrong value of its parameter. */
export function asParameter(error: unknown, after: string | null, before: string | null): unknown {
  if (!(error instanceof GatewayError) || !error.code.startsWith('CURSOR_')) return error;
  const parameter = after === null ? 'before' : 'after';
  return parameterError(parameter, after ?? before ?? '', 'those of nextUri and previousUri');
}

function parameterError(parameter: string, value: string, allowed: string): GatewayError {
  const details = [{ errorCode: 'invalid.query.param.value', fieldName: parameter }];
  return vendorError('invalid.query.param.value', { value, parameter, allowed }, details);
}
