import type { ReactNode } from 'react';
import { formatCount, formatNumber } from '../../parts/format.ts';
import { Table, type Column } from '../../parts/table.tsx';
import { Link } from '../../router/link.tsx';
import type { EventsBehind } from './events-behind.ts';
import type { Labels } from './labels.ts';
import { addsUp, titleOf, type Options } from './options.ts';
import type { Layout, Series } from './series.ts';

/** Rows that the page shows; the files have all. */
const ROWS_MAX = 500;

interface ResultTableProps {
  readonly layout: Layout;
  readonly labels: Labels;
  readonly options: Options;
  readonly behind: EventsBehind;
}

/** A bucket of time; null for the whole time. */
type Place = number | null;

/** The whole time, then bucket by bucket, newest first. Each number leads to its events. */
export function ResultTable({ layout, labels, options, behind }: ResultTableProps) {
  const { starts, series } = layout;
  const places: Place[] = [null, ...starts.map((_, at) => at).reverse()];
  const valueAt = (each: Series, at: Place) =>
    at === null ? each.total : (each.values[at] ?? null);
  const columns: Column<Place>[] = [
    {
      title: 'From',
      cell: at => (
        <span className="when">
          {at === null ? <b>Whole time</b> : labels.full(starts[at] ?? 0)}
        </span>
      ),
    },
    ...series.map(each => ({
      title: <span className="clip">{each.name}</span>,
      isNumber: true,
      cell: (at: Place) => <Value value={valueAt(each, at)} href={behind(each, at)} />,
    })),
  ];
  if (addsUp(options.measure) && series.length > 1) {
    columns.push({
      title: 'Total',
      isNumber: true,
      cell: at => {
        const sum = series.reduce((all, each) => all + (valueAt(each, at) ?? 0), 0);
        return <Value value={sum} href={behind(null, at)} isStrong />;
      },
    });
  }
  return (
    <>
      {starts.length > ROWS_MAX && (
        <p className="explore-note">
          The newest {ROWS_MAX} rows. The files have all {formatCount(starts.length)}.
        </p>
      )}
      <Table
        caption={titleOf(options)}
        columns={columns}
        rows={places.slice(0, ROWS_MAX + 1)}
        keyOf={String}
      />
    </>
  );
}

interface ValueProps {
  readonly value: number | null;
  readonly href: string;
  readonly isStrong?: boolean;
}

function Value({ value, href, isStrong = false }: ValueProps): ReactNode {
  if (value === null) return <span className="faint">–</span>;
  if (value === 0) return <span className="faint">0</span>;
  const text = formatNumber(value);
  return (
    <Link href={href} title="Show its events">
      {isStrong ? <b>{text}</b> : text}
    </Link>
  );
}
