/** An input of any format → its records. */
import { UsageError } from '../errors.ts';
import { cloudRecord } from './cloud-events.ts';
import { csvRecords } from './csv-records.ts';
import { jsonRecord } from './json-records.ts';
import { lines, listItems } from './lines.ts';
import type { ImportRecord, Mapping } from './record.ts';
import { peek, type Bytes } from './source.ts';

export const FORMATS = ['ndjson', 'csv', 'cloudevents'] as const;
export type Format = (typeof FORMATS)[number];

export interface ReadOptions {
  readonly file: string;
  readonly format: Format | undefined;
  readonly delimiter: string | undefined;
  readonly mapping: Mapping;
}

export interface Records {
  readonly format: Format;
  readonly records: AsyncIterable<ImportRecord>;
}

const TABLE = /\.([ct]sv)(\.gz)?$/i;

/** The format is what is said, else what the name and the first bytes say. */
export async function readRecords(bytes: Bytes, options: ReadOptions): Promise<Records> {
  const { file, mapping } = options;
  const table = TABLE.exec(file)?.[1]?.toLowerCase();
  if (options.format === 'csv' || (options.format === undefined && table !== undefined)) {
    const delimiter = options.delimiter ?? (table === 'tsv' ? '\t' : ',');
    return { format: 'csv', records: csvRecords(bytes, mapping, delimiter) };
  }
  const { start, all } = await peek(bytes);
  const text = start
    .toString('utf8')
    .replace(/^\uFEFF/, '')
    .trimStart();
  const format = options.format ?? jsonFormatOf(text);
  const texts = text.startsWith('[') ? listItems(all) : lines(all);
  const read = format === 'cloudevents' ? cloudRecord : jsonRecord;
  return {
    format,
    records: (async function* () {
      for await (const record of texts) yield read(record, mapping);
    })(),
  };
}

/** A CloudEvent says that it is one, whatever comes before its `specversion`. */
function jsonFormatOf(start: string): Format {
  if (start !== '' && !/^[[{]/.test(start)) {
    throw new UsageError(
      'This looks like neither JSON nor a .csv file: say what it is with --format.',
    );
  }
  const first = start.startsWith('[') ? start : (start.split('\n')[0] as string);
  return /"specversion"\s*:\s*"1\./.test(first.slice(0, 65_536)) ? 'cloudevents' : 'ndjson';
}
