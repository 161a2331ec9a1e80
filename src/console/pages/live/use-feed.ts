import { useEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react';
import { useClient } from 'urql';
import { useWorkspace } from '../../layout/workspace.tsx';
import type { EventFilter, LiveEvent } from './documents.ts';
import { Feed } from './feed.ts';

/** A page that nobody sees lets go of its stream after this time, unless it is to notify. */
const REST_AFTER_MS = 15_000;

interface FeedUse {
  readonly filter: EventFilter | null;
  readonly isNotifying: boolean;
  readonly onEvent: (event: LiveEvent) => void;
}

/** A feed for the filter, anew for each; renders when it has changed. */
export function useFeed({ filter, isNotifying, onEvent }: FeedUse): {
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
  const key = JSON.stringify(filter);
  const feed = useMemo(() => {
    void turn;
    const parsed = JSON.parse(key) as EventFilter | null;
    return new Feed({
      client,
      workspace: slug,
      filter: parsed,
      onEvent: event => latest.current(event),
    });
  }, [client, slug, key, turn]);
  useSyncExternalStore(feed.subscribe, feed.version);
  useEffect(() => {
    feed.resume();
    return () => feed.pause();
  }, [feed]);
  useRest(feed, isNotifying);
  return { feed, restart: () => setTurn(turn + 1) };
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
