import { useCallback, useMemo, useState } from 'react';
import { useClient } from 'urql';
import { useWorkspace } from '../../layout/workspace.tsx';
import { Button } from '../../parts/button.tsx';
import { Empty, Failed, Loading, Notice } from '../../parts/states.tsx';
import { pathTo, setSearch, useSearch, type SearchChanges } from '../../router/router.ts';
import { ColumnsDialog } from './columns-dialog.tsx';
import type { EventFilter } from './documents.ts';
import { EventList } from './event-list.tsx';
import { EventPanel } from './event-panel.tsx';
import './events.css';
import { ExportDialog } from './export-dialog.tsx';
import type { Feed } from './feed.ts';
import { FilterBar } from './filter-bar.tsx';
import { eventFilterOf, filtersOf, NO_FILTERS, toggled, type FilterKind } from './filter.ts';
import { notify, useNotifying } from './notifications.ts';
import { aroundSearch, betweenSearch, LIVE, rangeOf } from './range.ts';
import { StripChart } from './strip-chart.tsx';
import { Toolbar, type ToolName } from './toolbar.tsx';
import { useCategoryTypes } from './use-categories.ts';
import { useFeed } from './use-feed.ts';

/** Events as they come, and those of any time before. */
export function EventsPage() {
  const search = useSearch();
  const filters = useMemo(() => filtersOf(search), [search]);
  const categoryTypes = useCategoryTypes(filters.chosen.category);
  const filter = useMemo(
    () => categoryTypes && eventFilterOf(filters, categoryTypes),
    [filters, categoryTypes],
  );
  const isNotifying = useNotifying() === 'on';
  const { feed, restart } = useFeed({
    filter,
    search,
    isNotifying,
    onEvent: event => isNotifying && event.notify && notify(event),
  });
  const [tool, setTool] = useState<ToolName | null>(null);
  const chosen = search.get('event');
  const toggle = useCallback(
    (kind: FilterKind, value: string) => setSearch(toggled(filters, kind, value)),
    [filters],
  );
  const chooseType = useCallback((type: string) => toggle('type', type), [toggle]);
  const close = useCallback(() => setSearch({ event: null }), []);
  const linkTo = useLinks(search);
  return (
    <div className={`events-page ${chosen === null ? '' : 'with-panel'}`}>
      <header className="events-head">
        <h1>Events</h1>
        <div className="actions">
          <Toolbar feed={feed} onRestart={restart} onTool={setTool} />
        </div>
        <FilterBar {...{ filters, search }} filter={filter ?? null} />
      </header>
      {feed.counts && (
        <StripChart
          counts={feed.counts}
          isLive={feed.range === null}
          version={feed.mode}
          onChoose={chooseType}
          onNarrow={narrow}
        />
      )}
      <div className="events-main">
        <Notices {...{ feed, restart }} />
        <Events {...{ feed, chosen, linkTo, restart, isFiltered: filter !== null }} />
      </div>
      {chosen !== null && (
        <EventPanel
          eventId={chosen}
          {...{ linkTo }}
          onFilter={(kind, value) =>
            setSearch({ ...toggled(filters, kind, value), ...uncovered() })
          }
          onAround={at => setSearch({ ...NO_FILTERS, ...aroundSearch(at), ...uncovered() })}
          onClose={close}
        />
      )}
      <Tool {...{ tool, filter, search }} onClose={() => setTool(null)} />
    </div>
  );
}

/** Where an event covers the list, it makes way for what was chosen in it. */
function uncovered(): SearchChanges {
  return matchMedia('(width < 1100px)').matches ? { event: null } : {};
}

function narrow(fromMs: number, toMs: number): void {
  setSearch({ ...betweenSearch(fromMs, toMs), span: 'between' });
}

interface ToolProps {
  readonly tool: ToolName | null;
  /** Undefined while it is not known yet. */
  readonly filter: EventFilter | null | undefined;
  readonly search: URLSearchParams;
  readonly onClose: () => void;
}

function Tool({ tool, filter, search, onClose }: ToolProps) {
  const client = useClient();
  const { slug } = useWorkspace();
  if (tool === null) return null;
  if (tool === 'columns') return <ColumnsDialog onClose={onClose} />;
  if (filter === undefined) return null;
  const scope = { client, workspace: slug, filter, range: rangeOf(search, Date.now()) };
  return <ExportDialog {...{ scope, onClose }} />;
}

/** The address of an event, in the view as it is. */
function useLinks(search: URLSearchParams): (eventId: string) => string {
  const { slug } = useWorkspace();
  return useCallback(
    eventId => {
      const params = new URLSearchParams(search);
      params.set('event', eventId);
      return `${pathTo(slug, 'events')}?${params}`;
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
          <Button onClick={restart}>Refresh</Button>
        </Notice>
      )}
      {!feed.isPastCounted && feed.counts && (
        <Notice>
          {feed.range === null
            ? 'Counting the past with these filters would take too long: the chart begins now.'
            : 'Counting this time with these filters would take too long: the chart is empty.'}
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
    return <EventList feed={feed} chosen={chosen} linkTo={row => linkTo(row.eventId)} />;
  }
  if (feed.mode === 'LOADING') return <Loading what="Loading events" />;
  if (feed.range !== null) {
    return (
      <NoEvents title="Nothing happened in this time" reset={isFiltered ? NO_FILTERS : LIVE}>
        {isFiltered ? 'Clear the filters' : 'Show the newest'}
      </NoEvents>
    );
  }
  if (isFiltered) {
    return (
      <NoEvents title="No event fits these filters yet" reset={NO_FILTERS}>
        Clear the filters
      </NoEvents>
    );
  }
  return (
    <Empty title="No events yet">
      <p>They appear here as soon as they are recorded.</p>
    </Empty>
  );
}

interface NoEventsProps {
  readonly title: string;
  readonly reset: SearchChanges;
  readonly children: string;
}

function NoEvents({ title, reset, children }: NoEventsProps) {
  return (
    <Empty title={title}>
      <p>
        {reset === LIVE ? 'Choose another time.' : 'Events that do not fit the filters are hidden.'}
      </p>
      <Button onClick={() => setSearch(reset)}>{children}</Button>
    </Empty>
  );
}
