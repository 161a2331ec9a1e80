/** A filter as text that is kept, and back. It is the JSON that a caller gives, with its instants. */
import { parseExact, writeExact, type ExactJson, type ExactObject } from './exact-json.ts';
import type { DateTimeRange, EventFilter } from './filter.ts';

export function writeFilter(filter: EventFilter): string {
  return writeExact(filter);
}

/** Of a text that `writeFilter` wrote. */
export function readFilter(text: string): EventFilter {
  return toFilter(parseExact(text) as ExactObject);
}

/** Only these members hold instants: a payload may have keys of the same names. */
function toFilter(json: ExactObject): EventFilter {
  const { occurredAt, recordedAt, and, or, not } = json;
  const ranges = {
    ...(occurredAt != null && { occurredAt: toRange(occurredAt) }),
    ...(recordedAt != null && { recordedAt: toRange(recordedAt) }),
  };
  const inner = {
    ...(and != null && { and: (and as readonly ExactObject[]).map(toFilter) }),
    ...(or != null && { or: (or as readonly ExactObject[]).map(toFilter) }),
    ...(not != null && { not: toFilter(not as ExactObject) }),
  };
  return { ...json, ...ranges, ...inner } as EventFilter;
}

function toRange(json: ExactJson): DateTimeRange {
  const { from, to } = json as { readonly from?: string | null; readonly to?: string | null };
  return {
    ...(from != null && { from: new Date(from) }),
    ...(to != null && { to: new Date(to) }),
  };
}
