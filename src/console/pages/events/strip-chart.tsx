import { memo, useEffect, useMemo, useRef, useState } from 'react';
import uPlot from 'uplot';
import { colorOf } from '../../layout/theme.ts';
import { formatCompact, formatCount, formatDate, formatMinute } from '../../parts/format.ts';
import { Plot, plotAxes, type PlotOptions } from '../../parts/plot.tsx';
import { MINUTES, type Granularity } from './buckets.ts';
import type { Series, TypeCounts } from './type-counts.ts';

/** Four times a second is as much as an eye follows in bars of a minute. */
const EVERY_MS = 250;

interface StripChartProps {
  readonly counts: TypeCounts;
  readonly isLive: boolean;
  /** Changes when what stands still has been counted. */
  readonly version: unknown;
  readonly onChoose: (type: string) => void;
  /** Narrows to the time of a bar. */
  readonly onNarrow: (fromMs: number, toMs: number) => void;
}

interface Shown {
  readonly edges: readonly number[];
  readonly series: readonly Series[];
}

/** Bars over time, stacked by type, and which colour is which. */
export const StripChart = memo(function StripChart(props: StripChartProps) {
  const { counts, isLive, version, onChoose, onNarrow } = props;
  const [shown, setShown] = useState<Shown>(() => look(counts));
  useEffect(() => {
    setShown(look(counts));
    if (!isLive) return;
    const timer = setInterval(() => setShown(look(counts)), EVERY_MS);
    return () => clearInterval(timer);
  }, [counts, isLive, version]);
  const total = shown.series.reduce((sum, each) => sum + each.total, 0);
  const where = isLive ? `in ${MINUTES} minutes` : 'in this time';
  return (
    <figure className="strip-chart" aria-label={`${formatCount(total)} events ${where}`}>
      <div className="bars">
        <Bars {...{ shown }} granularity={counts.buckets.granularity} />
        <BarButtons {...{ shown, onNarrow }} granularity={counts.buckets.granularity} />
      </div>
      <figcaption>
        <span className="total">
          <b>{formatCount(total)}</b> {where}
        </span>
        <ul>
          {shown.series.map(({ type, color, total: count }) => (
            <li key={type ?? ''}>
              <LegendEntry {...{ type, color, count, onChoose }} />
            </li>
          ))}
        </ul>
      </figcaption>
    </figure>
  );
});

function look(counts: TypeCounts): Shown {
  const edges = counts.buckets.edges(Date.now());
  return { edges, series: counts.series(edges) };
}

interface LegendEntryProps {
  readonly type: string | null;
  readonly color: string;
  readonly count: number;
  readonly onChoose: (type: string) => void;
}

function LegendEntry({ type, color, count, onChoose }: LegendEntryProps) {
  const content = (
    <>
      <i className="dot" style={{ background: `var(${color})` }} />
      <span className="clip">{type ?? 'Others'}</span>
      <span className="faint">{formatCompact(count)}</span>
    </>
  );
  if (type === null) return <span className="legend-entry">{content}</span>;
  return (
    <button
      type="button"
      className="legend-entry"
      title={`Show ${type} alone, or among others`}
      onClick={() => onChoose(type)}
    >
      {content}
    </button>
  );
}

interface BarButtonsProps {
  readonly shown: Shown;
  readonly granularity: Granularity;
  readonly onNarrow: (fromMs: number, toMs: number) => void;
}

/** One over each bar, as high as the chart. Fields for the time do the same by keyboard. */
function BarButtons({ shown: { edges, series }, granularity, onNarrow }: BarButtonsProps) {
  return (
    <div className="bar-buttons">
      {edges.slice(0, -1).map((from, at) => {
        const to = edges[at + 1] ?? from;
        const count = series.reduce((sum, { counts }) => sum + (counts[at] ?? 0), 0);
        const name = `${fullLabel(from, granularity)}: ${formatCount(count)} ${count === 1 ? 'event' : 'events'}`;
        return (
          <button
            key={from}
            type="button"
            tabIndex={-1}
            aria-label={name}
            title={name}
            onClick={() => onNarrow(from, to)}
          />
        );
      })}
    </div>
  );
}

function Bars({ shown, granularity }: { shown: Shown; granularity: Granularity }) {
  const { edges, series } = shown;
  const data = useMemo(() => dataOf(shown), [shown]);
  const colors = series.map(each => each.color);
  // The plot stays while minutes go by: it asks for their names when it draws.
  const latest = useRef(edges);
  latest.current = edges;
  const labelAt = (at: number) => axisLabel(latest.current[at], granularity);
  return (
    <Plot
      className="plot"
      shape={`${colors.join()} ${granularity} ${edges.length}`}
      options={() => optionsOf(colors, labelAt)}
      data={data}
    />
  );
}

/** Stacked: each series stands on those before it, and the highest is drawn first. */
function dataOf({ edges, series }: Shown): uPlot.AlignedData {
  const sums = Array<number>(edges.length - 1).fill(0);
  const stacked = series.map(({ counts }) =>
    counts.map((count, at) => (sums[at] = (sums[at] ?? 0) + count)),
  );
  return [sums.map((_, at) => at), ...stacked.reverse()];
}

function optionsOf(colors: readonly string[], labelAt: (at: number) => string): PlotOptions {
  const paths = uPlot.paths.bars?.({ size: [0.78, 28], radius: 0 });
  return {
    legend: { show: false },
    cursor: { show: false },
    padding: [8, RIGHT_PX, 0, 0],
    scales: {
      // Half a bar more at each end.
      x: { time: false, range: (_plot, min, max) => [min - 0.5, max + 0.5] },
      y: { range: (_plot, _min, max) => [0, Math.max(max * 1.05, 4)] },
    },
    axes: plotAxes(
      {
        incrs: [1, 2, 5, 10, 15, 30],
        space: 64,
        values: (_plot, at) => at.map(n => (Number.isInteger(n) ? labelAt(n) : '')),
      },
      { values: (_plot, at) => at.map(n => (Number.isInteger(n) ? formatCompact(n) : '')) },
    ),
    series: [
      {},
      ...colors.toReversed().map(color => ({
        fill: colorOf(color),
        width: 0,
        points: { show: false },
        ...(paths && { paths }),
      })),
    ],
  };
}

/** Right of the last bar; `.bar-buttons` in events.css knows it, too. */
const RIGHT_PX = 4;

const isOfDay = (granularity: Granularity) =>
  granularity === 'MINUTE' || granularity === 'QUARTER_HOUR' || granularity === 'HOUR';

const shortDay = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });
const month = new Intl.DateTimeFormat(undefined, { month: 'short', year: 'numeric' });

/** Midnight is where a day begins. */
function axisLabel(ms: number | undefined, granularity: Granularity): string {
  if (ms === undefined) return '';
  if (granularity === 'MONTH') return month.format(ms);
  if (!isOfDay(granularity)) return shortDay.format(ms);
  const time = formatMinute(ms);
  return time === '00:00' ? shortDay.format(ms) : time;
}

function fullLabel(ms: number, granularity: Granularity): string {
  return isOfDay(granularity) ? `${formatDate(ms)}, ${formatMinute(ms)}` : formatDate(ms);
}
