/** From what is chosen to what is asked, and to the query as people may copy it. */
import { graphql, type ResultOf, type VariablesOf } from '../../api/graphql.ts';
import type { EventFilter } from '../../filters/documents.ts';
import { allOf } from '../../filters/filter.ts';
import { needsProperty, pathOf, type Options, type Timeframe } from './options.ts';

export const Explore = graphql(`
  query Explore($workspace: String!, $input: EventAggregateInput!, $after: String) {
    eventAggregates(workspace: $workspace, input: $input, first: 1000, after: $after) {
      source
      pageInfo {
        hasNextPage
        endCursor
      }
      nodes {
        start
        end
        count
        group {
          value
        }
        measures {
          value
          relativeError
        }
      }
    }
  }
`);

/** What each group makes in the whole time, those with the most events first. */
export const TopGroups = graphql(`
  query TopGroups($workspace: String!, $input: EventAggregateInput!, $first: Int!) {
    eventAggregates(workspace: $workspace, input: $input, first: $first) {
      totalCount
      nodes {
        count
        isOther
        group {
          value
        }
        measures {
          value
        }
      }
    }
  }
`);

type Aggregates = ResultOf<typeof Explore>['eventAggregates'];
export type Bucket = Aggregates['nodes'][number];
export type AnswerSource = Aggregates['source'];
export type Input = VariablesOf<typeof Explore>['input'];

const DIMENSIONS = {
  type: 'TYPE',
  category: 'CATEGORY',
  door: 'DOOR',
  source: 'SOURCE',
  actor: 'ACTOR',
  subject: 'SUBJECT',
  success: 'SUCCESS',
} as const;

const FUNCTIONS = {
  unique: 'UNIQUE',
  sum: 'SUM',
  avg: 'AVG',
  min: 'MIN',
  max: 'MAX',
  p50: 'P50',
  p90: 'P90',
  p95: 'P95',
  p99: 'P99',
} as const;

/**
 * The groups and measures of the whole time, without steps. Null where something is still to be
 * said.
 */
export function inputOf(
  options: Options,
  timeframe: Timeframe | null,
  filter: EventFilter | null,
): Input | null {
  if (timeframe === null) return null;
  if (needsProperty(options) && pathOf(options.property).length === 0) return null;
  if (options.group === 'payload' && pathOf(options.key).length === 0) return null;
  return {
    ...filterWith(filter, hasManyGroups(options) && needsProperty(options) ? has(options) : null),
    timeframe: { between: timeframe },
    ...groupByOf(options),
    ...measuresOf(options),
    // A meter may answer, within a hundredth. Without one the events do, exactly.
    ...(isSketched(options) && { approximate: true }),
  };
}

function isSketched({ measure }: Options): boolean {
  return measure === 'unique' || measure.startsWith('p');
}

/** Of these there may be any number, and only some can be asked for. */
export function hasManyGroups({ group }: Options): boolean {
  return group === 'source' || group === 'subject' || group === 'actor' || group === 'payload';
}

/** Groups whose events all lack the property would only take the place of those that have it. */
function has({ property }: Options): EventFilter {
  return { payload: [{ path: pathOf(property), exists: true }] };
}

export function filterWith(
  filter: EventFilter | null | undefined,
  more: EventFilter | null,
): Pick<Input, 'filter'> {
  const both = allOf([filter ?? null, more].filter(each => each !== null));
  return both === null ? {} : { filter: both };
}

function groupByOf({ group, key }: Options): Pick<Input, 'groupBy'> {
  if (group === 'none') return {};
  if (group === 'payload') return { groupBy: [{ payloadPath: pathOf(key) }] };
  return { groupBy: [{ dimension: DIMENSIONS[group] }] };
}

function measuresOf(options: Options): Pick<Input, 'measures'> {
  const { measure, field, property } = options;
  if (measure === 'count') return {};
  const of = needsProperty(options)
    ? { payloadPath: pathOf(property) }
    : { dimension: DIMENSIONS[field as Exclude<typeof field, 'property'>] };
  return { measures: [{ function: FUNCTIONS[measure], ...of }] };
}

/** The events that have one of these values in what is grouped by. */
export function groupFilter({ group, key }: Options, values: readonly string[]): EventFilter {
  switch (group) {
    case 'type':
      return { types: [...values] };
    case 'category':
      return { categories: [...values] };
    case 'door':
      return { doors: [...values] as NonNullable<EventFilter['doors']> };
    case 'source':
      return { sources: [...values] };
    case 'subject':
      return { subjects: [...values] };
    case 'actor':
      return { actors: [...values] };
    case 'success':
      return { or: values.map(value => ({ success: value === 'true' })) };
    case 'payload':
      return { payload: [{ path: pathOf(key), in: values.flatMap(payloadValues) }] };
    case 'none':
      return {};
  }
}

/** A group is named by a text: what has it may be this text, or a number or a boolean. */
function payloadValues(text: string): unknown[] {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value !== 'string' && JSON.stringify(value) === text ? [text, value] : [text];
  } catch {
    return [text];
  }
}

/** The query with its arguments in it, as it runs in GraphiQL or anywhere else. */
export function printQuery(workspace: string, input: Input): string {
  const shown = { ...input };
  const hasGroup = input.groupBy != null;
  const hasMeasure = input.measures != null;
  return [
    'query {',
    '  eventAggregates(',
    `    workspace: ${JSON.stringify(workspace)}`,
    `    input: ${printValue(shown, '    ')}`,
    '    first: 1000',
    '  ) {',
    '    source',
    '    nodes {',
    '      start',
    '      end',
    '      count',
    ...(hasGroup ? ['      group { key value }'] : []),
    ...(hasMeasure ? ['      measures { function path value }'] : []),
    '    }',
    '    pageInfo { hasNextPage endCursor }',
    '  }',
    '}',
  ].join('\n');
}

/** Values of these are names of enums and stand without quotes. */
const ENUMS = new Set(['granularity', 'dimension', 'function', 'fill', 'orderBy', 'doors']);

function printValue(value: unknown, indent: string, key = ''): string {
  if (Array.isArray(value)) {
    return `[${value.map(each => printValue(each, indent, key)).join(', ')}]`;
  }
  if (typeof value !== 'object' || value === null) {
    return ENUMS.has(key) ? String(value) : JSON.stringify(value);
  }
  const entries = Object.entries(value);
  const deeper = `${indent}  `;
  const printed = entries.map(([name, each]) => `${name}: ${printValue(each, deeper, name)}`);
  const isFlat = indent.length > 4;
  if (isFlat) return `{ ${printed.join(', ')} }`;
  return `{\n${printed.map(line => `${deeper}${line}`).join('\n')}\n${indent}}`;
}
