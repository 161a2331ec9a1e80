/**
 * A table with a heading: its first row names the columns. A column that is called like a field of
 * an event, or is said to be one, is that field; every other goes into the payload.
 */
import { UsageError } from '../errors.ts';
import { suggestion } from '../similar-names.ts';
import { csvRows, type CsvRow } from './csv-rows.ts';
import { EVENT_FIELDS, isEventField, problem } from './event-fields.ts';
import { jsonValue, parseJson, type JsonValue } from './json-members.ts';
import type { ImportRecord, Mapping } from './mapping.ts';
import { mapped } from './mapping.ts';
import type { Bytes } from './source.ts';

export interface CsvOptions {
  readonly mapping: Mapping;
  /** Undefined: what the first line of the file says, else that of the file's kind. */
  readonly delimiter: string | undefined;
  readonly isTabbed: boolean;
}

/** @throws UsageError for a heading that can't be what is meant */
export async function csvRecords(
  bytes: Bytes,
  start: string,
  { mapping, delimiter: given, isTabbed }: CsvOptions,
): Promise<{ records: AsyncGenerator<ImportRecord>; columns: readonly string[] }> {
  // Excel reads what is between cells from a line before the heading.
  const [hint, said] = /^"?sep=([^\r\n]|\\t)"?(?:\r\n|\r|\n|$)/i.exec(start) ?? [];
  const delimiter = given ?? said?.replace('\\t', '\t') ?? (isTabbed ? '\t' : ',');
  const rows = csvRows(bytes, delimiter);
  if (hint !== undefined) await rows.next();
  const first = await rows.next();
  const heading = first.done === true ? null : first.value;
  const columns = heading === null ? [] : columnsOf(heading);
  if (given === undefined && said === undefined) checkDelimiter(columns, delimiter);
  if (heading !== null) checkColumns(columns, mapping);
  const records = (async function* () {
    for await (const row of rows) yield csvRecord(row, columns, mapping);
  })();
  return { records, columns };
}

function columnsOf({ line, cells, problem: why }: CsvRow): string[] {
  if (why !== undefined) {
    throw new UsageError(
      `The header of the table, on line ${line}, cannot be read. ${why.message}`,
    );
  }
  return cells.map(cell => cell?.trim() ?? '');
}

const DELIMITERS = [';', '\t', '|', ','];

/** A heading of one column that holds another delimiter is a heading of several. */
function checkDelimiter(columns: readonly string[], delimiter: string): void {
  const [only = '', ...more] = columns;
  const other = DELIMITERS.find(each => each !== delimiter && only.includes(each));
  if (more.length > 0 || other === undefined) return;
  const name = other === '\t' ? 'tab' : JSON.stringify(other);
  throw new UsageError(
    `The header has one column, ${JSON.stringify(only)}. Use --delimiter ${name}, or --delimiter ${JSON.stringify(delimiter)} if one is right.`,
  );
}

function checkColumns(columns: readonly string[], { fields }: Mapping): void {
  const named = columns.filter(name => name !== '');
  const twice = named.find((name, index) => named.indexOf(name) < index);
  if (twice !== undefined) {
    throw new UsageError(
      `The header has two columns named ${JSON.stringify(twice)}. Give them different names.`,
    );
  }
  checkMapped(fields, named, 'There is no column');
}

/** @throws UsageError for a name that is not there */
export function checkMapped(
  fields: ReadonlyMap<string, string>,
  names: readonly string[],
  complaint: string,
): void {
  const missing = [...fields.keys()].find(name => !names.includes(name));
  if (missing === undefined) return;
  const there = names.map(name => JSON.stringify(name)).join(', ') || 'none';
  const near = suggestion(missing, names);
  throw new UsageError(
    `--map: ${complaint} ${JSON.stringify(missing)}${near || ':'} There are ${there}.`,
  );
}

function csvRecord(row: CsvRow, columns: readonly string[], mapping: Mapping): ImportRecord {
  const { line, text, cells, problem: why } = row;
  if (why !== undefined) return { line, text, problems: [why] };
  const nameless = cells.findIndex((cell, index) => cell !== null && !columns[index]);
  if (nameless !== -1) {
    const message =
      nameless < columns.length
        ? `Column ${nameless + 1} has a value, but no name in the header.`
        : `It has ${cells.length} cells, but the header has ${columns.length} columns.`;
    return { line, text, problems: [problem('NOT_CSV', '', message)] };
  }
  const given = cells.flatMap((cell, index): [string, JsonValue][] => {
    const name = columns[index] as string;
    const value = cell === null ? null : cellValue(mapping.fields.get(name) ?? name, cell, mapping);
    return value === null ? [] : [[name, value]];
  });
  return mapped(row, given, mapping);
}

/** Where no text is expected, and where an empty one means nothing, an empty cell is absent. */
const NEVER_EMPTY = new Set(['id', 'type', 'icon', 'clientIp']);

function cellValue(name: string, cell: string, { textOnly }: Mapping): JsonValue | null {
  const field = name === 'eventId' ? 'id' : name;
  const kind = isEventField(field) ? EVENT_FIELDS[field] : undefined;
  if (cell === '' && kind !== undefined && (kind !== 'text' || NEVER_EMPTY.has(field))) return null;
  if (kind === 'text' || kind === 'instant') return jsonValue(cell);
  if (kind === 'flag') return jsonValue(flagOf(cell));
  if (kind !== undefined) return jsonOf(cell);
  if (textOnly || !isExactNumber(cell)) {
    const isFlag = !textOnly && (cell === 'true' || cell === 'false');
    return jsonValue(isFlag ? cell === 'true' : cell);
  }
  return jsonValue(Number(cell));
}

/** A number only where no digit would be lost: 007, 1.50 and integers beyond 2^53 stay text. */
function isExactNumber(cell: string): boolean {
  const number = Number(cell);
  if (String(number) !== cell || !Number.isFinite(number)) return false;
  return !Number.isInteger(number) || Number.isSafeInteger(number);
}

function flagOf(cell: string): unknown {
  if (/^(true|yes|1)$/i.test(cell)) return true;
  return /^(false|no|0)$/i.test(cell) ? false : cell;
}

function jsonOf(cell: string): JsonValue {
  try {
    return parseJson(cell);
  } catch {
    return jsonValue(cell);
  }
}
