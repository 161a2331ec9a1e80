/** The buckets of an answer, laid out for a chart and a table: one series for each group. */
import { typeColor } from '../../parts/type-color.ts';
import type { Group, Measure } from './options.ts';
import { addsUp, GROUPS } from './options.ts';
import type { Bucket } from './question.ts';

/** Groups that have a colour of their own. */
const COLORS = 6;

export interface Series {
  readonly name: string;
  readonly color: string;
  /** One for each bucket of time; null where there is none, such as the mean of nothing. */
  readonly values: readonly (number | null)[];
  /** Null where the values don't add up. */
  readonly total: number | null;
}

export interface Layout {
  /** When each bucket of time begins, in ms, in order. */
  readonly starts: readonly number[];
  /** When the last one ends. */
  readonly end: number;
  /** Those with the most events first. */
  readonly series: readonly Series[];
  /** How many events there are in all of it. */
  readonly events: number;
  /** Groups that are not shown since they are too many and don't add up. */
  readonly unshown: number;
}

interface Grouped {
  readonly name: string;
  readonly values: (number | null)[];
  events: number;
}

export function layOut(buckets: readonly Bucket[], group: Group, measure: Measure): Layout {
  const starts = [...new Set(buckets.map(({ start }) => Date.parse(start)))].sort((a, b) => a - b);
  const places = new Map(starts.map((start, at) => [start, at]));
  const byName = new Map<string, Grouped>();
  for (const bucket of buckets) {
    const name = nameOf(bucket, group);
    let found = byName.get(name);
    if (!found) {
      found = { name, values: Array<number | null>(starts.length).fill(null), events: 0 };
      byName.set(name, found);
    }
    found.values[places.get(Date.parse(bucket.start)) ?? 0] = valueOf(bucket, measure);
    found.events += bucket.count;
  }
  const grouped = [...byName.values()].sort((a, b) => b.events - a.events);
  const [first, rest] = [grouped.slice(0, COLORS), grouped.slice(COLORS)];
  const series = first.map(({ name, values }, at) =>
    seriesOf(name, group === 'type' ? typeColor(name) : `--series-${at + 1}`, { values, measure }),
  );
  if (rest.length > 0 && addsUp(measure)) {
    const values = starts.map((_, at) => sum(rest.map(each => each.values[at] ?? null)));
    series.push(seriesOf(`${rest.length} others`, '--series-rest', { values, measure }));
  }
  return {
    starts,
    series,
    end: buckets.reduce((latest, { end }) => Math.max(latest, Date.parse(end)), 0),
    events: grouped.reduce((all, { events }) => all + events, 0),
    unshown: addsUp(measure) ? 0 : rest.length,
  };
}

function seriesOf(
  name: string,
  color: string,
  { values, measure }: { values: readonly (number | null)[]; measure: Measure },
): Series {
  return { name, color, values, total: addsUp(measure) ? sum(values) : null };
}

function sum(values: readonly (number | null)[]): number {
  return values.reduce<number>((all, value) => all + (value ?? 0), 0);
}

export function valueOf({ count, measures }: Bucket, measure: Measure): number | null {
  return measure === 'count' ? count : (measures[0]?.value ?? null);
}

/** What a group is called. */
function nameOf({ group: [of] }: Bucket, group: Group): string {
  if (!of) return 'Events';
  if (of.value === null) return `No ${GROUPS[group].toLowerCase()}`;
  if (group === 'success') return of.value === 'true' ? 'Succeeded' : 'Failed';
  return of.value;
}
