import { useEffect, useRef, useState } from 'react';
import { useQuery } from 'urql';
import { may, useViewer } from '../../api/viewer.ts';
import { useWorkspace } from '../../layout/workspace.tsx';
import { formatCount } from '../../parts/format.ts';
import { Ago } from '../../parts/labels.tsx';
import { Card } from '../../parts/page.tsx';
import { Pager, type PageArgs } from '../../parts/pager.tsx';
import { Failed, Loading, Notice } from '../../parts/states.tsx';
import { Link } from '../../router/link.tsx';
import { eventPath } from './address.ts';
import { Parked, type ParkedDelivery } from './documents.ts';
import { ParkedActions } from './parked-actions.tsx';

const ROWS = 25;

interface ParkedProps {
  readonly name: string;
  /** How many there are, as of the last answer. */
  readonly count: number;
  /** Called after each change. */
  readonly onChange: () => void;
}

/** What failed for good, with the reasons: to be delivered again, or discarded. */
export function ParkedCard({ name, count, onChange }: ParkedProps) {
  const mayChange = may(useViewer(), 'ADMIN');
  const [done, setDone] = useState<string | null>(null);
  const changed = (what: string) => {
    setDone(what);
    onChange();
  };
  return (
    <Card
      title={`Parked (${formatCount(count)})`}
      actions={
        mayChange && count > 0 && <ParkedActions {...{ name, count }} ids={null} onDone={changed} />
      }
    >
      {done !== null && (
        <div className="card-body">
          <Notice tone="good">{done}</Notice>
        </div>
      )}
      {count === 0 ? (
        <p className="card-body muted">Nothing is parked.</p>
      ) : (
        <ParkedList {...{ name, count, mayChange }} onDone={changed} />
      )}
    </Card>
  );
}

interface ListProps {
  readonly name: string;
  readonly count: number;
  readonly mayChange: boolean;
  readonly onDone: (what: string) => void;
}

function ParkedList({ name, count, mayChange, onDone }: ListProps) {
  const { slug } = useWorkspace();
  const [place, setPlace] = useState<PageArgs>({ first: ROWS });
  const [{ data, error }, ask] = useQuery({
    query: Parked,
    variables: { workspace: slug, name, ...place },
  });
  const again = () => ask({ requestPolicy: 'network-only' });
  const asked = useRef(count);
  useEffect(() => {
    if (asked.current === count) return;
    asked.current = count;
    again();
  }, [count]);
  if (!data?.consumer) return error ? <Failed error={error} onRetry={again} /> : <Loading />;
  const { nodes, pageInfo } = data.consumer.parkedDeliveries;
  return (
    <>
      <ul className="consumer-log">
        {nodes.map(delivery => (
          <ParkedItem
            key={delivery.id}
            {...{ name, delivery, mayChange }}
            onDone={what => {
              again();
              onDone(what);
            }}
          />
        ))}
      </ul>
      <Pager
        pageInfo={pageInfo}
        onPage={to => setPlace('before' in to ? { last: ROWS, ...to } : { first: ROWS, ...to })}
      />
    </>
  );
}

interface ItemProps extends Omit<ListProps, 'count'> {
  readonly delivery: ParkedDelivery;
}

function ParkedItem({ name, delivery, mayChange, onDone }: ItemProps) {
  const { slug } = useWorkspace();
  const mayRead = may(useViewer(), 'EVENTS_READ');
  const { id, event, attempts, parkedAt, reason } = delivery;
  return (
    <li>
      <div className="delivery">
        <p className="delivery-head">
          {mayRead ? (
            <Link href={eventPath(slug, event.eventId)}>{event.type}</Link>
          ) : (
            <b>{event.type}</b>
          )}
          <span className="muted">
            position {formatCount(event.position)}, {attemptsOf(attempts)}, parked{' '}
            <Ago at={parkedAt} />
          </span>
        </p>
        <p className="reason">{reason}</p>
      </div>
      {mayChange && (
        <div className="actions">
          <ParkedActions
            {...{ name, onDone }}
            ids={[id]}
            count={1}
            of={`position ${event.position}`}
          />
        </div>
      )}
    </li>
  );
}

function attemptsOf(count: number): string {
  return `${formatCount(count)} ${count === 1 ? 'attempt' : 'attempts'}`;
}
