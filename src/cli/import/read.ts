/** An input of any format → its records. */
import { UsageError } from '../errors.ts';
import { cloudRecord } from './cloud-events.ts';
import { checkMapped, csvRecords } from './csv-records.ts';
import { utf8Of } from './encoding.ts';
import { jsonRecord, parsed } from './json-records.ts';
import { hasItem, jsonItems, lines, type Nesting, type TextRecord } from './lines.ts';
import type { ImportRecord, Mapping } from './mapping.ts';
import { peek, type Bytes } from './source.ts';
import { columnUses, type ColumnUse } from './suggestions.ts';

export const FORMATS = ['ndjson', 'csv', 'cloudevents'] as const;
export type Format = (typeof FORMATS)[number];

export interface ReadOptions {
  readonly file: string;
  readonly format: Format | undefined;
  readonly encoding: string | undefined;
  readonly delimiter: string | undefined;
  readonly mapping: Mapping;
  /** Of a table in a database, whose rows are JSON objects. */
  readonly columns: readonly string[] | undefined;
}

export interface Records {
  readonly format: Format;
  readonly records: AsyncIterable<ImportRecord>;
  /** What the columns of a table become; null where each record has names of its own. */
  readonly uses: readonly ColumnUse[] | null;
}

const TABLE = /\.([ct]sv)(\.gz)?$/i;
/** A first record that is longer says nothing. */
const START_BYTES_MAX = 1_048_576;

/**
 * The format is what is said, else what the name and the first record say.
 *
 * @throws UsageError where neither does, and for options that can't be meant for this input
 */
export async function readRecords(bytes: Bytes, options: ReadOptions): Promise<Records> {
  const { file, mapping, delimiter } = options;
  const utf8 = await utf8Of(bytes, options);
  const { start, all } = await peek(utf8, hasFirstRecord);
  const text = startText(start);
  if (text.startsWith('PK\u0003\u0004')) {
    throw new UsageError(
      'This is a ZIP archive or an Excel workbook. Unpack it, or save the sheet as CSV.',
    );
  }
  const table = TABLE.exec(file)?.[1]?.toLowerCase();
  const isTable = options.format === undefined && table !== undefined && !isJson(text);
  if (options.format === 'csv' || isTable) {
    const isTabbed = table === 'tsv';
    const ofTable = { ...mapping, restIntoPayload: true };
    const { records, columns } = await csvRecords(all, text, {
      mapping: ofTable,
      delimiter,
      isTabbed,
    });
    return { format: 'csv', records, uses: columnUses(columns, ofTable) };
  }
  if (options.format === undefined && !/^(?:[[{]|$)/.test(text)) {
    throw new UsageError(
      'This looks like neither JSON nor a .csv file. Set its format with --format.',
    );
  }
  const format = options.format ?? (await jsonFormatOf(start));
  if (format === 'cloudevents') {
    return { format, records: cloudRecords(all, start, mapping), uses: null };
  }
  const texts = await withMappedKeys(textsOf(all, start), mapping);
  return {
    format,
    uses: options.columns === undefined ? null : columnUses(options.columns, mapping),
    records: (async function* () {
      for await (const record of texts) yield jsonRecord(record, mapping);
    })(),
  };
}

function cloudRecords(all: Bytes, start: Buffer, { fields, defaults, ...mapping }: Mapping) {
  if (fields.size > 0 || defaults.size > 0 || mapping.restIntoPayload) {
    throw new UsageError(
      'CloudEvents are imported unchanged. --map, --set and --rest-into-payload need --format ndjson.',
    );
  }
  return (async function* () {
    for await (const record of textsOf(all, start)) yield cloudRecord(record);
  })();
}

function textsOf(bytes: Bytes, start: Buffer): AsyncGenerator<TextRecord> {
  const nesting = nestingOf(start);
  return nesting === 'IN_LINES' ? lines(bytes) : jsonItems(bytes, nesting);
}

/** By the line, but for a list and for objects that are written on several lines each. */
function nestingOf(start: Buffer): Nesting | 'IN_LINES' {
  const text = startText(start);
  if (text.startsWith('[')) return 'IN_LIST';
  return /^\{\s*?(?:[\r\n]|$)/.test(text) ? 'IN_SEQUENCE' : 'IN_LINES';
}

function startText(start: Buffer): string {
  return start.toString('utf8', 0, START_BYTES_MAX).trimStart();
}

/** Whether a look at it tells what the input is. */
function hasFirstRecord(start: Buffer): boolean {
  const nesting = nestingOf(start);
  const isThere = nesting === 'IN_LINES' ? start.includes('\n') : hasItem(start, nesting);
  return isThere || start.length >= START_BYTES_MAX;
}

/** Whether a heading of a table could hardly look like this. */
function isJson(start: string): boolean {
  return /^(?:\[\s*(?:[[{\]]|$)|\{\s*(?:["}]|$))/.test(start);
}

/** A CloudEvent has its `specversion` beside its `id` and `source`, not in a payload. */
async function jsonFormatOf(start: Buffer): Promise<Format> {
  async function* bytes(): AsyncGenerator<Buffer> {
    yield start;
  }
  try {
    for await (const { text } of textsOf(bytes(), start)) {
      const first = parsed(text);
      if (first === null) continue;
      return typeof first.value['specversion'] === 'string' ? 'cloudevents' : 'ndjson';
    }
  } catch {
    // A list that goes on beyond what is looked at.
  }
  return 'ndjson';
}

/** A key that is mapped is expected in one of so many records. */
const RECORDS_LOOKED_AT = 100;

/** @throws UsageError where a key that is to be mapped is in none of the first records */
async function withMappedKeys(
  texts: AsyncGenerator<TextRecord>,
  { fields }: Mapping,
): Promise<AsyncIterable<TextRecord>> {
  if (fields.size === 0) return texts;
  const first: TextRecord[] = [];
  const keys = new Set<string>();
  while (first.length < RECORDS_LOOKED_AT) {
    const next = await texts.next();
    if (next.done === true) break;
    first.push(next.value);
    for (const key of Object.keys(parsed(next.value.text)?.value ?? {})) keys.add(key);
  }
  if (keys.size > 0) {
    checkMapped(fields, [...keys], `None of the first ${RECORDS_LOOKED_AT} records has`);
  }
  return (async function* () {
    yield* first;
    yield* texts;
  })();
}
