import { memo } from 'react';
import { formatTimeMs } from '../../parts/format.ts';
import { typeColor } from '../../parts/type-color.ts';
import { Link } from '../../router/link.tsx';
import { COLUMNS, type ColumnName } from './columns.ts';
import type { Row } from './rows.ts';

interface EventRowProps {
  readonly row: Row;
  readonly index: number;
  readonly columns: readonly ColumnName[];
  readonly href: string;
  readonly isChosen: boolean;
}

export const EventRow = memo(function EventRow(props: EventRowProps) {
  const { row, index, columns, href, isChosen } = props;
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
        <i className="dot" style={{ background: `var(${typeColor(row.type)})` }} />
        {row.type}
      </span>
      <span className="summary clip">
        {row.success === false && <b className="failed">failed</b>}
        {row.icon !== null && <span className="emoji">{row.icon}</span>}
        {row.summary}
      </span>
      {columns.map(name => (
        <span className={`column ${name} clip`} key={name}>
          {COLUMNS[name].text(row)}
        </span>
      ))}
    </Link>
  );
});
