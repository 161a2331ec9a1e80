import { memo, useEffect, useMemo, useState } from 'react';
import uPlot from 'uplot';
import { colorOf } from '../../layout/theme.ts';
import { formatCompact, formatCount, formatMinute } from '../../parts/format.ts';
import { Plot, plotAxes, type PlotOptions } from '../../parts/plot.tsx';
import { MinuteCounts, MINUTES, type Series } from './minute-counts.ts';

/** Four times a second is as much as an eye follows in bars of a minute. */
const EVERY_MS = 250;

interface StripChartProps {
  readonly minutes: MinuteCounts;
  readonly onChoose: (type: string) => void;
}

/** Bars of the last minutes, stacked by type, and which colour is which. */
export const StripChart = memo(function StripChart({ minutes, onChoose }: StripChartProps) {
  const [series, setSeries] = useState<readonly Series[]>([]);
  useEffect(() => {
    const look = () => setSeries(minutes.series(Date.now()));
    look();
    const timer = setInterval(look, EVERY_MS);
    return () => clearInterval(timer);
  }, [minutes]);
  const total = series.reduce((sum, each) => sum + each.total, 0);
  return (
    <figure
      className="strip-chart"
      aria-label={`${formatCount(total)} events in ${MINUTES} minutes`}
    >
      <Bars series={series} />
      <figcaption>
        <span className="total">
          <b>{formatCount(total)}</b> in {MINUTES} minutes
        </span>
        <ul>
          {series.map(({ type, color, total: count }) => (
            <li key={type ?? ''}>
              <LegendEntry {...{ type, color, count, onChoose }} />
            </li>
          ))}
        </ul>
      </figcaption>
    </figure>
  );
});

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

function Bars({ series }: { series: readonly Series[] }) {
  const data = useMemo(() => dataOf(series), [series]);
  const colors = series.map(each => each.color);
  return (
    <Plot className="bars" shape={colors.join()} options={() => optionsOf(colors)} data={data} />
  );
}

/** Stacked: each series stands on those before it, and the highest is drawn first. */
function dataOf(series: readonly Series[]): uPlot.AlignedData {
  const sums = Array<number>(MINUTES).fill(0);
  const stacked = series.map(({ counts }) =>
    counts.map((count, at) => (sums[at] = (sums[at] ?? 0) + count)),
  );
  return [MinuteCounts.minutes(Date.now()), ...stacked.reverse()] as uPlot.AlignedData;
}

function optionsOf(colors: readonly string[]): PlotOptions {
  const paths = uPlot.paths.bars?.({ size: [0.78, 28], radius: 0 });
  return {
    legend: { show: false },
    cursor: { show: false },
    padding: [8, 4, 0, 0],
    // Half a bar more at each end.
    scales: {
      x: { range: (_plot, min, max) => [min - 30, max + 30] },
      y: { range: (_plot, _min, max) => [0, Math.max(max * 1.05, 4)] },
    },
    axes: plotAxes(
      { values: (_plot, at) => at.map(s => formatMinute(s * 1_000)) },
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
