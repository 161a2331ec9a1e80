import type { ResultOf } from '../../api/graphql.ts';
import { Figure, Figures } from '../../parts/figure.tsx';
import {
  formatAgo,
  formatBytes,
  formatCount,
  formatDate,
  formatDateTime,
  formatDuration,
} from '../../parts/format.ts';
import type { Gateway, WorkspaceStatus } from './documents.ts';
import { Spark } from './spark.tsx';

type Found = ResultOf<typeof WorkspaceStatus>;
type WorkspaceFiguresProps = Omit<Found, 'workspace'> & {
  readonly workspace: NonNullable<Found['workspace']>;
};

export function WorkspaceFigures({ workspace, newest, eventAggregates }: WorkspaceFiguresProps) {
  const { headPosition, tailPosition, retentionDays } = workspace;
  const perMinute = eventAggregates.nodes.map(({ count }) => count);
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
          title="Last minute"
          value={formatCount(last)}
          note={`events, ${perSecond(last, 60)}`}
        />
        <Figure
          title="Last hour"
          value={formatCount(lastHour)}
          note={`events, ${perSecond(lastHour, 3_600)}`}
        />
      </Figures>
      <Spark counts={perMinute} label="Events in each minute of the last hour" />
    </>
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
