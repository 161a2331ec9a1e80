import { useMemo, useState } from 'react';
import { problemOf } from '../../api/problem.ts';
import { useWorkspace } from '../../layout/workspace.tsx';
import { Button } from '../../parts/button.tsx';
import { Card, PageFrame } from '../../parts/page.tsx';
import { Empty, Failed, Loading } from '../../parts/states.tsx';
import { useSearch } from '../../router/router.ts';
import { Controls } from './controls.tsx';
import './explore.css';
import { optionsOf, timeframeOf, type Timeframe } from './options.ts';
import { inputOf } from './question.ts';
import { Result } from './result.tsx';
import { useAnswer, type Asked } from './use-answer.ts';

/** Counts and measures over time: chosen, drawn, listed, and to take along. */
export function ExplorePage() {
  const { slug } = useWorkspace();
  const search = useSearch();
  const [turn, setTurn] = useState(0);
  const { options, timeframe, input } = useMemo(() => {
    const chosen = optionsOf(search);
    const within = timeframeOf(chosen, Date.now());
    return { options: chosen, timeframe: within, input: inputOf(chosen, within) };
    // Another turn is another moment from which the last hour is counted.
  }, [search, turn]);
  const asked = useAnswer({ workspace: slug, options, input }, turn);
  const again = () => setTurn(turn + 1);
  return (
    <PageFrame
      title="Explore"
      lead="How many events there were, and what their numbers make together."
      actions={
        <Button isBusy={asked.isWaiting} disabled={input === null} onClick={again}>
          Refresh
        </Button>
      }
    >
      <Controls {...{ options, timeframe }} />
      {input ? (
        <Shown {...{ asked, chart: options.chart, onRetry: again }} />
      ) : (
        <Card title="Not asked yet">
          <Missing timeframe={timeframe} />
        </Card>
      )}
    </PageFrame>
  );
}

interface ShownProps {
  readonly asked: Asked;
  readonly chart: Parameters<typeof Result>[0]['chart'];
  readonly onRetry: () => void;
}

function Shown({ asked: { answer, error, isWaiting }, chart, onRetry }: ShownProps) {
  if (error) {
    const problem = problemOf(error);
    const advice = TOO_MUCH.has(problem.code)
      ? 'Choose a shorter time, longer steps, one type, or group by nothing.'
      : problem.advice;
    return <Failed error={{ ...problem, advice }} onRetry={onRetry} />;
  }
  if (!answer) return <Loading what="Counting" />;
  return <Result {...{ answer, chart, isWaiting }} />;
}

const TOO_MUCH = new Set(['QUERY_TOO_EXPENSIVE']);

function Missing({ timeframe }: { timeframe: Timeframe | null }) {
  if (timeframe === null) {
    return (
      <Empty title="Between when and when?">
        <p>Say from when and to when, the earlier one first.</p>
      </Empty>
    );
  }
  return (
    <Empty title="Of which property?">
      <p>Name a property of the payload, with dots on the way to it, such as order.total.</p>
    </Empty>
  );
}
