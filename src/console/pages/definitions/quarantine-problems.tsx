import { Button } from '../../parts/button.tsx';
import { formatCount } from '../../parts/format.ts';
import { Card } from '../../parts/page.tsx';
import { Table, type Column } from '../../parts/table.tsx';
import { setSearch } from '../../router/router.ts';
import type { CountedProblem } from './documents.ts';
import { ProblemText } from './problem-text.tsx';

/** Which problem the list is narrowed to, as it stands in the address bar. */
export interface ChosenProblem {
  readonly type: string | null;
  readonly code: string | null;
  readonly pointer: string | null;
}

export function chosenProblem(search: URLSearchParams): ChosenProblem {
  return {
    type: search.get('of'),
    code: search.get('code'),
    // Empty for the event as a whole.
    pointer: search.get('code') === null ? null : (search.get('at') ?? ''),
  };
}

function choose(problem: CountedProblem | null): void {
  setSearch({
    of: problem?.type ?? null,
    code: problem?.code ?? null,
    at: problem?.pointer ?? null,
  });
}

interface ProblemsProps {
  readonly totalCount: number;
  readonly problems: readonly CountedProblem[];
  readonly chosen: ChosenProblem;
  /** Whether types are told: not where all are of one. */
  readonly hasType: boolean;
}

/** What is wrong with what was kept aside, and how often. */
export function QuarantineProblemsCard({ totalCount, problems, chosen, hasType }: ProblemsProps) {
  const isChosen = ({ type, code, pointer }: CountedProblem) =>
    code === chosen.code &&
    pointer === chosen.pointer &&
    (chosen.type === null || chosen.type === type);
  const columns: Column<CountedProblem>[] = [
    {
      title: 'Problem',
      cell: problem => (
        <div className="problem-count">
          <ProblemText problem={problem} />
          {hasType && <span className="muted">{problem.type ?? 'no type'}</span>}
        </div>
      ),
    },
    { title: 'Events', isNumber: true, cell: ({ count }) => formatCount(count) },
    {
      title: <span className="unseen">Actions</span>,
      cell: problem => (
        <Button
          look="quiet"
          aria-pressed={isChosen(problem)}
          onClick={() => choose(isChosen(problem) ? null : problem)}
        >
          {isChosen(problem) ? 'Show all' : 'Show these'}
        </Button>
      ),
    },
  ];
  return (
    <Card title={`${formatCount(totalCount)} ${totalCount === 1 ? 'event' : 'events'} kept aside`}>
      <div className="problem-counts">
        <Table
          caption="Problems"
          columns={columns}
          rows={problems}
          keyOf={({ type, code, pointer }) => JSON.stringify([type, code, pointer])}
        />
      </div>
    </Card>
  );
}
