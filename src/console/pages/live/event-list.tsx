import { useVirtualizer } from '@tanstack/react-virtual';
import { memo, useRef, useState, type FocusEvent, type KeyboardEvent } from 'react';
import { Button } from '../../parts/button.tsx';
import { formatCount, formatTimeMs } from '../../parts/format.ts';
import { Link } from '../../router/link.tsx';
import type { Row, Rows } from './rows.ts';

/** The heights of a row in live.css, in pixels. */
const ROW_PX = 36;
const NARROW_ROW_PX = 58;

interface EventListProps {
  readonly rows: Rows;
  readonly chosen: string | null;
  readonly linkTo: (row: Row) => string;
  readonly colorOf: (type: string) => string;
}

/**
 * Newest on top, and only the rows in sight are there. Who scrolls down, or walks by keyboard, reads
 * the list as it was then: rows do not move away under them.
 */
export function EventList({ rows, chosen, linkTo, colorOf }: EventListProps) {
  const frame = useRef<HTMLDivElement>(null);
  const { held, hold, release } = useHeld(rows);
  const shown = held ?? rows;
  const virtual = useVirtualizer({
    count: shown.length,
    getScrollElement: () => frame.current,
    estimateSize: () => (matchMedia('(width < 700px)').matches ? NARROW_ROW_PX : ROW_PX),
    overscan: 6,
  });

  function onScroll(): void {
    if (!frame.current) return;
    if (frame.current.scrollTop > ROW_PX / 2) hold();
    else if (!frame.current.contains(document.activeElement)) release();
  }

  function toTop(): void {
    release();
    frame.current?.scrollTo({ top: 0 });
  }

  const missed = held ? rows.added - held.added : 0;
  return (
    <div className="event-list-frame">
      {missed > 0 && (
        <Button className="to-top" look="primary" icon="up" onClick={toTop}>
          {formatCount(missed)} new
        </Button>
      )}
      <Head />
      <div
        className="event-list"
        ref={frame}
        onScroll={onScroll}
        onFocus={hold}
        onBlur={event => hasLeft(event) && frame.current?.scrollTop === 0 && release()}
        onKeyDown={event => walk(event, to => virtual.scrollToIndex(to), shown.length)}
        tabIndex={-1}
      >
        <ol aria-label="Events, newest first" style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map(({ index, start, key }) => {
            const row = shown.at(index);
            if (!row) return null;
            return (
              <li key={key} style={{ transform: `translateY(${start}px)` }}>
                <EventRow
                  {...{ row, index }}
                  href={linkTo(row)}
                  color={colorOf(row.type)}
                  isChosen={row.eventId === chosen}
                />
              </li>
            );
          })}
        </ol>
      </div>
    </div>
  );
}

/** Each row says it all itself to those who hear it. */
function Head() {
  return (
    <div className="event-row head" aria-hidden="true">
      <span>Time</span>
      <span>Type</span>
      <span>What</span>
      <span className="subject">Subject</span>
      <span className="actor">Actor</span>
      <span className="source">Source</span>
    </div>
  );
}

interface EventRowProps {
  readonly row: Row;
  readonly index: number;
  readonly href: string;
  readonly color: string;
  readonly isChosen: boolean;
}

const EventRow = memo(function EventRow({ row, index, href, color, isChosen }: EventRowProps) {
  return (
    <Link
      className="event-row"
      href={href}
      data-index={index}
      tabIndex={index === 0 || isChosen ? 0 : -1}
      aria-current={isChosen || undefined}
    >
      <time dateTime={new Date(row.occurredMs).toISOString()}>{formatTimeMs(row.occurredMs)}</time>
      <span className="type clip">
        <i className="dot" style={{ background: `var(${color})` }} />
        {row.type}
      </span>
      <span className="summary clip">
        {row.success === false && <b className="failed">failed</b>}
        {row.icon !== null && <span className="emoji">{row.icon}</span>}
        {row.summary}
      </span>
      <span className="subject clip">{row.subject}</span>
      <span className="actor clip">{row.actor}</span>
      <span className="source clip">{row.source}</span>
    </Link>
  );
});

/** A copy of the rows to read in peace, as long as it is held. */
function useHeld(rows: Rows) {
  const [held, setHeld] = useState<{ of: Rows; copy: Rows } | null>(null);
  const isOfThese = held !== null && held.of === rows;
  return {
    held: isOfThese ? held.copy : null,
    hold: () => !isOfThese && setHeld({ of: rows, copy: rows.copy() }),
    release: () => held !== null && setHeld(null),
  };
}

function hasLeft({ currentTarget, relatedTarget }: FocusEvent): boolean {
  return !(relatedTarget instanceof Node && currentTarget.contains(relatedTarget));
}

/** Arrow keys, Home and End go from row to row. */
function walk(
  event: KeyboardEvent<HTMLElement>,
  scrollTo: (index: number) => void,
  length: number,
): void {
  const at = Number((event.target as HTMLElement).dataset['index']);
  const targets: Readonly<Record<string, number>> = {
    ArrowDown: at + 1,
    ArrowUp: at - 1,
    Home: 0,
    End: length - 1,
  };
  const to = targets[event.key];
  if (to === undefined || Number.isNaN(to) || to < 0 || to >= length) return;
  event.preventDefault();
  const list = event.currentTarget;
  const row = () => list.querySelector<HTMLElement>(`[data-index="${to}"]`);
  scrollTo(to);
  // A neighbour is there already: it has the focus before the next key comes.
  if (row() !== null) row()?.focus();
  else requestAnimationFrame(() => row()?.focus());
}
