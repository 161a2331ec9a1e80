import { useEffect, useState } from 'react';
import { Button } from '../../parts/button.tsx';
import { formatCount, formatDateTime } from '../../parts/format.ts';
import type { Feed, FeedMode } from './feed.ts';
import { setNotifying, useNotifying, type Notifying } from './notifications.ts';
import type { Range } from './range.ts';

const MODES: Readonly<Record<FeedMode, { text: string; tone: string }>> = {
  LOADING: { text: 'Loading', tone: 'quiet' },
  STILL: { text: '', tone: 'quiet' },
  LIVE: { text: 'Live', tone: 'good' },
  CATCHING_UP: { text: 'Catching up', tone: 'warn' },
  PAUSED: { text: 'Paused', tone: 'warn' },
  RESTING: { text: 'Resting', tone: 'quiet' },
  RECONNECTING: { text: 'Reconnecting', tone: 'warn' },
  FAILED: { text: 'Stopped', tone: 'bad' },
};

/** What opens in front of the page. */
export type ToolName = 'columns' | 'export';

interface ToolbarProps {
  readonly feed: Feed;
  readonly onRestart: () => void;
  readonly onTool: (name: ToolName) => void;
}

export function Toolbar({ feed, onRestart, onTool }: ToolbarProps) {
  return (
    <>
      {feed.range === null ? (
        <LiveTools {...{ feed, onRestart }} />
      ) : (
        <>
          <p className="mode range" role="status">
            {feed.mode === 'LOADING' ? 'Loading' : rangeText(feed.range)}
          </p>
          <Button icon="refresh" onClick={onRestart}>
            Refresh
          </Button>
        </>
      )}
      <Button className="columns-button" icon="columns" onClick={() => onTool('columns')}>
        Columns
      </Button>
      <Button icon="download" onClick={() => onTool('export')}>
        Export
      </Button>
    </>
  );
}

function rangeText({ fromMs, toMs }: Range): string {
  if (toMs === null) return `From ${formatDateTime(fromMs ?? 0)}`;
  if (fromMs === null) return `Before ${formatDateTime(toMs)}`;
  return `${formatDateTime(fromMs)} – ${formatDateTime(toMs)}`;
}

function LiveTools({ feed, onRestart }: Omit<ToolbarProps, 'onTool'>) {
  const { text, tone } = MODES[feed.mode];
  const isPaused = feed.mode === 'PAUSED';
  return (
    <>
      <p className={`mode ${tone}`} role="status">
        <i className="dot" />
        {text}
      </p>
      {feed.mode === 'LIVE' && <Rate feed={feed} />}
      {feed.mode === 'CATCHING_UP' && <Button onClick={onRestart}>Skip to now</Button>}
      <NotifyButton />
      <Button
        icon={isPaused ? 'play' : 'pause'}
        aria-pressed={isPaused}
        disabled={feed.mode === 'FAILED'}
        onClick={() => (isPaused ? feed.resume() : feed.pause())}
      >
        {isPaused ? 'Resume' : 'Pause'}
      </Button>
    </>
  );
}

const RATE_OVER_MS = 2_000;

function Rate({ feed }: { feed: Feed }) {
  const [rate, setRate] = useState<number | null>(null);
  useEffect(() => {
    let before = feed.rows.added;
    const timer = setInterval(() => {
      setRate(Math.round(((feed.rows.added - before) * 1_000) / RATE_OVER_MS));
      before = feed.rows.added;
    }, RATE_OVER_MS);
    return () => clearInterval(timer);
  }, [feed]);
  return <p className="rate muted">{rate === null ? '' : `${formatCount(rate)}/s`}</p>;
}

const NOTIFY_TITLES: Readonly<Record<Notifying, string>> = {
  on: 'Notifications are on for events here that ask for one',
  off: 'Show a notification for events here that ask for one',
  denied: 'The browser does not allow notifications for this page',
  unsupported: 'This browser shows no notifications here',
};

function NotifyButton() {
  const notifying = useNotifying();
  return (
    <Button
      icon="bell"
      aria-pressed={notifying === 'on'}
      title={NOTIFY_TITLES[notifying]}
      disabled={notifying === 'denied' || notifying === 'unsupported'}
      onClick={() => void setNotifying(notifying !== 'on')}
    >
      Notify
    </Button>
  );
}
