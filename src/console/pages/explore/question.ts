/** From what is chosen to what is asked, and to the query as people may copy it. */
import { graphql, type ResultOf, type VariablesOf } from '../../api/graphql.ts';
import { needsProperty, type Group, type Options, type Timeframe } from './options.ts';

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
        }
      }
    }
  }
`);

/** Which groups there are most of: of sources and actors there may be any number. */
export const TopGroups = graphql(`
  query TopGroups($workspace: String!, $input: EventAggregateInput!) {
    eventAggregates(workspace: $workspace, input: $input, first: 12) {
      nodes {
        group {
          value
        }
      }
      pageInfo {
        hasNextPage
      }
    }
  }
`);

type Aggregates = ResultOf<typeof Explore>['eventAggregates'];
export type Bucket = Aggregates['nodes'][number];
export type AnswerSource = Aggregates['source'];
export type Input = VariablesOf<typeof Explore>['input'];
type Filter = NonNullable<Input['filter']>;

const DIMENSIONS = {
  type: 'TYPE',
  category: 'CATEGORY',
  door: 'DOOR',
  source: 'SOURCE',
  actor: 'ACTOR',
  subject: 'SUBJECT',
  success: 'SUCCESS',
} as const;

const FUNCTIONS = { unique: 'UNIQUE', sum: 'SUM', avg: 'AVG', min: 'MIN', max: 'MAX' } as const;

/** Null where something is still to be said. */
export function inputOf(options: Options, timeframe: Timeframe | null): Input | null {
  if (timeframe === null) return null;
  if (needsProperty(options) && pathOf(options).length === 0) return null;
  const { type, every, group } = options;
  return {
    ...(type === '' ? {} : { filter: typeFilter(type) }),
    timeframe: { between: timeframe },
    granularity: every,
    ...(group === 'none' ? {} : { groupBy: [{ dimension: DIMENSIONS[group] }] }),
    ...measuresOf(options),
    fill: 'ZERO',
  };
}

function measuresOf(options: Options): Pick<Input, 'measures'> {
  const { measure, field } = options;
  if (measure === 'count') return {};
  const of = needsProperty(options)
    ? { payloadPath: pathOf(options) }
    : { dimension: DIMENSIONS[field as Exclude<typeof field, 'property'>] };
  return { measures: [{ function: FUNCTIONS[measure], ...of }] };
}

function pathOf({ property }: Options): string[] {
  return property.split('.').filter(key => key !== '');
}

function typeFilter(type: string): Filter {
  return type.endsWith('*') ? { typePrefix: type.slice(0, -1) } : { types: [type] };
}

/** Whether only the groups with the most events are asked for. */
export function isTopOnly(group: Group): group is 'source' | 'actor' {
  return group === 'source' || group === 'actor';
}

/** Asks which groups have the most events. */
export function topInputOf({ filter, timeframe, groupBy }: Input): Input {
  return {
    ...(filter == null ? {} : { filter }),
    ...(groupBy == null ? {} : { groupBy }),
    timeframe,
    orderBy: 'COUNT_DESC',
  };
}

export function withGroups(
  input: Input,
  group: 'source' | 'actor',
  values: readonly string[],
): Input {
  const filter = { ...input.filter, [group === 'source' ? 'sources' : 'actors']: values };
  return { ...input, filter };
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
const ENUMS = new Set(['granularity', 'dimension', 'function', 'fill', 'orderBy']);

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
