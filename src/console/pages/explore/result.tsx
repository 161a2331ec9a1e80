import { useMemo } from 'react';
import { useWorkspace } from '../../layout/workspace.tsx';
import { Button } from '../../parts/button.tsx';
import { CopyButton } from '../../parts/copy-button.tsx';
import { downloadFile, toCsv } from '../../parts/download.ts';
import { formatCount, formatNumber } from '../../parts/format.ts';
import { Card } from '../../parts/page.tsx';
import { Empty } from '../../parts/states.tsx';
import { Table, type Column } from '../../parts/table.tsx';
import { ResultChart } from './chart.tsx';
import { fileName, rowsOf, toNdjson } from './download.ts';
import { labelsOf, type Labels } from './labels.ts';
import { addsUp, FIELDS, MEASURES, needsProperty, type Chart, type Options } from './options.ts';
import { printQuery } from './question.ts';
import { layOut, type Layout } from './series.ts';
import type { Answer } from './use-answer.ts';

/** Rows that the page shows; the files have all. */
const ROWS_MAX = 500;

const SOURCES = {
  ROLLUP: 'from precomputed counts',
  EVENTS: 'counted from the events that are still kept',
  MIXED: 'from precomputed counts, and at the ends from events',
} as const;

interface ResultProps {
  readonly answer: Answer;
  readonly chart: Chart;
  readonly isWaiting: boolean;
}

export function Result({ answer, chart, isWaiting }: ResultProps) {
  const { slug, timeZone } = useWorkspace();
  const { options, buckets, input } = answer;
  const { every, group, measure } = options;
  const layout = useMemo(() => layOut(buckets, group, measure), [buckets, group, measure]);
  const labels = useMemo(() => labelsOf(every, timeZone), [every, timeZone]);
  const query = printQuery(slug, input);
  return (
    <div className="explore-result" aria-busy={isWaiting}>
      <Card title={titleOf(options)} actions={<Downloads answer={answer} />}>
        <Content {...{ answer, layout, chart, labels }} />
      </Card>
      <Card title="Query" actions={<CopyButton text={query} label="Copy the query" />}>
        <pre className="explore-query" tabIndex={0} aria-label="Query">
          {query}
        </pre>
      </Card>
    </div>
  );
}

function titleOf(options: Options): string {
  const { measure, field, property, type } = options;
  const of = type === '' ? '' : ` of ${type}`;
  if (measure === 'count') return `Events${of}`;
  const what = needsProperty(options) ? property : FIELDS[field].toLowerCase();
  if (measure === 'unique') return `Different ${needsProperty(options) ? `${what}` : what}${of}`;
  return `${MEASURES[measure]} of ${what}${of && `, ${type}`}`;
}

function Downloads({ answer: { buckets, options } }: { answer: Answer }) {
  const { slug } = useWorkspace();
  if (buckets.length === 0) return null;
  const rows = () => rowsOf(buckets, options);
  const hand = (extension: string, type: string, text: string) =>
    downloadFile(fileName(slug, options, extension), new Blob([text], { type }));
  return (
    <>
      <Button icon="download" onClick={() => hand('csv', 'text/csv', toCsv(rows()))}>
        CSV
      </Button>
      <Button
        icon="download"
        onClick={() => hand('ndjson', 'application/x-ndjson', toNdjson(rows()))}
      >
        NDJSON
      </Button>
    </>
  );
}

interface ContentProps extends Omit<ResultProps, 'isWaiting'> {
  readonly layout: Layout;
  readonly labels: Labels;
}

function Content({ answer, layout, chart, labels }: ContentProps) {
  const { options } = answer;
  if (layout.events === 0) {
    return (
      <Empty title="Nothing happened in this time">
        <p>Choose a longer time{options.type && ', or another type'}.</p>
      </Empty>
    );
  }
  if (layout.series.every(({ values }) => values.every(value => value === null))) {
    return (
      <Empty title={`No event has a number in “${options.property}”`}>
        <p>Name a property of the payload, with dots on the way to it, such as order.total.</p>
      </Empty>
    );
  }
  return (
    <>
      <ResultChart {...{ layout, chart, labels }} title={titleOf(options)} />
      <p className="explore-note">{noteOf(answer, layout)}</p>
      <ResultTable {...{ layout, labels, options }} />
    </>
  );
}

function noteOf({ options, source, isCut }: Answer, { events, unshown, starts }: Layout): string {
  const notes = [`${formatCount(events)} ${events === 1 ? 'event' : 'events'}`];
  if (source) notes.push(SOURCES[source]);
  if (isCut) notes.push(`only the ${options.group}s with the most events`);
  if (unshown > 0) notes.push(`${formatCount(unshown)} more groups are in the files`);
  if (starts.length > ROWS_MAX) {
    notes.push(`the newest ${ROWS_MAX} rows; the files have all ${formatCount(starts.length)}`);
  }
  return `${notes.join(' · ')}.`;
}

interface ResultTableProps {
  readonly layout: Layout;
  readonly labels: Labels;
  readonly options: Options;
}

/** Newest first. */
function ResultTable({ layout: { starts, series }, labels, options }: ResultTableProps) {
  const hasTotal = addsUp(options.measure) && series.length > 1;
  const rows = starts.map((start, at) => ({ start, at })).reverse();
  const columns: Column<(typeof rows)[number]>[] = [
    { title: 'From', cell: ({ start }) => <span className="when">{labels.full(start)}</span> },
    ...series.map(({ name, values }) => ({
      title: <span className="clip">{name}</span>,
      isNumber: true,
      cell: ({ at }: { at: number }) => <Value value={values[at] ?? null} />,
    })),
  ];
  if (hasTotal) {
    columns.push({
      title: 'Total',
      isNumber: true,
      cell: ({ at }) => (
        <b>{formatNumber(series.reduce((sum, { values }) => sum + (values[at] ?? 0), 0))}</b>
      ),
    });
  }
  return (
    <Table
      caption={titleOf(options)}
      columns={columns}
      rows={rows.slice(0, ROWS_MAX)}
      keyOf={({ start }) => String(start)}
    />
  );
}

function Value({ value }: { value: number | null }) {
  if (value === null) return <span className="faint">–</span>;
  return value === 0 ? <span className="faint">0</span> : formatNumber(value);
}
