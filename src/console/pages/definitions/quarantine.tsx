import { useState, type ReactNode } from 'react';
import { useQuery } from 'urql';
import { useWorkspace } from '../../layout/workspace.tsx';
import { Checkbox } from '../../parts/field.tsx';
import { formatCount } from '../../parts/format.ts';
import { Card } from '../../parts/page.tsx';
import { Pager, type PageArgs } from '../../parts/pager.tsx';
import { Empty, Failed, Loading } from '../../parts/states.tsx';
import { useSearch } from '../../router/router.ts';
import { Quarantined, QuarantineProblems } from './documents.ts';
import { HandleButtons, HandledNotice } from './quarantine-actions.tsx';
import {
  chosenProblem,
  QuarantineProblemsCard,
  type ChosenProblem,
} from './quarantine-problems.tsx';
import { QuarantinedItem } from './quarantined-item.tsx';
import { useHandling } from './use-handling.ts';

const ROWS = 25;

interface QuarantineProps {
  readonly type?: string;
  /** What stands there while nothing is kept aside. */
  readonly nothing?: ReactNode;
}

/** What was kept aside, of one type or of all: by problem, and event by event. */
export function Quarantine({ type, nothing = <Nothing type={type} /> }: QuarantineProps) {
  const { slug } = useWorkspace();
  const chosen = chosenProblem(useSearch());
  const variables = { workspace: slug, type: type ?? null };
  const [{ data, error }, ask] = useQuery({ query: QuarantineProblems, variables });
  const again = () => ask({ requestPolicy: 'network-only' });
  if (error && !data) return <Failed error={error} onRetry={again} />;
  if (!data) return <Loading />;
  const { totalCount, problems } = data.quarantinedEvents;
  const isEmpty = totalCount === 0;
  return (
    <>
      {!isEmpty && (
        <QuarantineProblemsCard
          {...{ totalCount: totalCount ?? 0, problems, chosen }}
          hasType={type === undefined}
        />
      )}
      <QuarantineList
        key={JSON.stringify(chosen)}
        {...{ type, chosen, nothing }}
        onChange={again}
      />
    </>
  );
}

interface ListProps {
  readonly type: string | undefined;
  readonly chosen: ChosenProblem;
  readonly nothing: ReactNode;
  readonly onChange: () => void;
}

function QuarantineList({ type, chosen: problem, nothing, onChange }: ListProps) {
  const { slug } = useWorkspace();
  const [place, setPlace] = useState<PageArgs>({ first: ROWS });
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [{ data, error }, ask] = useQuery({
    query: Quarantined,
    variables: { workspace: slug, ...problem, type: type ?? problem.type, ...place },
  });
  const again = () => ask({ requestPolicy: 'network-only' });
  const changed = () => {
    setChosen(new Set());
    again();
    onChange();
  };
  const handling = useHandling(changed);
  if (error && !data) return <Failed error={error} onRetry={again} />;
  if (!data) return <Loading />;
  const turn = (to: PageArgs) => {
    setPlace('before' in to ? { last: ROWS, ...to } : { first: ROWS, ...to });
    setChosen(new Set());
  };
  const { nodes, pageInfo, totalCount } = data.quarantinedEvents;
  const ids = nodes.map(({ id }) => id);
  const there = ids.filter(id => chosen.has(id));
  const of = `All of these: ${formatCount(nodes.length)} of ${formatCount(totalCount ?? 0)}`;
  return (
    <>
      {handling.handled && <HandledNotice handled={handling.handled} isBusy={handling.isBusy} />}
      {nodes.length === 0 ? (
        nothing
      ) : (
        <Card
          title={
            <Checkbox
              label={of}
              checked={there.length === ids.length}
              onChange={({ target }) => setChosen(new Set(target.checked ? ids : []))}
            />
          }
          actions={<HandleButtons ids={there} handling={handling} of="chosen" />}
        >
          <ul className="quarantine">
            {nodes.map(event => (
              <QuarantinedItem
                key={event.id}
                {...{ event, handling }}
                hasType={type === undefined}
                problems={handling.handled?.problems.get(event.id) ?? event.problems}
                isChosen={chosen.has(event.id)}
                onChoose={isChosen => setChosen(toggled(chosen, event.id, isChosen))}
                onRecorded={changed}
              />
            ))}
          </ul>
          <Pager pageInfo={pageInfo} onPage={turn} />
        </Card>
      )}
    </>
  );
}

function toggled(chosen: ReadonlySet<string>, id: string, isChosen: boolean): ReadonlySet<string> {
  const next = new Set(chosen);
  if (isChosen) next.add(id);
  else next.delete(id);
  return next;
}

function Nothing({ type }: { type: string | undefined }) {
  return (
    <Empty title="Nothing was kept aside">
      {type === undefined ? (
        <p>Events that do not fit come here where a definition, or the workspace, says so.</p>
      ) : (
        <p>
          Events of this type that do not fit its schema come here, once the definition says that
          they are to be kept aside.
        </p>
      )}
    </Empty>
  );
}
