import { UsageError } from './errors.ts';
import { atGateway, clientFrom } from './gateway-connection.ts';
import { filterOf, type ConnectionOptions, type FilterOptions } from './options.ts';
import { isForPeople, table, write, writeLine, type OutputOptions } from './output.ts';

export interface QueryOptions extends ConnectionOptions, FilterOptions, OutputOptions {
  readonly last?: string;
  readonly from?: string;
  readonly to?: string;
  readonly by?: string;
  readonly group?: readonly string[];
  readonly measure?: readonly Measure[];
  readonly timeZone?: string;
  readonly spark?: boolean;
  readonly top?: number;
  readonly approximate?: boolean;
}

export interface Measure {
  readonly function: string;
  readonly payloadPath?: readonly string[];
  readonly dimension?: string;
}

export const GRANULARITIES = ['minute', 'quarter-hour', 'hour', 'day', 'week', 'month'] as const;
export const DIMENSIONS = ['type', 'source', 'subject', 'actor', 'door', 'success', 'category'];
export const FUNCTIONS = ['sum', 'min', 'max', 'avg', 'unique', 'p50', 'p90', 'p95', 'p99'];

interface Aggregate {
  readonly start: string;
  readonly end: string;
  readonly group: readonly { readonly key: string; readonly value: string | null }[];
  readonly count: number;
  readonly measures: readonly {
    readonly function: string;
    readonly path: readonly string[] | null;
    readonly value: number | null;
    readonly text: string | null;
  }[];
}

interface Page {
  readonly eventAggregates: {
    readonly nodes: readonly Aggregate[];
    readonly source: string;
    readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
  };
}

const QUERY = `query ($workspace: String, $input: EventAggregateInput!, $first: Int, $after: String) {
  eventAggregates(workspace: $workspace, input: $input, first: $first, after: $after) {
    nodes {
      start end count group { key value } measures { function path value text }
    }
    source
    pageInfo { hasNextPage endCursor }
  }
}`;

const PAGE = 1_000;
/** More than that is no table. */
const ROWS_MAX = 100_000;

export async function query(options: QueryOptions): Promise<void> {
  if (options.spark === true && options.by === undefined) {
    throw new UsageError('--spark needs --by, such as --by hour.');
  }
  const rows = await atGateway(options, () => readAll(options));
  if (!isForPeople(options) && options.spark !== true) {
    for (const row of rows) await writeLine(row);
    return;
  }
  if (rows.length === 0) return write('There are no events in this time.\n');
  await write(options.spark === true ? sparks(rows) : asTable(rows, options));
}

async function readAll(options: QueryOptions): Promise<Aggregate[]> {
  const client = clientFrom(options);
  const { workspace, top } = options;
  const input = inputOf(options);
  const rows: Aggregate[] = [];
  let after: string | null = null;
  for (;;) {
    const variables: Record<string, unknown> = {
      workspace,
      input,
      first: top ?? PAGE,
      after,
    };
    const { eventAggregates }: Page = await client.query<Page>(QUERY, variables);
    rows.push(...eventAggregates.nodes);
    if (top !== undefined || !eventAggregates.pageInfo.hasNextPage) return rows;
    if (rows.length >= ROWS_MAX) {
      throw new UsageError(
        `The result has more than ${ROWS_MAX} rows. Narrow the query, or use a longer --by.`,
      );
    }
    after = eventAggregates.pageInfo.endCursor;
  }
}

function inputOf(options: QueryOptions) {
  const { by, group, measure, timeZone, top } = options;
  return {
    filter: filterOf(options),
    timeframe: timeframeOf(options),
    ...(by !== undefined && { granularity: by.toUpperCase().replace('-', '_') }),
    ...(group !== undefined && { groupBy: group.map(groupOf) }),
    ...(measure !== undefined && { measures: measure }),
    ...(options.approximate === true && { approximate: true }),
    ...(timeZone !== undefined && { timeZone }),
    ...(options.spark === true && { fill: 'ZERO' }),
    ...(top !== undefined && { orderBy: 'COUNT_DESC' }),
  };
}

function timeframeOf({ last, from, to }: QueryOptions) {
  if (from === undefined && to === undefined) return { last: last ?? 'PT24H' };
  if (last !== undefined) throw new UsageError('--last cannot be combined with --from and --to.');
  if (from === undefined) throw new UsageError('--to needs --from.');
  return { between: { from, to: to ?? new Date().toISOString() } };
}

export function groupOf(name: string) {
  if (DIMENSIONS.includes(name)) return { dimension: name.toUpperCase() };
  return { payloadPath: name.replace(/^payload\./, '').split('.') };
}

function asTable(rows: readonly Aggregate[], { by }: QueryOptions): string {
  const [first] = rows as [Aggregate];
  const headings = [
    ...(by === undefined ? [] : ['FROM']),
    ...first.group.map(({ key }) => key.toUpperCase()),
    'COUNT',
    ...first.measures.map(({ function: name, path }) =>
      path === null ? name : `${name} ${path.join('.')}`,
    ),
  ];
  return table(
    headings,
    rows.map(({ start, group, count, measures }) => [
      ...(by === undefined ? [] : [start.replace(/:00\.000Z$/, 'Z').replace('T00:00Z', '')]),
      ...group.map(({ value }) => value),
      count,
      ...measures.map(({ value, text }) => value ?? text),
    ]),
  );
}

/** A line for each group: its counts over time, and their sum. */
function sparks(rows: readonly Aggregate[]): string {
  const starts = [...new Set(rows.map(({ start }) => start))].sort();
  const groups = new Map<string, Map<string, number>>();
  for (const { group, start, count } of rows) {
    const name = group.map(({ value }) => value ?? '–').join(' ') || 'all';
    const counts = groups.get(name) ?? new Map<string, number>();
    groups.set(name, counts.set(start, count));
  }
  const lines = [...groups].map(([name, counts]) => {
    const values = starts.map(start => counts.get(start) ?? 0);
    return [name, spark(values), values.reduce((sum, value) => sum + value, 0)];
  });
  lines.sort((a, b) => (b[2] as number) - (a[2] as number));
  const span = `${starts[0]} to ${rows.reduce((end, row) => (row.end > end ? row.end : end), '')}`;
  return `${table(['', '', 'COUNT'], lines)}${span}\n`;
}

const BLOCKS = '▁▂▃▄▅▆▇█';

/** Numbers as a line of blocks: the greatest is full, and nothing at all is a blank. */
function spark(values: readonly number[]): string {
  const greatest = Math.max(...values, 0);
  return values
    .map(value => {
      if (value <= 0) return ' ';
      return BLOCKS[Math.min(7, Math.ceil((value / greatest) * 8) - 1)];
    })
    .join('');
}
