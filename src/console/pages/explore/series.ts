/** An answer, laid out for a chart and a table: one series for each group. */
import { DOORS, formatCount } from '../../parts/format.ts';
import { typeColor } from '../../parts/type-color.ts';
import { GROUPS, GROUPS_USUAL, type Measure, type Options } from './options.ts';
import type { Bucket } from './question.ts';
import type { Answer } from './use-answer.ts';

export interface Series {
  readonly name: string;
  readonly color: string;
  /** The value that is grouped by; null for events without one. Undefined for the others. */
  readonly group: string | null | undefined;
  /** One for each bucket of time; null where there is none, such as the mean of nothing. */
  readonly values: readonly (number | null)[];
  /** What they make in the whole time. */
  readonly total: number | null;
}

export interface Layout {
  /** When each bucket of time begins, in ms, in order. */
  readonly starts: readonly number[];
  /** When the last one ends. */
  readonly end: number;
  /** The greatest first, then the others. */
  readonly series: readonly Series[];
  /** How many events there are in all of it. */
  readonly events: number;
}

export function layOut({ options, groups, others, buckets }: Answer): Layout {
  const all = [...buckets, ...(others?.buckets ?? [])];
  const starts = [...new Set(all.map(({ start }) => Date.parse(start)))].sort((a, b) => a - b);
  const places = new Map(starts.map((start, at) => [start, at]));
  const nothing = () => Array<number | null>(starts.length).fill(null);
  const put = (values: (number | null)[], bucket: Bucket) => {
    values[places.get(Date.parse(bucket.start)) ?? 0] = valueOf(bucket, options.measure);
  };
  const byValue = new Map(groups.map(({ value }) => [value, nothing()]));
  for (const bucket of buckets) {
    const values = byValue.get(bucket.group[0]?.value ?? null);
    if (values) put(values, bucket);
  }
  const series: Series[] = groups.map(({ value, total }, at) => ({
    name: nameOf(value, options),
    color: colorOf(value, at, options),
    group: value,
    values: byValue.get(value) ?? [],
    total,
  }));
  if (others) {
    const values = nothing();
    for (const bucket of others.buckets) put(values, bucket);
    const { groups: count, total } = others;
    const [name, color] = [`${formatCount(count)} others`, '--series-rest'];
    series.push({ name, color, group: undefined, values, total });
  }
  const counted = groups.reduce((sum, { count }) => sum + count, others?.count ?? 0);
  const end = all.reduce((latest, { end: at }) => Math.max(latest, Date.parse(at)), 0);
  return { starts, end, series, events: counted };
}

export function valueOf({ count, measures }: Bucket, measure: Measure): number | null {
  return measure === 'count' ? count : (measures[0]?.value ?? null);
}

const TYPE_COLORS = 24;

function colorOf(value: string | null, at: number, { group }: Options): string {
  if (group === 'type') return typeColor(value ?? '');
  return at <= GROUPS_USUAL - 1 ? `--series-${at + 1}` : `--type-${(at % TYPE_COLORS) + 1}`;
}

/** What a group is called. */
export function nameOf(value: string | null, { group, key }: Options): string {
  if (group === 'none') return 'Events';
  if (group === 'success' && value !== null) return value === 'true' ? 'Succeeded' : 'Failed';
  if (value === null) return `No ${group === 'payload' ? key : GROUPS[group].toLowerCase()}`;
  if (group === 'door' && Object.hasOwn(DOORS, value)) return DOORS[value as keyof typeof DOORS];
  return value;
}
