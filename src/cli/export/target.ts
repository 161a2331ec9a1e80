/** Where exported events are written: a file that can be gone on with, or standard output. */
import { open, truncate } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { writeExact } from '../../core/exact-json.ts';
import { UsageError } from '../errors.ts';
import { endWithReader, printable, printableJson, write } from '../output.ts';
import { COLUMNS, csvLine, csvRow, type CsvOptions } from './csv.ts';
import type { ExportedEvent } from './exact.ts';
import { resumeCsv, resumeNdjson } from './resume.ts';

export interface TargetOptions {
  readonly output?: string;
  readonly format?: 'ndjson' | 'csv';
  readonly columns?: readonly string[];
  readonly spreadsheetSafe?: boolean;
  readonly resume?: boolean;
  readonly force?: boolean;
  readonly evidence?: boolean;
}

export interface Target {
  /** Where to go on; undefined: at the beginning. */
  readonly after: string | undefined;
  write(events: readonly ExportedEvent[]): Promise<void>;
  close(): Promise<void>;
}

export async function openTarget(options: TargetOptions): Promise<Target> {
  const { output, resume = false } = options;
  const isCsv = (options.format ?? formatOf(output)) === 'csv';
  if (options.columns !== undefined && !isCsv)
    throw new UsageError('--columns needs --format csv.');
  if (options.spreadsheetSafe === true && !isCsv)
    throw new UsageError('--spreadsheet-safe needs --format csv.');
  if (options.evidence === true && isCsv) {
    throw new UsageError('--evidence needs --format ndjson.');
  }
  if (output === undefined) {
    if (resume) throw new UsageError('--resume needs --output.');
    return toStandardOutput(isCsv, options);
  }
  return toFile(output, isCsv, options);
}

function formatOf(file = ''): TargetOptions['format'] {
  return /\.csv(\.gz)?$/i.test(file) ? 'csv' : 'ndjson';
}

/** Whether it is packed. */
export function isGzip(file: string | undefined): boolean {
  return file !== undefined && /\.gz$/i.test(file);
}

const packed = promisify(gzip);

async function toStandardOutput(isCsv: boolean, options: TargetOptions): Promise<Target> {
  endWithReader();
  const columns = options.columns ?? COLUMNS;
  const show = process.stdout.isTTY === true ? printable : asItIs;
  if (isCsv) await write(`${show(csvLine(columns))}\r\n`);
  const textOf = isCsv ? asCsv({ ...options, columns }, show) : asJson;
  return {
    after: undefined,
    write: events => write(textOf(events)),
    close: async () => {},
  };
}

async function toFile(file: string, isCsv: boolean, options: TargetOptions): Promise<Target> {
  const { resume = false, force = false } = options;
  // A file that was broken off can be unpacked as far as it was written, and not written on.
  if (resume && isGzip(file)) {
    throw new UsageError(
      '--resume cannot continue a compressed file: use --after, and another file.',
    );
  }
  const place = resume ? await placeIn(file, isCsv) : null;
  const columns = place?.columns ?? options.columns ?? COLUMNS;
  if (place !== null) await truncate(file, place.bytes);
  const handle = await open(file, place !== null ? 'a' : force ? 'w' : 'wx').catch(explain(file));
  // Each piece is packed by itself: gzip takes one after the other.
  const put = async (text: string) => handle.writeFile(isGzip(file) ? await packed(text) : text);
  if (isCsv && (place === null || place.bytes === 0)) await put(`${csvLine(columns)}\r\n`);
  const textOf = isCsv ? asCsv({ ...options, columns }, asItIs) : asJson;
  return {
    after: place?.after,
    write: events => put(textOf(events)),
    close: () => handle.close(),
  };
}

async function placeIn(file: string, isCsv: boolean) {
  try {
    return isCsv ? await resumeCsv(file) : { ...(await resumeNdjson(file)), columns: null };
  } catch (error) {
    // Nothing to resume: this is the first run.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

function explain(file: string) {
  return (error: NodeJS.ErrnoException): never => {
    if (error.code !== 'EEXIST') throw error;
    throw new UsageError(
      `${file} already exists. Use --resume to continue it, or --force to overwrite it.`,
    );
  };
}

type TextOf = (events: readonly ExportedEvent[]) => string;

const asJson: TextOf = events =>
  events.map(event => `${printableJson(writeExact(event))}\n`).join('');

/** @param show a row as it is to be shown */
function asCsv(options: CsvOptions, show: (row: string) => string): TextOf {
  return events => events.map(event => `${show(csvRow(event, options))}\r\n`).join('');
}

function asItIs(row: string): string {
  return row;
}
