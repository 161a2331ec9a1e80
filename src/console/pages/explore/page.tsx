import { useMemo, useState, type ReactNode } from 'react';
import type { CombinedError } from 'urql';
import { problemOf } from '../../api/problem.ts';
import { eventFilterOf } from '../../filters/filter.ts';
import { useCategoryTypes } from '../../filters/use-categories.ts';
import { useWorkspace } from '../../layout/workspace.tsx';
import { Button } from '../../parts/button.tsx';
import { Card, PageFrame, useIsNarrow } from '../../parts/page.tsx';
import { Empty, Failed, Loading } from '../../parts/states.tsx';
import { useSearch } from '../../router/router.ts';
import { Controls } from './controls.tsx';
import './explore.css';
import { KeepReady } from './keep-ready.tsx';
import { MeterList } from './meter-list.tsx';
import { refusedMeterOf } from './meters.ts';
import { optionsOf, timeframeOf, titleOf, type Options, type Timeframe } from './options.ts';
import { inputOf } from './question.ts';
import { Result } from './result.tsx';
import { SaveButton, SavedQuestions } from './saved-questions.tsx';
import { useAnswer, type Asked } from './use-answer.ts';

/** Counts and measures over time: chosen, drawn, listed, and to take along. */
export function ExplorePage() {
  const { slug } = useWorkspace();
  const search = useSearch();
  const [turn, setTurn] = useState(0);
  const { options, timeframe } = useMemo(() => {
    const chosen = optionsOf(search);
    return { options: chosen, timeframe: timeframeOf(chosen, Date.now()) };
    // Another turn is another moment from which the last hour is counted.
  }, [search, turn]);
  const categoryTypes = useCategoryTypes(options.filters.chosen.category);
  const { filter, input } = useMemo(() => {
    if (!categoryTypes) return { filter: null, input: null };
    const all = eventFilterOf(options.filters, categoryTypes);
    return { filter: all, input: inputOf(options, timeframe, all) };
  }, [options, timeframe, categoryTypes]);
  const asked = useAnswer({ workspace: slug, options, timeframe, input }, turn);
  const isNarrow = useIsNarrow();
  const again = () => setTurn(turn + 1);
  const name = search.get('name') ?? '';
  const controls = <Controls {...{ options, timeframe, filter }} />;
  return (
    <PageFrame
      title={name === '' ? 'Explore' : name}
      lead="How many events there were, and what their numbers make together."
      actions={
        <>
          <SaveButton usualName={name === '' ? titleOf(options) : name} />
          <Button isBusy={asked.isWaiting} disabled={input === null} onClick={again}>
            Refresh
          </Button>
        </>
      }
    >
      <SavedQuestions />
      {!isNarrow && controls}
      {input || !categoryTypes ? (
        <Shown {...{ asked, chart: options.chart, onRetry: again }}>{isNarrow && controls}</Shown>
      ) : (
        <>
          <Card title="Not asked yet">
            <Missing {...{ options, timeframe }} />
          </Card>
          {isNarrow && controls}
        </>
      )}
      <MeterList />
    </PageFrame>
  );
}

interface ShownProps {
  readonly asked: Asked;
  readonly chart: Parameters<typeof Result>[0]['chart'];
  readonly onRetry: () => void;
  /** The controls, where they follow the chart. */
  readonly children: ReactNode;
}

function Shown({ asked: { answer, error, isWaiting }, chart, onRetry, children }: ShownProps) {
  if (answer && !error) return <Result {...{ answer, chart, isWaiting }}>{children}</Result>;
  return (
    <>
      {error ? <Refusal error={error} onRetry={onRetry} /> : <Loading what="Counting" />}
      {children}
    </>
  );
}

const TOO_MUCH = new Set(['QUERY_TOO_EXPENSIVE']);

function Refusal({ error, onRetry }: { error: CombinedError; onRetry: () => void }) {
  const problem = problemOf(error);
  const meter = refusedMeterOf(error);
  const advice = TOO_MUCH.has(problem.code)
    ? 'Choose a shorter time, longer steps, one type, or group by nothing.'
    : problem.advice;
  return (
    <>
      <Failed error={{ ...problem, advice }} onRetry={onRetry} />
      {meter && <KeepReady meter={meter}>A count that is kept ready answers at once.</KeepReady>}
    </>
  );
}

function Missing({ options, timeframe }: { options: Options; timeframe: Timeframe | null }) {
  if (timeframe === null) {
    return (
      <Empty title="Between when and when?">
        <p>Say from when and to when, the earlier one first.</p>
      </Empty>
    );
  }
  const isOfGroup = options.group === 'payload' && options.key === '';
  return (
    <Empty title={isOfGroup ? 'Group by which value?' : 'Of which property?'}>
      <p>Name a property of the payload, with dots on the way to it, such as order.total.</p>
    </Empty>
  );
}
