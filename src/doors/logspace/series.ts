/** Time series of typed properties, and the events behind them as CSV. */
import { z } from 'zod';
import type { TypedName } from '../../core/event-condition.ts';
import type { Workspace } from '../../core/workspace.ts';
import type { SeriesAggregate, SeriesQuery } from '../../read/time-series.ts';
import type { DoorAnswer, DoorContext, DoorRequest } from '../door.ts';
import { readShape } from './body.ts';
import { hqError } from './errors.ts';
import { eventFilter, instantOf, propertyOf, toCondition } from './filter.ts';

const text = z.string().min(1);
const definition = z.object({
  timeWindow: z.object({ start: text, end: text, gap: z.string().regex(/^\d{1,10}$/) }),
  globalAgentId: text,
  propertyId: text,
  aggregate: z.string(),
  filter: eventFilter.nullish(),
});
const definitions = z.object({ definitions: z.array(definition).min(1).max(50) });
type Definition = z.infer<typeof definition>;

const VALUES_MAX = 10_000;

export interface Series extends SeriesQuery {
  readonly window: { readonly start: string; readonly end: string; readonly gap: number };
}

export async function timeSeries(request: DoorRequest, context: DoorContext): Promise<DoorAnswer> {
  const workspace = await context.access(null, 'EVENTS_READ');
  const all = readSeries(request, workspace);
  const data: string[] = [];
  for (const series of all) {
    const values = await context.services.statistics.series(workspace.id, series);
    data.push(`[${values.map(value => literalOf(series, value)).join(',')}]`);
  }
  const window = JSON.stringify(all.at(-1)?.window);
  return { status: 200, body: `{"timeWindow":${window},"data":[${data.join(',')}]}` };
}

/** @throws GatewayError BAD_USER_INPUT, as INVALID_DATA_DEFINITION where HQ says so */
export function readSeries({ body }: DoorRequest, { slug }: Workspace): Series[] {
  return readShape(body, definitions).definitions.map(each => toSeries(each, slug));
}

function toSeries(
  { timeWindow, globalAgentId, propertyId, ...rest }: Definition,
  slug: string,
): Series {
  const start = instantOf('start', timeWindow.start);
  const end = instantOf('end', timeWindow.end);
  const gap = Number(timeWindow.gap);
  checkWindow(start, end, gap);
  const property = propertyOf(propertyId);
  const agent = { property: 'global_agent_id', value: globalAgentId };
  const filter = {
    allOf: [
      toCondition({ elements: [agent] }, { slug }),
      toCondition(rest.filter, { slug, anyOfSame: true }),
    ],
  };
  const window = { start: start.toISOString(), end: end.toISOString(), gap };
  const aggregate = aggregateOf(property, rest.aggregate);
  return { filter, property, aggregate, start, end, gapMs: gap * 1_000, window };
}

function checkWindow(start: Date, end: Date, gap: number): void {
  if (end <= start) {
    throw invalidDefinition('The start of the range must be before its end.', {
      start: start.toISOString(),
      end: end.toISOString(),
    });
  }
  const requested =
    gap === 0 ? Infinity : Math.ceil((end.getTime() - start.getTime()) / (gap * 1_000));
  if (requested <= VALUES_MAX) return;
  const message =
    `Cannot create a data response with ${requested} values. The allowed maximum is ${VALUES_MAX}. ` +
    'Either decrease the range or increase the gap.';
  throw invalidDefinition(message, { 'requested-values': requested, 'max-values': VALUES_MAX });
}

const NUMERIC = ['max', 'min', 'avg', 'count', 'sum'];
const ALLOWED: Partial<Record<TypedName['type'], readonly string[]>> = {
  BOOLEAN: ['count'],
  DATE: ['count', 'min', 'max', 'avg'],
  STRING: ['count'],
};

function aggregateOf({ type }: TypedName, aggregate: string): SeriesAggregate {
  const allowed = ALLOWED[type] ?? NUMERIC;
  if (allowed.includes(aggregate)) return aggregate.toUpperCase() as SeriesAggregate;
  const message =
    `Cannot combine a property of type '${type}' with aggregation '${aggregate.slice(0, 20)}'. ` +
    `Supported aggregates for '${type}' are [${allowed.join(', ')}]`;
  throw invalidDefinition(message, {
    'property-type': type,
    'illegal-aggregate': aggregate.slice(0, 20),
    'allowed-aggregates': allowed,
  });
}

function invalidDefinition(message: string, parameters: Readonly<Record<string, unknown>>) {
  return hqError('BAD_USER_INPUT', 'INVALID_DATA_DEFINITION', message, parameters);
}

/** Longs keep every digit, averages and doubles are doubles; what is no JSON number is a text. */
function literalOf({ property: { type }, aggregate }: Series, value: string | null): string {
  if (value === null || aggregate === 'COUNT') return value ?? 'null';
  const number = Number(value);
  if (type === 'DATE') return JSON.stringify(new Date(Math.trunc(number)).toISOString());
  if (!Number.isFinite(number)) return JSON.stringify(value);
  const isWhole = type === 'LONG' || type === 'INTEGER';
  return isWhole && aggregate !== 'AVG' ? value : String(number);
}
