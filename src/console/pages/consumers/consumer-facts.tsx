import { CopyButton } from '../../parts/copy-button.tsx';
import { Figure, Figures } from '../../parts/figure.tsx';
import { formatCount, formatDateTime } from '../../parts/format.ts';
import { Ago } from '../../parts/labels.tsx';
import { Card } from '../../parts/page.tsx';
import type { Consumer } from './documents.ts';
import { Facts, type Fact } from './facts.tsx';
import { durationOf, KINDS, ORDERS } from './words.ts';

/** How far it is. */
export function ConsumerFigures({ consumer }: { consumer: Consumer }) {
  const { settledPosition, lagEvents, inFlightCount, retryingCount, parkedCount } = consumer;
  return (
    <section className="card" aria-label="At a glance">
      <Figures>
        <Figure
          title="Settled position"
          value={formatCount(settledPosition)}
          note="all up to here is acknowledged or parked"
        />
        <Figure
          title="Behind"
          value={formatCount(lagEvents)}
          note="positions up to the newest event"
        />
        <Figure title="In flight" value={formatCount(inFlightCount)} note="being worked on" />
        <Figure
          title="Waiting for retry"
          value={formatCount(retryingCount)}
          note="or for an earlier one of their order"
        />
        <Figure title="Parked" value={formatCount(parkedCount)} note="failed, kept for you" />
      </Figures>
    </section>
  );
}

/** What it is. */
export function ConsumerDetails({ consumer }: { consumer: Consumer }) {
  const { kind, filter, orderedBy, leaseDuration, maxAttempts, cursor } = consumer;
  const facts: readonly Fact[] = [
    { name: 'Kind', value: KINDS[kind] },
    {
      name: 'Filter',
      value: filter === null ? 'All events' : <pre>{JSON.stringify(filter, null, 2)}</pre>,
    },
    { name: 'Order', value: orderedBy === null ? 'None' : ORDERS[orderedBy] },
    { name: 'Attempts before parking', value: formatCount(maxAttempts) },
    { name: 'Lease', value: durationOf(leaseDuration) },
    {
      name: 'Cursor',
      value: (
        <span className="copied">
          <code>{cursor}</code>
          <CopyButton text={cursor} label="Copy the cursor" />
        </span>
      ),
    },
    { name: 'Created', value: formatDateTime(consumer.createdAt) },
    { name: 'Changed', value: <Ago at={consumer.updatedAt} /> },
  ];
  return (
    <Card title="What it gets">
      <Facts facts={facts} />
    </Card>
  );
}
