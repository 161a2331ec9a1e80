import { useMemo } from 'react';
import { useQuery } from 'urql';
import type { VariablesOf } from '../../api/graphql.ts';
import { useWorkspace } from '../../layout/workspace.tsx';
import { Trends } from './documents.ts';

export const TREND_DAYS = 14;
const DAY_MS = 86_400_000;
const QUARTER_HOUR_MS = 900_000;

/** By type, how many events happened on each of the last days, today last. */
export type TrendsByType = ReadonlyMap<string, readonly number[]>;

/** Asked for by one query; null until it is answered. A type without events is not there. */
export function useTrends(names: readonly string[]): TrendsByType | null {
  const { slug } = useWorkspace();
  const key = names.join('\n');
  const input = useMemo(() => trendInput(names, Date.now()), [key]);
  const [{ data, fetching }] = useQuery({
    query: Trends,
    variables: { workspace: slug, input },
    pause: names.length === 0,
  });
  return useMemo(() => {
    if (!data || fetching) return null;
    const byName = new Map<string, number[]>();
    for (const { group, count } of data.eventAggregates.nodes) {
      const name = group[0]?.value ?? '';
      byName.set(name, [...(byName.get(name) ?? []), count]);
    }
    // The first day is cut by the hour of now.
    return new Map([...byName].map(([name, counts]) => [name, counts.slice(-TREND_DAYS)]));
  }, [data, fetching]);
}

/** Ends with a quarter of an hour, as precomputed counts do. */
function trendInput(names: readonly string[], nowMs: number): VariablesOf<typeof Trends>['input'] {
  const to = Math.ceil(nowMs / QUARTER_HOUR_MS) * QUARTER_HOUR_MS;
  const from = to - (TREND_DAYS + 1) * DAY_MS;
  return {
    filter: { types: [...names] },
    timeframe: { between: { from: new Date(from).toISOString(), to: new Date(to).toISOString() } },
    granularity: 'DAY',
    groupBy: [{ dimension: 'TYPE' }],
    fill: 'ZERO',
  };
}
