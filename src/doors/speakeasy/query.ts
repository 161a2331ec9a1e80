/** The parameters of Speakeasy's reading calls, as filters. */
import { z } from 'zod';
import { GatewayError } from '../../core/errors.ts';
import type { DateTimeRange, EventFilter, PropertyFilter } from '../../core/filter.ts';
import { LIMITS } from '../../core/limits.ts';
import { parseInstant } from '../request.ts';
import { INTERACTION_TYPES } from './wire.ts';

/** Undocumented by the vendor. */
const LIMIT_DEFAULT = 100;

const IN_PAYLOAD = [
  'lint_report_digest',
  'openapi_diff_report_digest',
  'source_revision_digest',
] as const;

const text = z.string().optional();
const searchQuery = z.object({
  execution_id: text,
  generate_gen_lock_id: text,
  interaction_type: z.enum(INTERACTION_TYPES).optional(),
  limit: z.coerce.number().int().min(1).optional(),
  success: z.enum(['true', 'false']).optional(),
  ...Object.fromEntries(IN_PAYLOAD.map(name => [name, text])),
});

/** All that is given must hold. @throws GatewayError BAD_USER_INPUT */
export function readSearch(query: URLSearchParams): { filter: EventFilter; limit: number } {
  const { success, data, error } = searchQuery.safeParse(Object.fromEntries(query));
  if (!success) {
    const { path, message } = error.issues[0] as (typeof error.issues)[number];
    throw new GatewayError('BAD_USER_INPUT', `${path.join('.')}: ${message}`);
  }
  const payload = IN_PAYLOAD.flatMap((name): PropertyFilter[] => {
    const equals = query.get(name);
    return equals === null ? [] : [{ path: [name], equals }];
  });
  const filter = {
    types: data.interaction_type === undefined ? INTERACTION_TYPES : [data.interaction_type],
    groupIds: data.execution_id === undefined ? null : [data.execution_id],
    subjects: data.generate_gen_lock_id === undefined ? null : [data.generate_gen_lock_id],
    success: data.success === undefined ? null : data.success === 'true',
    payload: payload.length === 0 ? null : payload,
  };
  return { filter, limit: Math.min(data.limit ?? LIMIT_DEFAULT, LIMITS.pageSizeMax) };
}

/** Strictly later. Times of events are whole milliseconds. @throws GatewayError BAD_USER_INPUT */
export function readAfter(query: URLSearchParams, name: string): DateTimeRange | null {
  const after = query.get(name);
  if (after === null || after === '') return null;
  const instant = parseInstant(after);
  if (instant === null) {
    const message = `${name}: expects an instant such as 2026-01-02T03:04:05.678Z.`;
    throw new GatewayError('BAD_USER_INPUT', message);
  }
  return { from: new Date(instant.getTime() + 1) };
}
