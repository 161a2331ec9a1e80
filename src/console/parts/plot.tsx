import { useEffect, useRef, useState } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { colorOf, onThemeChange } from '../layout/theme.ts';

export type PlotOptions = Omit<uPlot.Options, 'width' | 'height'>;

interface PlotProps {
  readonly className: string;
  /** Another one makes another plot; other data alone is put into the one that stands. */
  readonly shape: string;
  readonly options: () => PlotOptions;
  readonly data: uPlot.AlignedData;
}

/** A canvas with a chart, as large as its frame, in the colours of the theme. */
export function Plot({ className, shape, options, data }: PlotProps) {
  const frame = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const [theme, setTheme] = useState(0);
  useEffect(() => onThemeChange(() => setTheme(turn => turn + 1)), []);

  useEffect(() => {
    if (!frame.current) return;
    const { clientWidth: width, clientHeight: height } = frame.current;
    plot.current = new uPlot({ ...options(), width, height }, data, frame.current);
    const watch = new ResizeObserver(([entry]) => {
      if (entry)
        plot.current?.setSize({ width: entry.contentRect.width, height: entry.contentRect.height });
    });
    watch.observe(frame.current);
    return () => {
      watch.disconnect();
      plot.current?.destroy();
      plot.current = null;
    };
    // The options follow from the shape; the data follows below.
  }, [shape, theme]);

  useEffect(() => {
    plot.current?.setData(data);
  }, [data]);

  return <div className={className} ref={frame} />;
}

/** The axes of every chart: names beneath, lines across. */
export function plotAxes(x: uPlot.Axis, y: uPlot.Axis): uPlot.Axis[] {
  const axis = {
    stroke: colorOf('--faint'),
    font: '12px system-ui, sans-serif',
    ticks: { show: false },
    gap: 4,
  };
  return [
    { ...axis, size: 24, grid: { show: false }, ...x },
    { ...axis, size: 44, space: 34, grid: { stroke: colorOf('--line'), width: 1 }, ...y },
  ];
}
