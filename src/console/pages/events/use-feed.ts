import { useEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react';
import { useClient } from 'urql';
import type { EventFilter } from '../../filters/documents.ts';
import { useWorkspace } from '../../layout/workspace.tsx';
import type { RecordedEvent } from './documents.ts';
import { Feed } from './feed.ts';
import { rangeOf } from './range.ts';

/** A page that nobody sees lets go of its stream after this time, unless it is to notify. */
const REST_AFTER_MS = 15_000;

interface FeedUse {
  /** Undefined while it is not known yet. */
  readonly filter: EventFilter | null | undefined;
  /** The time as the address has it. */
  readonly search: URLSearchParams;
  readonly isNotifying: boolean;
  readonly onEvent: (event: RecordedEvent) => void;
}

/** A feed for the filter and time, anew for each; renders when it has changed. */
export function useFeed({ filter, search, isNotifying, onEvent }: FeedUse): {
  feed: Feed;
  restart(): void;
} {
  const client = useClient();
  const { slug } = useWorkspace();
  const [turn, setTurn] = useState(0);
  const latest = useRef(onEvent);
  useEffect(() => {
    latest.current = onEvent;
  });
  const [filterKey, timeKey] = [JSON.stringify(filter), timeOf(search)];
  const feed = useMemo(() => {
    void turn;
    return new Feed({
      client,
      workspace: slug,
      filter: filterKey === undefined ? null : (JSON.parse(filterKey) as EventFilter | null),
      range: rangeOf(new URLSearchParams(timeKey), Date.now()),
      onEvent: event => latest.current(event),
    });
  }, [client, slug, filterKey, timeKey, turn]);
  const isKnown = filterKey !== undefined;
  useSyncExternalStore(feed.subscribe, feed.version);
  useEffect(() => {
    if (!isKnown) return;
    feed.resume();
    return () => feed.pause();
  }, [feed, isKnown]);
  useRest(feed, isNotifying);
  return { feed, restart: () => setTurn(turn + 1) };
}

/** What of an address says the time. */
function timeOf(search: URLSearchParams): string {
  const time = [...search].filter(([name]) => ['span', 'from', 'to'].includes(name));
  return new URLSearchParams(time).toString();
}

function useRest(feed: Feed, isNotifying: boolean): void {
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    function onVisibility(): void {
      clearTimeout(timer);
      if (document.visibilityState === 'visible') {
        if (feed.mode === 'RESTING') feed.resume();
      } else if (!isNotifying) {
        timer = setTimeout(() => feed.mode !== 'PAUSED' && feed.pause('RESTING'), REST_AFTER_MS);
      }
    }
    document.addEventListener('visibilitychange', onVisibility);
    return () => {
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', onVisibility);
    };
  }, [feed, isNotifying]);
}
