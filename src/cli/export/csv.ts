/** Events as rows of a table that `import` and spreadsheets read (RFC 4180). */
import { writeExact } from '../../core/exact-json.ts';
import { isNumber } from '../../core/exact-number.ts';
import { withoutFormula } from '../../core/isomorphic.ts';
import { valueAt, type ExportedEvent } from './exact.ts';

/** Each event's own fields; the payload is one cell of JSON. */
export const COLUMNS = [
  ...['id', 'type', 'occurredAt', 'recordedAt', 'expiresAt', 'source', 'subject', 'actor'],
  ...['description', 'icon', 'notify', 'success', 'clientIp', 'parentId', 'groupId', 'door'],
  ...['payload', 'properties', 'unreadable', 'position', 'cursor'],
];

export interface CsvOptions {
  readonly columns: readonly string[];
  /** Whether no text may be a formula where a spreadsheet reads it. */
  readonly spreadsheetSafe?: boolean;
}

export function csvRow(event: ExportedEvent, { columns, spreadsheetSafe }: CsvOptions): string {
  const cells = columns.map(column => {
    const value = valueOf(event, column);
    const cell = cellOf(value);
    return spreadsheetSafe !== true || cell === null || isNumber(value)
      ? cell
      : withoutFormula(cell);
  });
  return csvLine(cells);
}

/**
 * A row without its line end.
 *
 * @param cells null: absent, which `import` tells from an empty text
 */
export function csvLine(cells: readonly (string | null)[]): string {
  return cells.map(cell => (cell === null ? '' : quoted(cell))).join(',');
}

/** `payload.order.total` is a value within the payload, as `import` has it. */
function valueOf(event: ExportedEvent, column: string): unknown {
  const [field, ...path] = column.split('.');
  return field === 'payload' && path.length > 0 ? valueAt(event['payload'], path) : event[column];
}

function cellOf(value: unknown): string | null {
  if (value === undefined || value === null) return null;
  return typeof value === 'string' ? value : writeExact(value);
}

function quoted(cell: string): string {
  return cell === '' || /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}
