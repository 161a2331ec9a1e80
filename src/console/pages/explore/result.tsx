import { useMemo, type ReactNode } from 'react';
import { useWorkspace } from '../../layout/workspace.tsx';
import { Button } from '../../parts/button.tsx';
import { CopyButton } from '../../parts/copy-button.tsx';
import { formatCount, formatPercent } from '../../parts/format.ts';
import { Card } from '../../parts/page.tsx';
import { Empty } from '../../parts/states.tsx';
import { setSearch } from '../../router/router.ts';
import { ResultChart } from './chart.tsx';
import { Downloads } from './download.tsx';
import { eventsBehind } from './events-behind.ts';
import { KeepReady } from './keep-ready.tsx';
import { labelsOf } from './labels.ts';
import { meterOf } from './meters.ts';
import { addsUp, GROUPS_MAX, GROUPS_USUAL, titleOf, type Chart } from './options.ts';
import { printQuery } from './question.ts';
import { ResultTable } from './result-table.tsx';
import { layOut, type Layout } from './series.ts';
import type { Answer } from './use-answer.ts';

const SOURCES = {
  ROLLUP: 'from precomputed counts',
  METER: 'from a count that is kept ready',
  EVENTS: 'counted from the events that are still kept',
  MIXED: 'from precomputed counts, and at the ends from events',
} as const;

interface ResultProps {
  readonly answer: Answer;
  readonly chart: Chart;
  readonly isWaiting: boolean;
  /** What stands between the chart and the table. */
  readonly children?: ReactNode;
}

export function Result({ answer, chart, isWaiting, children }: ResultProps) {
  const { slug, timeZone } = useWorkspace();
  const { options, input } = answer;
  const layout = useMemo(() => layOut(answer), [answer]);
  const labels = useMemo(() => labelsOf(options.every, timeZone), [options.every, timeZone]);
  const behind = useMemo(() => eventsBehind(slug, answer, layout), [slug, answer, layout]);
  const query = printQuery(slug, input);
  const title = titleOf(options);
  if (layout.events === 0 || layout.series.length === 0) {
    return (
      <>
        <Card title={title}>
          <Nothing {...{ answer, layout }} />
        </Card>
        {children}
      </>
    );
  }
  return (
    <div className="explore-result" aria-busy={isWaiting}>
      <SlowNotice answer={answer} />
      <Card title={title} actions={<Groups answer={answer} />}>
        <ResultChart
          {...{ layout, chart, labels, title, behind }}
          addsUp={addsUp(options.measure)}
          onOpen={openerOf(answer)}
        />
        <p className="explore-note">{noteOf(answer, layout)}</p>
      </Card>
      {children}
      <Card title="Table" actions={<Downloads {...{ answer, layout }} />}>
        <ResultTable {...{ layout, labels, options, behind }} />
      </Card>
      <Card title="Query" actions={<CopyButton text={query} label="Copy the query" />}>
        <pre className="explore-query" tabIndex={0} aria-label="Query">
          {query}
        </pre>
      </Card>
    </div>
  );
}

function Nothing({
  answer: { options, timeframe, input },
  layout,
}: {
  answer: Answer;
  layout: Layout;
}) {
  const { from, to } = timeframe;
  const isFiltered = input.filter != null;
  if (layout.events > 0 || options.property !== '') {
    return (
      <Empty title={`No event has a number in “${options.property}”`}>
        <p>Name a property of the payload, with dots on the way to it, such as order.total.</p>
      </Empty>
    );
  }
  return (
    <Empty title="Nothing happened in this time">
      <p>
        Choose a longer time than from {new Date(from).toLocaleString()} to{' '}
        {new Date(to).toLocaleString()}
        {isFiltered && ', or take a filter away'}.
      </p>
    </Empty>
  );
}

const SLOW_MS = 1_000;

/** Where the events had to be counted, and that took its time. */
function SlowNotice({ answer: { options, question, source, tookMs } }: { answer: Answer }) {
  if (source !== 'EVENTS' || tookMs < SLOW_MS) return null;
  return (
    <KeepReady meter={meterOf(question, titleOf(options))}>
      This took {(tookMs / 1_000).toFixed(1)} s, because the events had to be counted.
    </KeepReady>
  );
}

/** Four times as many at a time: an axis of hundreds of colours tells nothing. */
function openerOf({ options: { groups }, others }: Answer): (() => void) | null {
  if (!others || groups >= GROUPS_MAX) return null;
  return () => setSearch({ groups: String(Math.min(groups * 4, GROUPS_MAX)) });
}

function Groups({ answer }: { answer: Answer }) {
  const open = openerOf(answer);
  return (
    <>
      {open && <Button onClick={open}>Show more groups</Button>}
      {answer.options.groups > GROUPS_USUAL && (
        <Button onClick={() => setSearch({ groups: null })}>Show fewer groups</Button>
      )}
    </>
  );
}

function noteOf({ source, buckets }: Answer, { events }: Layout): string {
  const notes = [`${formatCount(events)} ${events === 1 ? 'event' : 'events'}`];
  if (source) notes.push(SOURCES[source]);
  const error = buckets.find(({ measures: [of] }) => of?.relativeError)?.measures[0]?.relativeError;
  if (error) notes.push(`within about ${formatPercent(error)}`);
  return `${notes.join(' · ')}. A click on a bar, a group or a number shows its events.`;
}
