/** What a refused question could have been answered by. */
import type { AggregateQuery } from '../core/aggregate.ts';
import { GatewayError } from '../core/errors.ts';
import { writeFilter } from '../core/filter-text.ts';
import type { JsonObject } from '../core/json.ts';
import { findMeter, meterFor } from '../core/meter-plan.ts';
import { isSketched, type Meter, type NewMeter, operandOf } from '../core/meter.ts';
import type { Connection } from '../db/connection.ts';
import { selectMeters } from './meters.ts';

export interface Advice {
  /** A sentence. */
  readonly text: string;
  /** What to give `createMeter`, in JSON; absent where there is such a meter. */
  readonly extensions: { readonly meter?: JsonObject };
}

/** Null where no meter could answer. */
export async function adviseMeter(
  read: Connection,
  workspaceId: number,
  query: AggregateQuery,
): Promise<Advice | null> {
  const meters = await selectMeters(read, workspaceId);
  const known = ofKnown(query, meters);
  if (known !== null) return { text: known, extensions: {} };
  const meter = meterFor(query);
  if (meter === null) return null;
  const needsSketch = query.measures.some(measure => {
    const operand = operandOf(measure);
    return operand !== null && isSketched(operand);
  });
  const how = needsSketch ? ', asked with approximate: true' : '';
  const text = `A meter would answer it at once${how}: extensions.meter has the input of createMeter.`;
  return { text, extensions: { meter: toInput(meter) } };
}

/** What to do with a meter that is there and does not answer this yet, or not exactly. */
function ofKnown(query: AggregateQuery, meters: readonly Meter[]): string | null {
  const sometime = meters.map(meter => ({ ...meter, isActive: true }));
  const exact = findMeter(query, sometime)?.meter;
  const kept = exact ?? findMeter({ ...query, approximate: true }, sometime)?.meter;
  const own = meters.find(({ id }) => id === kept?.id);
  if (own === undefined) return null;
  if (own.fault !== null) return `The meter "${own.name}" would answer it, but fails: ${own.fault}`;
  if (!own.isActive) {
    return `The meter "${own.name}" will answer it. It is being filled: ${own.folded} of ${own.target} events.`;
  }
  return exact === undefined ? `The meter "${own.name}" answers it with approximate: true.` : null;
}

/** The error of a question that took too long, with what would answer it. */
export async function withAdvice(
  read: Connection,
  error: unknown,
  { workspaceId, query }: { readonly workspaceId: number; readonly query: AggregateQuery },
): Promise<unknown> {
  if (!(error instanceof GatewayError) || error.code !== 'QUERY_TOO_EXPENSIVE') return error;
  const advice = await adviseMeter(read, workspaceId, query).catch(() => null);
  if (advice === null) return error;
  return new GatewayError('QUERY_TOO_EXPENSIVE', `${error.message} ${advice.text}`, {
    cause: error.cause,
    extensions: { ...error.extensions, ...advice.extensions },
  });
}

/** As `createMeter` takes it, in JSON. */
function toInput({ name, filter, groupBy, measures }: NewMeter): JsonObject {
  return {
    name,
    ...(filter !== null && { filter: JSON.parse(writeFilter(filter)) as JsonObject }),
    ...(groupBy.length > 0 && {
      groupBy: groupBy.map(key =>
        'dimension' in key ? { dimension: key.dimension } : { payloadPath: [...key.payloadPath] },
      ),
    }),
    ...(measures.length > 0 && {
      measures: measures.map(({ function: fn, payloadPath, dimension }) => ({
        function: fn,
        ...(payloadPath !== null && { payloadPath: [...payloadPath] }),
        ...(dimension !== null && { dimension }),
      })),
    }),
  };
}
