/** Events as rows of a table that `import` and spreadsheets read (RFC 4180). */
import { writeExact } from '../../core/exact-json.ts';
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
    return spreadsheetSafe === true && typeof value === 'string'
      ? withoutFormula(value)
      : cellOf(value);
  });
  return csvLine(cells);
}

/**
 * Spreadsheets take a text that begins so for a formula, and show the apostrophe of none.
 * @see https://owasp.org/www-community/attacks/CSV_Injection
 */
function withoutFormula(text: string): string {
  return /^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/.test(text) ? `'${text}` : text;
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
