import { useEffect, useRef, type ReactNode } from 'react';
import { useQuery } from 'urql';
import type { FilterKind } from '../../filters/filter.ts';
import { useWorkspace } from '../../layout/workspace.tsx';
import { Button, IconButton } from '../../parts/button.tsx';
import { CopyButton } from '../../parts/copy-button.tsx';
import { DOORS, formatAgo, formatCount, formatDateTime } from '../../parts/format.ts';
import { Badge } from '../../parts/labels.tsx';
import { Empty, Failed, Loading } from '../../parts/states.tsx';
import { EventDetail, type EventDetails } from './documents.ts';
import { EventEvidence } from './event-evidence.tsx';
import { PayloadTree } from './payload-tree.tsx';
import { familyOf, Timeline } from './timeline.tsx';

interface EventPanelProps {
  readonly eventId: string;
  readonly linkTo: (eventId: string) => string;
  readonly onFilter: (kind: FilterKind, value: string) => void;
  /** Shows what happened shortly before and after an instant. */
  readonly onAround: (at: string) => void;
  readonly onClose: () => void;
}

/** All of one event, beside the list, or in its place where the screen is narrow. */
export function EventPanel({ eventId, linkTo, onFilter, onAround, onClose }: EventPanelProps) {
  const { slug } = useWorkspace();
  const variables = { workspace: slug, eventId };
  const [{ data, error, fetching }, ask] = useQuery({ query: EventDetail, variables });
  const frame = useRef<HTMLElement>(null);
  useEffect(() => {
    function onKey(event: KeyboardEvent): void {
      if (event.key === 'Escape') onClose();
    }
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [onClose]);
  useEffect(() => {
    if (matchMedia('(width < 1100px)').matches) frame.current?.focus();
  }, [eventId]);

  return (
    <aside className="event-panel" aria-label="Event" ref={frame} tabIndex={-1}>
      <IconButton className="close" icon="close" label="Close" onClick={onClose} />
      {error && <Failed error={error} onRetry={() => ask({ requestPolicy: 'network-only' })} />}
      {!error && fetching && !data && <Loading />}
      {data?.event && <Details {...{ event: data.event, linkTo, onFilter, onAround }} />}
      {data && !data.event && (
        <Empty title="No such event">
          <p>There is none with the id {eventId} in this workspace, or it is no longer kept.</p>
        </Empty>
      )}
    </aside>
  );
}

type DetailsProps = Pick<EventPanelProps, 'linkTo' | 'onFilter' | 'onAround'> & {
  readonly event: EventDetails;
};

function Details({ event, linkTo, onFilter, onAround }: DetailsProps) {
  const hasFamily = familyOf(event).length > 1;
  return (
    <>
      <header>
        <h2>
          {event.icon} {event.type}
        </h2>
        <p className="muted">
          {formatDateTime(event.occurredAt)} · {formatAgo(event.occurredAt)}
        </p>
        {event.description !== null && <p>{event.description}</p>}
        <Badges event={event} />
        <p>
          <Button onClick={() => onAround(event.occurredAt)}>Around this event</Button>
        </p>
      </header>
      <Facts {...{ event, onFilter }} />
      <Part title="Payload" actions={<CopyButton text={JSON.stringify(event.payload, null, 2)} />}>
        {Object.keys(event.payload).length > 0 ? (
          <PayloadTree value={event.payload} key={event.id} />
        ) : (
          <p className="faint">{event.redactedAt ? 'Its content was removed.' : 'Empty'}</p>
        )}
      </Part>
      {event.properties.length > 0 && (
        <Part title="Properties">
          <Properties event={event} />
        </Part>
      )}
      <EventEvidence eventId={event.eventId} key={`proof of ${event.id}`} />
      {hasFamily && (
        <Part title="Timeline">
          <Timeline {...{ event, linkTo }} />
        </Part>
      )}
    </>
  );
}

function Part({
  title,
  actions,
  children,
}: {
  title: string;
  actions?: ReactNode;
  children: ReactNode;
}) {
  return (
    <section>
      <div className="part-head">
        <h3>{title}</h3>
        {actions}
      </div>
      {children}
    </section>
  );
}

function Badges({ event }: { event: EventDetails }) {
  const { success, notify, redactedAt } = event;
  return (
    <p className="actions">
      {success !== null && (
        <Badge tone={success ? 'good' : 'bad'}>{success ? 'Succeeded' : 'Failed'}</Badge>
      )}
      {notify && <Badge tone="accent">Notifies</Badge>}
      {redactedAt !== null && <Badge tone="warn">Redacted</Badge>}
    </p>
  );
}

function Facts({ event, onFilter }: Pick<DetailsProps, 'event' | 'onFilter'>) {
  const filterable = [
    ['Type', 'type', event.type, event.type],
    ['Category', 'category', event.definition.category, event.definition.category],
    ['Source', 'source', event.source, event.source],
    ['Subject', 'subject', event.subject, event.subject],
    ['Actor', 'actor', event.actor, event.actor],
    ['Source API', 'door', event.door, DOORS[event.door]],
    ['Group', 'group', event.groupId, event.groupId],
  ] as const;
  const plain = [
    ['Client address', event.clientIp],
    ['Recorded', formatDateTime(event.recordedAt)],
    ['Expires', event.expiresAt && formatDateTime(event.expiresAt)],
    ['Position', formatCount(event.position)],
    ['Event id', event.eventId],
  ] as const;
  return (
    <dl className="facts">
      {filterable.map(
        ([title, kind, value, text]) =>
          value !== null && (
            <Fact key={title} title={title}>
              <button
                type="button"
                className="as-link"
                title={`Show events with this ${title.toLowerCase()}`}
                onClick={() => onFilter(kind, value)}
              >
                {text}
              </button>
            </Fact>
          ),
      )}
      {plain.map(
        ([title, value]) =>
          value !== null && (
            <Fact key={title} title={title}>
              {value}
            </Fact>
          ),
      )}
    </dl>
  );
}

function Fact({ title, children }: { title: string; children: ReactNode }) {
  return (
    <div>
      <dt>{title}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Properties({ event }: { event: EventDetails }) {
  return (
    <table className="properties">
      <thead className="unseen">
        <tr>
          <th scope="col">Name</th>
          <th scope="col">Type</th>
          <th scope="col">Value</th>
        </tr>
      </thead>
      <tbody>
        {event.properties.map(({ name, type, values }) => (
          <tr key={`${name} ${type}`}>
            <th scope="row">{name}</th>
            <td className="faint">{type.toLowerCase()}</td>
            <td className="mono">{values.join(', ')}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
