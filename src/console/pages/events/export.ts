/** The events that are shown, as a file: page after page, newest first. */
import { problemOf } from '../../api/problem.ts';
import { StreamError } from '../../api/stream.ts';
import { toCsv, type Row as CsvRow } from '../../parts/download.ts';
import { EventExport, type ExportedEvent } from './documents.ts';
import { orderOf, wholeFilter, type Scope } from './history.ts';

/** Events in one file, and its characters: a tab holds all of it. The command line has no limit. */
export const EXPORT_MAX = 100_000;
const CHARS_MAX = 200_000_000;

export const FORMATS = {
  csv: { title: 'CSV', type: 'text/csv' },
  ndjson: { title: 'NDJSON', type: 'application/x-ndjson' },
} as const;
export type Format = keyof typeof FORMATS;

export interface ExportFile {
  readonly content: Blob;
  readonly count: number;
  /** Whether there are more than fit into one file. */
  readonly isCut: boolean;
}

/** @throws StreamError; AbortError when `signal` aborts */
export async function exportEvents(
  scope: Scope,
  format: Format,
  { signal, onCount }: { readonly signal: AbortSignal; readonly onCount: (n: number) => void },
): Promise<ExportFile> {
  const parts: string[] = format === 'csv' ? [`${COLUMNS.join()}\r\n`] : [];
  const variables = { workspace: scope.workspace, filter: wholeFilter(scope) };
  let [count, chars, after, isCut] = [0, 0, null as string | null, false];
  for (;;) {
    signal.throwIfAborted();
    const { data, error } = await scope.client
      .query(
        EventExport,
        { ...variables, order: orderOf(scope), after },
        { requestPolicy: 'network-only' },
      )
      .toPromise();
    if (!data) {
      if (error) throw new StreamError(problemOf(error));
      throw new Error('an answer without data and without an error');
    }
    const { nodes, pageInfo } = data.events;
    const taken = nodes.slice(0, EXPORT_MAX - count);
    const text = format === 'csv' ? csvOf(taken) : taken.map(lineOf).join('');
    parts.push(text);
    count += taken.length;
    chars += text.length;
    onCount(count);
    const isFull = count >= EXPORT_MAX || chars >= CHARS_MAX;
    isCut = isFull && (pageInfo.hasNextPage || taken.length < nodes.length);
    if (!pageInfo.hasNextPage || isCut) break;
    after = pageInfo.endCursor;
  }
  signal.throwIfAborted();
  return { content: new Blob(parts, { type: FORMATS[format].type }), count, isCut };
}

/** As `sluice export` has them. */
const COLUMNS = [
  ...['id', 'type', 'occurredAt', 'recordedAt', 'expiresAt', 'source', 'subject', 'actor'],
  ...['description', 'icon', 'notify', 'success', 'clientIp', 'parentId', 'groupId', 'door'],
  ...['payload', 'position', 'cursor'],
];

function fieldsOf({ eventId, __typename: _, ...rest }: ExportedEvent & { __typename?: string }) {
  return { id: eventId, ...rest };
}

/** What is null is left out. */
function lineOf(event: ExportedEvent): string {
  const fields = Object.entries(fieldsOf(event)).filter(([, value]) => value !== null);
  return `${JSON.stringify(Object.fromEntries(fields))}\n`;
}

function csvOf(events: readonly ExportedEvent[]): string {
  const rows = events.map((event): CsvRow => {
    const fields: Readonly<Record<string, unknown>> = fieldsOf(event);
    return Object.fromEntries(COLUMNS.map(name => [name, cellOf(fields[name])]));
  });
  const csv = toCsv(rows);
  return csv.slice(csv.indexOf('\r\n') + 2);
}

function cellOf(value: unknown): string | number | null {
  if (value === null || value === undefined) return null;
  if (typeof value === 'number' || typeof value === 'string') return value;
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
