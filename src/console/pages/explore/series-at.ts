import type { Chart } from './options.ts';
import type { Layout, Series } from './series.ts';

/** Of the bar of a bucket so much is left free at either side. */
export const MARGIN = 0.1;

interface Point {
  readonly bucket: number;
  readonly ms: number;
  /** On the scale of the values. */
  readonly y: number;
}

/** The series that is drawn at a point of the chart; null where there is none. */
export function seriesAt(layout: Layout, chart: Chart, point: Point): Series | null {
  const { series } = layout;
  const values = series.map(each => each.values[point.bucket] ?? null);
  if (chart === 'lines') return nearest(series, values, point.y);
  if (chart === 'bars') return series[placeOf(layout, point)] ?? null;
  let top = 0;
  const at = values.findIndex(value => point.y <= (top += value ?? 0));
  return series[at] ?? null;
}

function nearest(
  series: readonly Series[],
  values: readonly (number | null)[],
  y: number,
): Series | null {
  let [found, distance]: [Series | null, number] = [null, Infinity];
  series.forEach((each, at) => {
    const value = values[at] ?? null;
    const away = value === null ? Infinity : Math.abs(value - y);
    if (away < distance) [found, distance] = [each, away];
  });
  return found;
}

function placeOf({ starts, end, series }: Layout, { bucket, ms }: Point): number {
  const start = starts[bucket] ?? 0;
  const span = (starts[bucket + 1] ?? end) - start;
  return Math.floor((((ms - start) / span - MARGIN) / (1 - 2 * MARGIN)) * series.length);
}
