import { useVirtualizer } from '@tanstack/react-virtual';
import {
  useEffect,
  useRef,
  useState,
  type FocusEvent,
  type KeyboardEvent,
  type RefObject,
} from 'react';
import { Button } from '../../parts/button.tsx';
import { formatCount, formatDay } from '../../parts/format.ts';
import { COLUMNS, gridOf, useColumns, type ColumnName } from './columns.ts';
import { EventRow } from './event-row.tsx';
import type { Feed } from './feed.ts';
import { ListEnd } from './list-end.tsx';
import { READ_MAX, type Row, type Rows } from './rows.ts';

/** The heights of a row and of a day in events.css, in pixels. */
const ROW_PX = 36;
const NARROW_ROW_PX = 58;
const DAY_PX = 30;
/** Older rows are read when so many are left below. */
const AHEAD = 40;

interface EventListProps {
  readonly feed: Feed;
  readonly chosen: string | null;
  readonly linkTo: (row: Row) => string;
}

/**
 * Newest on top, and only the rows in sight are there; older ones are read by who scrolls to them.
 * Who scrolls down, or walks by keyboard, reads a live list as it was then: rows do not move away
 * under them.
 */
export function EventList({ feed, chosen, linkTo }: EventListProps) {
  const frame = useRef<HTMLDivElement>(null);
  const columns = useColumns();
  const { rows } = feed;
  const { held, hold, release } = useHeld(rows, feed.mode !== 'STILL');
  const shown = held ?? rows;
  const virtual = useRows(frame, shown);
  const last = virtual.range?.endIndex ?? 0;
  useEffect(() => {
    const isNear = last >= shown.length - AHEAD && shown.length < READ_MAX;
    if (isNear && feed.older === 'IDLE') void feed.readOlder(shown);
  });
  useEffect(() => {
    const at = chosen === null ? -1 : rows.indexOf(chosen);
    if (at > 0) virtual.scrollToIndex(at, { align: 'center' });
    // Only what was chosen before the list came: later it is in sight.
  }, [rows]);

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
    <div className="event-list-frame" style={{ '--grid': gridOf(columns) } as object}>
      {missed > 0 && (
        <Button className="to-top" look="primary" icon="up" onClick={toTop}>
          {formatCount(missed)} new
        </Button>
      )}
      <Head columns={columns} top={shown.at(virtual.range?.startIndex ?? 0)} />
      <div
        className="event-list"
        ref={frame}
        onScroll={onScroll}
        onFocus={hold}
        onBlur={event => hasLeft(event) && frame.current?.scrollTop === 0 && release()}
        onKeyDown={event => walk(event, to => virtual.scrollToIndex(to), shown.length)}
        tabIndex={-1}
      >
        <RowsInSight {...{ virtual, shown, columns, chosen, linkTo }} />
        <ListEnd {...{ feed, shown }} />
      </div>
    </div>
  );
}

interface RowsInSightProps extends Pick<EventListProps, 'chosen' | 'linkTo'> {
  readonly virtual: ReturnType<typeof useRows>;
  readonly shown: Rows;
  readonly columns: readonly ColumnName[];
}

function RowsInSight({ virtual, shown, columns, chosen, linkTo }: RowsInSightProps) {
  return (
    <ol aria-label="Events, newest first" style={{ height: virtual.getTotalSize() }}>
      {virtual.getVirtualItems().map(({ index, start, size, key }) => {
        const row = shown.at(index);
        if (!row) return null;
        return (
          <li key={key} style={{ transform: `translateY(${start}px)`, height: `${size}px` }}>
            {shown.beginsDay(index) && <p className="day">{formatDay(row.occurredMs)}</p>}
            <EventRow
              {...{ row, index, columns }}
              href={linkTo(row)}
              isChosen={row.eventId === chosen}
            />
          </li>
        );
      })}
    </ol>
  );
}

function useRows(frame: RefObject<HTMLDivElement | null>, shown: Rows) {
  const virtual = useVirtualizer({
    count: shown.length,
    getScrollElement: () => frame.current,
    estimateSize: index =>
      (matchMedia('(width < 700px)').matches ? NARROW_ROW_PX : ROW_PX) +
      (shown.beginsDay(index) ? DAY_PX : 0),
    overscan: 6,
  });
  // Rows that changed without a change of their number have their days elsewhere.
  useEffect(() => virtual.measure(), [shown, shown.added, shown.length]);
  return virtual;
}

interface HeadProps {
  readonly columns: readonly ColumnName[];
  /** The first row in sight. */
  readonly top: Row | undefined;
}

/** The day in sight, and names of columns: each row says it all itself to those who hear it. */
function Head({ columns, top }: HeadProps) {
  return (
    <>
      <p className="day top">{top && formatDay(top.occurredMs)}</p>
      <div className="event-row head" aria-hidden="true">
        <span>Time</span>
        <span>Type</span>
        <span>What</span>
        {columns.map(name => (
          <span className="column clip" key={name}>
            {COLUMNS[name].title}
          </span>
        ))}
      </div>
    </>
  );
}

/** A copy of the rows to read in peace, as long as it is held. What stands still needs none. */
function useHeld(rows: Rows, isMoving: boolean) {
  const [held, setHeld] = useState<{ of: Rows; copy: Rows } | null>(null);
  const isOfThese = held !== null && held.of === rows;
  return {
    held: isOfThese ? held.copy : null,
    hold: () => isMoving && !isOfThese && setHeld({ of: rows, copy: rows.copy() }),
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
