import { formatDuration } from '../../parts/format.ts';
import { Link } from '../../router/link.tsx';
import type { EventDetails, RelatedEvent } from './documents.ts';

interface TimelineProps {
  readonly event: EventDetails;
  readonly linkTo: (eventId: string) => string;
}

/** Parent, children and group of an event, in the order in which they happened. */
export function Timeline({ event, linkTo }: TimelineProps) {
  const family = familyOf(event);
  const isMore = event.children.pageInfo.hasNextPage || event.groupEvents.pageInfo.hasNextPage;
  return (
    <>
      <ol className="timeline">
        {family.map(each => (
          <li key={each.id} className={each.id === event.id ? 'own' : ''}>
            <Link
              href={linkTo(each.eventId)}
              aria-current={each.id === event.id || undefined}
              style={{ paddingLeft: `${depthOf(each, family) * 16}px` }}
            >
              <span className="clip">
                {each.icon} {each.type}
                {each.success === false && <b className="failed">failed</b>}
              </span>
              <span className="faint">{relationOf(each, event)}</span>
              <span className="offset">{offset(each, event)}</span>
            </Link>
          </li>
        ))}
      </ol>
      {isMore && <p className="faint">There are more than these.</p>}
    </>
  );
}

export function familyOf(event: EventDetails): RelatedEvent[] {
  const all = [event, event.parent, ...event.children.nodes, ...event.groupEvents.nodes];
  const byId = new Map(all.filter(each => each !== null).map(each => [each.id, each]));
  return [...byId.values()].sort(
    (a, b) => Date.parse(a.occurredAt) - Date.parse(b.occurredAt) || a.position - b.position,
  );
}

/** How many of its forebears are in sight, up to a depth that fits. */
function depthOf(event: RelatedEvent, family: readonly RelatedEvent[]): number {
  let depth = 0;
  let parentId = event.parentId;
  while (parentId !== null && depth < 4) {
    const parent = family.find(({ eventId }) => eventId === parentId);
    if (!parent) break;
    depth += 1;
    parentId = parent.parentId;
  }
  return depth;
}

function relationOf(each: RelatedEvent, event: EventDetails): string {
  if (each.id === event.id) return 'this event';
  if (each.eventId === event.parentId) return 'parent';
  if (each.parentId === event.eventId) return 'child';
  return '';
}

function offset(each: RelatedEvent, event: EventDetails): string {
  const ms = Date.parse(each.occurredAt) - Date.parse(event.occurredAt);
  if (each.id === event.id) return '';
  return `${ms < 0 ? '−' : '+'}${formatDuration(Math.abs(ms))}`;
}
