import type { ResultOf } from '../../api/graphql.ts';
import { useWorkspace } from '../../layout/workspace.tsx';
import { Figure, Figures } from '../../parts/figure.tsx';
import {
  formatAgo,
  formatBytes,
  formatCount,
  formatDate,
  formatDateTime,
  formatDuration,
} from '../../parts/format.ts';
import { Link } from '../../router/link.tsx';
import { pathTo } from '../../router/router.ts';
import type { Gateway, WorkspaceStatus } from './documents.ts';
import { RecordedChart } from './recorded-chart.tsx';

type Found = ResultOf<typeof WorkspaceStatus>;
type WorkspaceFiguresProps = Omit<Found, 'workspace'> & {
  readonly workspace: NonNullable<Found['workspace']>;
};

export function WorkspaceFigures({ workspace, newest }: WorkspaceFiguresProps) {
  const { slug } = useWorkspace();
  const { headPosition, tailPosition, retentionDays, recordings, quarantinedEvents } = workspace;
  const { lastHour: minutes, uncountedEvents } = recordings;
  const perMinute = minutes.map(({ count }) => count);
  const lastHour = perMinute.reduce((sum, count) => sum + count, 0);
  // The present minute is not over.
  const last = perMinute.at(-2) ?? 0;
  const at = newest.nodes[0]?.recordedAt;
  return (
    <>
      <Figures>
        <Figure
          title="Newest position"
          value={formatCount(headPosition)}
          note={at === undefined ? 'nothing recorded yet' : `recorded ${formatAgo(at)}`}
        />
        <Figure
          title="Events kept"
          value={formatCount(headPosition === 0 ? 0 : headPosition - tailPosition + 1)}
          note={retentionDays === null ? 'for ever' : `for ${formatCount(retentionDays)} days`}
        />
        <Figure
          title="Last full minute"
          value={formatCount(last)}
          note={`recorded, ${perSecond(last, 60)}`}
        />
        <Figure
          title="Last hour"
          value={formatCount(lastHour)}
          note={`recorded, ${perSecond(lastHour, 3_600)}`}
        />
        <Figure
          title="Not yet in the counts"
          value={formatCount(uncountedEvents)}
          note={
            uncountedEvents === 0 ? 'precomputed counts are complete' : 'counted when they are read'
          }
        />
        <Figure
          title="In quarantine"
          value={formatCount(quarantinedEvents.totalCount ?? 0)}
          note={
            <Link href={pathTo(slug, 'definitions', [], { tab: 'quarantine' })}>Look at them</Link>
          }
        />
        {workspace.evidence && <CheckpointFigure checkpoint={workspace.checkpoint} />}
      </Figures>
      <RecordedChart minutes={minutes} />
    </>
  );
}

type Checkpoint = NonNullable<Found['workspace']>['checkpoint'];

function CheckpointFigure({ checkpoint }: { checkpoint: Checkpoint }) {
  return (
    <Figure
      title="Newest checkpoint"
      value={checkpoint === null ? '–' : formatCount(checkpoint.size)}
      note={
        checkpoint === null ? 'not begun yet' : `events proven ${formatAgo(checkpoint.createdAt)}`
      }
    />
  );
}

function perSecond(count: number, seconds: number): string {
  const rate = (count / seconds).toLocaleString(undefined, { maximumFractionDigits: 1 });
  return `${rate} a second`;
}

const DAY_MS = 86_400_000;
/** Beyond this a forecast says nothing. */
const FORECAST_DAYS_MAX = 3_650;

export function StorageFigures({ storage }: { storage: Gateway['storage'] }) {
  const { usedBytes, bytesPerDay, freeBytes } = storage;
  return (
    <Figures>
      <Figure title="Used" value={formatBytes(usedBytes)} note="by the whole database" />
      <Figure title="Grows by" value={formatBytes(bytesPerDay)} note="a day, as in the last week" />
      <Figure
        title="In 30 days"
        value={formatBytes(usedBytes + 30 * bytesPerDay)}
        note="if nothing is removed"
      />
      <Figure
        title="Free"
        value={freeBytes === null ? '–' : formatBytes(freeBytes)}
        note={freeBytes === null ? 'not seen from here' : fullNote(freeBytes, bytesPerDay)}
      />
    </Figures>
  );
}

function fullNote(freeBytes: number, bytesPerDay: number): string {
  const days = bytesPerDay === 0 ? Infinity : freeBytes / bytesPerDay;
  if (days > FORECAST_DAYS_MAX) return 'enough for more than ten years';
  return `full about ${formatDate(Date.now() + days * DAY_MS)}`;
}

export function GatewayFigures({ gateway }: { gateway: Gateway }) {
  const { version, startedAt, waitingEvents, streams } = gateway;
  return (
    <Figures>
      <Figure title="Version" value={version} />
      <Figure
        title="Runs for"
        value={formatDuration(Math.max(Date.now() - Date.parse(startedAt), 0))}
        note={`since ${formatDateTime(startedAt)}`}
      />
      <Figure
        title="Waiting to be recorded"
        value={formatCount(waitingEvents)}
        note={waitingEvents === 1 ? 'event' : 'events'}
      />
      <Figure
        title="Live streams"
        value={formatCount(streams.open)}
        note={
          streams.catchingUp > 0 ? `${formatCount(streams.catchingUp)} catching up` : 'up to date'
        }
      />
      <Figure
        title="Slowest stream is behind"
        value={formatCount(streams.lagEvents)}
        note={`events, ${formatDuration(streams.lagSeconds * 1_000)}`}
      />
    </Figures>
  );
}

export function RefusalFigures({ refusals }: { refusals: Gateway['refusals'] }) {
  const { requests, rejectedEvents, conflictingEvents } = refusals;
  return (
    <Figures>
      <Figure
        title="Requests"
        value={formatCount(requests)}
        note="for overload, a rate or a quota"
      />
      <Figure
        title="Events with problems"
        value={formatCount(rejectedEvents)}
        note="their receipts say why"
      />
      <Figure
        title="Events in conflict"
        value={formatCount(conflictingEvents)}
        note="their id belongs to other content"
      />
    </Figures>
  );
}
