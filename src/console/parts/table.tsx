import type { ReactNode } from 'react';

export interface Column<Row> {
  readonly title: ReactNode;
  /** Numbers stand at the right, so that their digits align. */
  readonly isNumber?: boolean;
  /** Hidden where the screen is narrow. */
  readonly isMinor?: boolean;
  readonly cell: (row: Row) => ReactNode;
  /** How the rows are sorted by it now. Given, the title is a button that sorts. */
  readonly sorted?: 'ascending' | 'descending' | 'none';
  readonly onSort?: () => void;
}

interface TableProps<Row> {
  /** What the table holds, for those who can't see it. */
  readonly caption: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly keyOf: (row: Row) => string;
}

export function Table<Row>({ caption, columns, rows, keyOf }: TableProps<Row>) {
  return (
    <div className="table-frame" tabIndex={0} role="region" aria-label={caption}>
      <table className="table">
        <caption className="unseen">{caption}</caption>
        <thead>
          <tr>
            {columns.map((column, at) => (
              <th
                key={at}
                scope="col"
                className={classOf(column)}
                aria-sort={column.sorted === 'none' ? undefined : column.sorted}
              >
                {column.onSort ? <SortButton column={column} /> : column.title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(row => (
            <tr key={keyOf(row)}>
              {columns.map((column, at) => (
                <td key={at} className={classOf(column)}>
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const SORT_SIGNS = { ascending: '↑', descending: '↓', none: '' } as const;

function SortButton<Row>({ column: { title, sorted = 'none', onSort } }: { column: Column<Row> }) {
  return (
    <button type="button" className="sort" onClick={onSort}>
      {title} <span aria-hidden="true">{SORT_SIGNS[sorted]}</span>
    </button>
  );
}

function classOf<Row>({ isNumber, isMinor }: Column<Row>): string {
  return `${isNumber ? 'number' : ''} ${isMinor ? 'minor' : ''}`;
}
