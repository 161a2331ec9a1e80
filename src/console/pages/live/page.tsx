import { useCallback, useMemo } from 'react';
import { useWorkspace } from '../../layout/workspace.tsx';
import { Button } from '../../parts/button.tsx';
import { Empty, Failed, Loading, Notice } from '../../parts/states.tsx';
import { pathTo, setSearch, useSearch } from '../../router/router.ts';
import { EventList } from './event-list.tsx';
import { EventPanel } from './event-panel.tsx';
import type { Feed } from './feed.ts';
import { FilterBar } from './filter-bar.tsx';
import { eventFilterOf, filtersOf, NO_FILTERS, toggled, type FilterKind } from './filter.ts';
import './live.css';
import { notify, useNotifying } from './notifications.ts';
import { StripChart } from './strip-chart.tsx';
import { Toolbar } from './toolbar.tsx';
import { useFeed } from './use-feed.ts';

/** Events as they come. */
export function LivePage() {
  const search = useSearch();
  const filters = useMemo(() => filtersOf(search), [search]);
  const filter = useMemo(() => eventFilterOf(filters), [filters]);
  const isNotifying = useNotifying() === 'on';
  const { feed, restart } = useFeed({
    filter,
    isNotifying,
    onEvent: event => isNotifying && event.notify && notify(event),
  });
  const chosen = search.get('event');
  const toggle = useCallback(
    (kind: FilterKind, value: string) => setSearch(toggled(filters, kind, value)),
    [filters],
  );
  const close = useCallback(() => setSearch({ event: null }), []);
  const linkTo = useLinks(search);
  return (
    <div className={`live ${chosen === null ? '' : 'with-panel'}`}>
      <header className="live-head">
        <h1>Live</h1>
        <div className="actions">
          <Toolbar feed={feed} onSkip={restart} />
        </div>
        <FilterBar filters={filters} />
      </header>
      <StripChart minutes={feed.minutes} onChoose={type => toggle('type', type)} />
      <div className="live-main">
        <Notices {...{ feed, restart }} />
        <Events {...{ feed, chosen, linkTo, restart, isFiltered: filter !== null }} />
      </div>
      {chosen !== null && (
        <EventPanel eventId={chosen} {...{ linkTo }} onFilter={toggle} onClose={close} />
      )}
    </div>
  );
}

/** The address of an event, in the view as it is. */
function useLinks(search: URLSearchParams): (eventId: string) => string {
  const { slug } = useWorkspace();
  return useCallback(
    eventId => {
      const params = new URLSearchParams(search);
      params.set('event', eventId);
      return `${pathTo(slug, 'live')}?${params}`;
    },
    [search, slug],
  );
}

function Notices({ feed, restart }: { feed: Feed; restart: () => void }) {
  return (
    <>
      {feed.mode === 'PAUSED' && (
        <Notice>
          Paused. Nothing is lost: what is recorded meanwhile follows when you resume.
        </Notice>
      )}
      {feed.hasGap && (
        <Notice tone="warn">
          Some events were removed before they could be shown here.
          <Button onClick={restart}>Load anew</Button>
        </Notice>
      )}
      {!feed.isPastCounted && (
        <Notice>
          Counting the past with these filters would take too long: the chart begins now.
        </Notice>
      )}
    </>
  );
}

interface EventsProps {
  readonly feed: Feed;
  readonly chosen: string | null;
  readonly linkTo: (eventId: string) => string;
  readonly isFiltered: boolean;
  readonly restart: () => void;
}

function Events({ feed, chosen, linkTo, isFiltered, restart }: EventsProps) {
  if (feed.problem) return <Failed error={feed.problem} onRetry={restart} />;
  if (feed.rows.length > 0) {
    return (
      <EventList
        rows={feed.rows}
        chosen={chosen}
        linkTo={row => linkTo(row.eventId)}
        colorOf={type => feed.minutes.colorOf(type)}
      />
    );
  }
  if (feed.mode === 'LOADING') return <Loading what="Loading events" />;
  if (!isFiltered) {
    return (
      <Empty title="No events yet">
        <p>They appear here as soon as they are recorded.</p>
      </Empty>
    );
  }
  return (
    <Empty title="No event fits these filters yet">
      <p>The next one that does appears here.</p>
      <Button onClick={() => setSearch(NO_FILTERS)}>Clear the filters</Button>
    </Empty>
  );
}
