import type {
  AggregateQuery,
  EventDimension,
  EventGroupKey,
  EventMeasure,
  MeasureFunction,
  Timeframe,
} from '../core/aggregate.ts';
import { GatewayError } from '../core/errors.ts';
import type { DateTimeRange } from '../core/filter.ts';

/** Exactly one is given: graphql-js sees to it. */
export interface TimeframeInput {
  readonly between?: DateTimeRange | null | undefined;
  readonly last?: number | null | undefined;
}
/** Exactly one is given: graphql-js sees to it. */
export interface GroupKeyInput {
  readonly dimension?: EventDimension | null | undefined;
  readonly payloadPath?: readonly string[] | null | undefined;
}
interface MeasureInput {
  readonly function: MeasureFunction;
  readonly payloadPath?: readonly string[] | null | undefined;
  readonly dimension?: EventDimension | null | undefined;
}
export interface AggregateInput
  extends
    Pick<AggregateQuery, 'fill' | 'orderBy'>,
    Partial<Nullable<Pick<AggregateQuery, 'filter' | 'granularity' | 'timeZone'>>> {
  readonly timeframe: TimeframeInput;
  readonly groupBy?: readonly GroupKeyInput[] | null | undefined;
  readonly measures?: readonly MeasureInput[] | null | undefined;
  readonly approximate: boolean;
}
type Nullable<T> = { readonly [K in keyof T]: T[K] | null | undefined };

/** @throws GatewayError BAD_USER_INPUT if parts of the input do not fit each other. */
export function toAggregateQuery(input: AggregateInput): AggregateQuery {
  return {
    filter: input.filter ?? null,
    timeframe: toTimeframe(input.timeframe),
    granularity: input.granularity ?? null,
    timeZone: input.timeZone ?? null,
    groupBy: (input.groupBy ?? []) as readonly EventGroupKey[],
    measures: toMeasures(input.measures),
    fill: input.fill,
    orderBy: input.orderBy,
    approximate: input.approximate,
  };
}

function toTimeframe({ between, last }: TimeframeInput): Timeframe {
  if (last != null) return { last };
  const { from, to } = between ?? {};
  if (from == null || to == null) throw refused('timeframe.between expects both from and to.');
  if (from >= to) throw refused('timeframe.between expects from to be before to.');
  return { between: { from, to } };
}

/** @throws GatewayError BAD_USER_INPUT if parts of a measure do not fit each other. */
export function toMeasures(inputs: readonly MeasureInput[] | null | undefined): EventMeasure[] {
  return (inputs ?? []).map(toMeasure);
}

function toMeasure(input: MeasureInput): EventMeasure {
  const { function: name, payloadPath = null, dimension = null } = input;
  if (name === 'COUNT' && (payloadPath !== null || dimension !== null)) {
    throw refused('The measure COUNT counts events: it takes neither payloadPath nor dimension.');
  }
  if (name === 'UNIQUE' && (payloadPath === null) === (dimension === null)) {
    throw refused('The measure UNIQUE expects either payloadPath or dimension.');
  }
  if (name !== 'COUNT' && name !== 'UNIQUE' && (payloadPath === null || dimension !== null)) {
    throw refused(`The measure ${name} expects payloadPath, and no dimension.`);
  }
  return { function: name, payloadPath, dimension };
}

function refused(message: string): GatewayError {
  return new GatewayError('BAD_USER_INPUT', message);
}
