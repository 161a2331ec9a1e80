import { useMemo } from 'react';
import uPlot from 'uplot';
import { colorOf } from '../../layout/theme.ts';
import { formatCompact, formatCount, formatMinute } from '../../parts/format.ts';
import { Plot, plotAxes, type PlotOptions } from '../../parts/plot.tsx';

interface RecordedChartProps {
  readonly minutes: readonly { readonly start: string; readonly count: number }[];
}

const MINUTE_S = 60;

/** How many events were recorded in each minute of the last hour, whenever they happened. */
export function RecordedChart({ minutes }: RecordedChartProps) {
  const data = useMemo<uPlot.AlignedData>(
    () => [
      minutes.map(({ start }) => Date.parse(start) / 1_000),
      minutes.map(({ count }) => count),
    ],
    [minutes],
  );
  const most = Math.max(...minutes.map(({ count }) => count));
  return (
    <figure
      className="recorded-chart"
      aria-label={`Events recorded in each minute of the last hour, at most ${formatCount(most)}`}
    >
      <figcaption className="faint">Recorded in each minute of the last hour</figcaption>
      <Plot className="plot" shape="minutes" options={optionsOf} data={data} />
    </figure>
  );
}

function optionsOf(): PlotOptions {
  const paths = uPlot.paths.bars?.({ size: [0.8], align: 1 });
  return {
    legend: { show: false },
    cursor: { show: false },
    padding: [8, 12, 0, 0],
    scales: {
      x: { range: (_plot, min, max) => [min, max + MINUTE_S] },
      y: { range: (_plot, _min, max) => [0, Math.max(max ?? 0, 1) * 1.05] },
    },
    axes: plotAxes(
      { space: 70, values: (_plot, at) => at.map(s => formatMinute(s * 1_000)) },
      {
        // Events are whole.
        incrs: [1, 2, 5]
          .flatMap(step => [1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7].map(n => n * step))
          .sort((a, b) => a - b),
        values: (_plot, at) => at.map(formatCompact),
      },
    ),
    series: [
      {},
      { fill: colorOf('--series-1'), width: 0, points: { show: false }, ...(paths && { paths }) },
    ],
  };
}
