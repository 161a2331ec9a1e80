/**
 * A table with a heading: its first row names the columns. A column that is called like a field of
 * an event, or is said to be one, is that field; every other goes into the payload.
 */
import { parse } from 'csv-parse';
import { Readable } from 'node:stream';
import { EVENT_FIELDS, problem } from './event-fields.ts';
import { mapped } from './mapped.ts';
import type { ImportRecord, Mapping } from './record.ts';
import type { Bytes } from './source.ts';

const RECORD_BYTES_MAX = 16_777_216;

interface Row {
  readonly record: string[];
  readonly info: { readonly lines: number };
  readonly raw: string;
}

export async function* csvRecords(
  bytes: Bytes,
  mapping: Mapping,
  delimiter: string,
): AsyncGenerator<ImportRecord> {
  const refused: ImportRecord[] = [];
  const source = Readable.from(bytes);
  const rows = source.pipe(
    parse({
      ...{ bom: true, delimiter, info: true, raw: true, relax_column_count: true },
      ...{ skip_empty_lines: true, skip_records_with_error: true },
      max_record_size: RECORD_BYTES_MAX,
      on_skip: error => {
        const line = Number((error as unknown as { lines?: number } | undefined)?.lines ?? 0);
        const problems = [problem('NOT_CSV', '', error?.message ?? 'This is no CSV.')];
        refused.push({ line, text: '', problems });
      },
    }),
  );
  source.on('error', error => rows.destroy(error));
  let columns: string[] | null = null;
  for await (const { record, info, raw } of rows as AsyncIterable<Row>) {
    yield* refused.splice(0);
    if (columns === null) {
      columns = record.map(name => name.trim());
      continue;
    }
    const text = raw.replace(/\r?\n$/, '');
    const line = info.lines - (text.match(/\n/g)?.length ?? 0);
    yield csvRecord({ line, text, record }, columns, mapping);
  }
  yield* refused;
}

function csvRecord(
  { line, text, record }: { line: number; text: string; record: readonly string[] },
  columns: readonly string[],
  mapping: Mapping,
): ImportRecord {
  if (record.length > columns.length) {
    const message = `It has ${record.length} cells, and the heading ${columns.length} columns.`;
    return { line, text, problems: [problem('NOT_CSV', '', message)] };
  }
  const cells = columns.map((name, index) => {
    const field = mapping.fields.get(name) ?? name;
    return [name, cellValue(field, record[index] ?? '', mapping)] as const;
  });
  return mapped({ line, text }, Object.fromEntries(cells), { ...mapping, restIntoPayload: true });
}

/** An empty cell is absent. */
function cellValue(field: string, cell: string, { textOnly }: Mapping): unknown {
  if (cell === '') return undefined;
  const kind = EVENT_FIELDS[field];
  if (kind === 'text' || kind === 'instant') return cell;
  if (kind === 'flag') return flagOf(cell);
  if (kind !== undefined) return jsonOf(cell);
  if (textOnly) return cell;
  if (cell === 'true' || cell === 'false') return cell === 'true';
  // A number only where no digit would be lost: 007 and 1.50 stay text.
  const number = Number(cell);
  return String(number) === cell && Number.isFinite(number) ? number : cell;
}

function flagOf(cell: string): unknown {
  if (/^(true|yes|1)$/i.test(cell)) return true;
  return /^(false|no|0)$/i.test(cell) ? false : cell;
}

function jsonOf(cell: string): unknown {
  try {
    return JSON.parse(cell);
  } catch {
    return cell;
  }
}
