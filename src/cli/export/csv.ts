/** Events as rows of a table that `import` and spreadsheets read (RFC 4180). */
import type { ExportedEvent } from './exact.ts';

/** Each event's own fields; the payload is one cell of JSON. */
export const COLUMNS = [
  ...['id', 'type', 'occurredAt', 'recordedAt', 'expiresAt', 'source', 'subject', 'actor'],
  ...['description', 'icon', 'notify', 'success', 'clientIp', 'parentId', 'groupId', 'door'],
  ...['payload', 'properties', 'position', 'cursor'],
];

export function csvRow(event: ExportedEvent, columns: readonly string[]): string {
  return csvLine(columns.map(column => cellOf(valueOf(event, column))));
}

export function csvLine(cells: readonly string[]): string {
  return `${cells.map(quoted).join(',')}\r\n`;
}

/** `payload.order.total` is a value within the payload. */
function valueOf(event: ExportedEvent, column: string): unknown {
  if (!column.startsWith('payload.')) return event[column];
  let value: unknown = event;
  for (const key of column.split('.')) {
    value = typeof value === 'object' && value !== null ? (value as ExportedEvent)[key] : undefined;
  }
  return value;
}

function cellOf(value: unknown): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function quoted(cell: string): string {
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}
