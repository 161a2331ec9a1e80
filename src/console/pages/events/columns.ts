/** The columns that the user chose for the list, kept in this browser. */
import { createStore, useStore } from '../../api/store.ts';
import { DOORS, formatCount, formatDateTime } from '../../parts/format.ts';
import type { Row } from './rows.ts';

interface Column {
  readonly title: string;
  readonly text: (row: Row) => string | null;
}

export const COLUMNS = {
  subject: { title: 'Subject', text: row => row.subject },
  actor: { title: 'Actor', text: row => row.actor },
  source: { title: 'Source', text: row => row.source },
  door: { title: 'Source API', text: row => DOORS[row.door] },
  success: { title: 'Success', text: row => successText(row.success) },
  group: { title: 'Group', text: row => row.groupId },
  client: { title: 'Client address', text: row => row.clientIp },
  recorded: { title: 'Recorded', text: row => formatDateTime(row.recordedMs) },
  position: { title: 'Position', text: row => formatCount(row.position) },
  id: { title: 'Event id', text: row => row.eventId },
} as const satisfies Readonly<Record<string, Column>>;
export type ColumnName = keyof typeof COLUMNS;

export const COLUMN_NAMES = Object.keys(COLUMNS) as ColumnName[];
const USUAL: readonly ColumnName[] = ['subject', 'actor', 'source'];
const STORED_AT = 'sluice.columns';

const chosen = createStore<readonly ColumnName[]>(stored());

function stored(): readonly ColumnName[] {
  const names = localStorage.getItem(STORED_AT)?.split(',');
  return names ? COLUMN_NAMES.filter(name => names.includes(name)) : USUAL;
}

export function useColumns(): readonly ColumnName[] {
  return useStore(chosen);
}

export function toggleColumn(name: ColumnName): void {
  const now = chosen.get();
  const next = COLUMN_NAMES.filter(each => now.includes(each) !== (each === name));
  localStorage.setItem(STORED_AT, next.join());
  chosen.set(next);
}

function successText(success: boolean | null): string | null {
  if (success === null) return null;
  return success ? 'Succeeded' : 'Failed';
}

/** Widths of the list’s columns: those that the user chose share what is left of the text. */
export function gridOf(columns: readonly ColumnName[]): string {
  return [
    '92px',
    'minmax(120px, 1.1fr)',
    'minmax(0, 3fr)',
    ...columns.map(() => 'minmax(0, 0.8fr)'),
  ].join(' ');
}
