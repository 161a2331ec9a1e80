import { useMemo, useRef, useState } from 'react';
import uPlot from 'uplot';
import { colorOf } from '../../layout/theme.ts';
import { formatCompact, formatNumber } from '../../parts/format.ts';
import { Plot, plotAxes, type PlotOptions } from '../../parts/plot.tsx';
import { Link } from '../../router/link.tsx';
import { navigate } from '../../router/router.ts';
import type { EventsBehind } from './events-behind.ts';
import type { Labels } from './labels.ts';
import type { Chart } from './options.ts';
import { MARGIN, seriesAt } from './series-at.ts';
import type { Layout, Series } from './series.ts';

interface ResultChartProps {
  readonly layout: Layout;
  readonly chart: Chart;
  readonly labels: Labels;
  /** What the values are, in words. */
  readonly title: string;
  readonly addsUp: boolean;
  readonly behind: EventsBehind;
  /** Shows more of the others for themselves; null where there are no more to show. */
  readonly onOpen: (() => void) | null;
}

/** The series over time, which colour is which, and the values beneath the pointer. */
export function ResultChart(props: ResultChartProps) {
  const { layout, chart, labels, title, addsUp, behind, onOpen } = props;
  const [pointed, setPointed] = useState<number | null>(null);
  const data = useMemo(() => dataOf(layout, chart, addsUp), [layout, chart, addsUp]);
  const shape = JSON.stringify([chart, layout.starts, layout.series.map(each => each.color)]);
  const at = pointed === null ? undefined : layout.starts[pointed];
  const when = at === undefined ? '' : labels.full(at);
  const follow = useRef(behind);
  follow.current = behind;
  return (
    <figure className="explore-chart" aria-label={`${title}, as in the table below`}>
      <Plot
        className="plot"
        shape={`${shape} ${labels.timeZone}`}
        options={() =>
          optionsOf(layout, {
            chart,
            labels,
            onPoint: setPointed,
            onClick: (series, bucket) => navigate(follow.current(series, bucket)),
          })
        }
        data={data}
      />
      <figcaption>
        <span className="when">{when || 'Whole time'}</span>
        <ul>
          {layout.series.map(series => (
            <li key={series.name}>
              <i className="dot" style={{ background: `var(${series.color})` }} />
              {series.group === undefined && onOpen ? (
                <button type="button" className="link" title="Show more of them" onClick={onOpen}>
                  {series.name}
                </button>
              ) : (
                <Link className="clip" title="Show its events" href={behind(series, null)}>
                  {series.name}
                </Link>
              )}
              <span className="faint">{valueText(series, at === undefined ? null : pointed)}</span>
            </li>
          ))}
        </ul>
      </figcaption>
    </figure>
  );
}

function valueText({ values, total }: Series, at: number | null): string {
  const value = at === null ? total : (values[at] ?? null);
  return value === null ? '' : formatNumber(value);
}

function dataOf({ starts, series }: Layout, chart: Chart, addsUp: boolean): uPlot.AlignedData {
  const x = starts.map(start => start / 1_000);
  // The sum of no events is 0, as their number is; their mean is nothing.
  const values = series.map(each => (addsUp ? each.values.map(value => value ?? 0) : each.values));
  return [x, ...(chart === 'stacked' ? stacked(values) : values)] as uPlot.AlignedData;
}

/** Each series stands on those before it, and the highest is drawn first. */
function stacked(series: readonly (readonly (number | null)[])[]): number[][] {
  const sums: number[] = [];
  return series
    .map(values => values.map((value, at) => (sums[at] = (sums[at] ?? 0) + (value ?? 0))))
    .reverse();
}

interface Manner {
  readonly chart: Chart;
  readonly labels: Labels;
  readonly onPoint: (bucket: number | null) => void;
  /** Null for the series where the click is at none. */
  readonly onClick: (series: Series | null, bucket: number) => void;
}

function optionsOf(layout: Layout, { chart, labels, onPoint, onClick }: Manner): PlotOptions {
  const { starts, end, series } = layout;
  const drawn = chart === 'stacked' ? series.toReversed() : series;
  return {
    legend: { show: false },
    cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
    padding: [8, 18, 0, 0],
    scales: {
      x: { range: () => [(starts[0] ?? 0) / 1_000, end / 1_000] },
      y: { range: (_plot, min, max) => rangeOf(min, max) },
    },
    axes: plotAxes(
      {
        splits: plot => labelled(starts, plot.width).map(start => start / 1_000),
        values: (_plot, at) => at.map(s => labels.short(s * 1_000)),
      },
      { size: 52, values: (_plot, at) => at.map(formatCompact) },
    ),
    hooks: {
      ready: [
        plot =>
          plot.over.addEventListener('click', ({ offsetX, offsetY }) => {
            const [s, y] = [plot.posToVal(offsetX, 'x'), plot.posToVal(offsetY, 'y')];
            const bucket = bucketAt(starts, s * 1_000);
            if (bucket !== null)
              onClick(seriesAt(layout, chart, { bucket, ms: s * 1_000, y }), bucket);
          }),
      ],
      setCursor: [
        ({ cursor: { left = -1 }, posToVal }) =>
          onPoint(left < 0 ? null : bucketAt(starts, posToVal(left, 'x') * 1_000)),
      ],
    },
    series: [
      {},
      ...drawn.map(({ color }, at) =>
        chart === 'lines'
          ? { stroke: colorOf(color), width: 2, points: { size: 5 } }
          : barsOf(layout, color, chart === 'bars' ? [at, series.length] : [0, 1]),
      ),
    ],
  };
}

function rangeOf(min: number | null, max: number | null): [number, number] {
  const [low, high] = [Math.min(min ?? 0, 0), Math.max(max ?? 0, 0)];
  return low === high ? [0, 1] : [low * 1.05, high * 1.05];
}

/** `place` of `places` bars that stand beside each other in each bucket. */
function barsOf(
  { starts, end }: Layout,
  color: string,
  [place, places]: readonly [number, number],
): uPlot.Series {
  const spans = starts.map((start, at) => ((starts[at + 1] ?? end) - start) / 1_000);
  const size = (span: number) => (span * (1 - 2 * MARGIN)) / places;
  const paths = uPlot.paths.bars?.({
    disp: {
      x0: {
        unit: 1,
        values: () =>
          starts.map((start, at) => {
            const span = spans[at] ?? 0;
            return start / 1_000 + span * MARGIN + place * size(span);
          }),
      },
      size: { unit: 1, values: () => [size(Math.min(...spans))] },
    },
  });
  return { fill: colorOf(color), width: 0, points: { show: false }, ...(paths && { paths }) };
}

const LABEL_WIDTH = 78;

/** As many of the starts as there is room to name. */
function labelled(starts: readonly number[], width: number): number[] {
  const step = Math.max(Math.ceil((starts.length * LABEL_WIDTH) / width), 1);
  return starts.filter((_, at) => at % step === 0);
}

function bucketAt(starts: readonly number[], ms: number): number | null {
  const at = starts.findLastIndex(start => start <= ms);
  return at === -1 ? null : at;
}
