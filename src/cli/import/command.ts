/** The words and options of `sluice import`. */
import { Command, InvalidArgumentError, Option } from 'commander';
import {
  JSON_LINES,
  timeZone,
  whole,
  withConnection,
  withExamples,
  withWorkspace,
} from '../options.ts';
import { isEncoding } from './encoding.ts';
import { isEventField } from './event-fields.ts';
import { jsonValue, parseJson, type JsonValue } from './json-members.ts';
import { FORMATS } from './read.ts';

const NOTES = `
A line without an id gets one, made from the name of the input, its first record, the number of the
line and its text. So a second run recognises stored lines. Standard input has no name: set one with
--name. Refused lines are written with their number, text and problem, and the exit code is 1.

CSV: an empty cell is absent, and "" is an empty text. Payload cells become numbers and booleans if
no character is lost: 007, 1.50 and integers beyond 2^53 stay text.

Postgres: the rows are read in one snapshot. Columns that are no field go into the payload, with
their types. The primary key makes the id, so a later import records what is new. The password may
be in PGPASSWORD.`;

export function importCommand(): Command {
  const command = new Command('import')
    .argument(
      '<input>',
      'a file (NDJSON, a JSON list, CSV or CloudEvents, with or without gzip), - for ' +
        'standard input, or the URL of a Postgres database with --table or --query',
    )
    .description(
      'Record the events of a file or a table. After an interruption run it again: nothing is stored twice.',
    )
    .addOption(
      new Option(
        '--format <format>',
        'the format (default: from the name and the first bytes of the file)',
      ).choices(FORMATS),
    )
    .option('--table <name>', 'Postgres: the table to read, such as audit_log or app.audit_log')
    .option('--query <sql>', 'Postgres: the query to read, such as one with a where')
    .option(
      '--encoding <name>',
      'the encoding, such as windows-1252 (default: UTF-8, or UTF-16 with a byte order mark)',
      encoding,
    )
    .option(
      '--delimiter <char>',
      'CSV: the character between cells (default: ",", and a tab for .tsv)',
      delimiter,
    )
    .option(
      '--time-zone <zone>',
      'time zone of instants without an offset, such as Europe/Vienna',
      timeZone,
    )
    .option(
      '--map <name=field>',
      'read a column or key as this field, or as payload.<key> (repeatable)',
      mapping,
    )
    .option('--set <field=value>', 'set a field of every event that lacks it (repeatable)', setting)
    .option('--rest-into-payload', 'JSON: put keys that are not fields into the payload')
    .option('--text', 'CSV: keep payload values as text, even numbers')
    .option('--name <name>', 'the name of the input, for generated ids (default: that of the file)')
    .option('--from <line>', 'skip the lines before this one', whole(1))
    .option('--refused <file>', 'the file for refused lines (default: <file>.refused.ndjson)')
    .option(
      '--requests <n>',
      'concurrent requests; more are faster, but do not keep the order of lines',
      whole(1, 16),
      1,
    )
    .option('--dry-run', 'record nothing; show the first events, and lines that would be refused')
    .option('--json', JSON_LINES)
    .action(async (file, options) => (await import('./import.ts')).importFile(file, options));
  return withExamples(
    withWorkspace(withConnection(command)),
    'sluice import events.ndjson.gz --workspace acme',
    'sluice import visits.csv --set type=page.visit --map when=occurredAt --map user=actor',
    "sluice import sheet.csv --delimiter ';' --encoding windows-1252 --time-zone Europe/Vienna --dry-run",
    'sluice import postgres://app@db/shop --table audit_log --map action=type --map at=occurredAt --dry-run',
    'zcat events.gz | sluice import - --name events',
  ).addHelpText('after', NOTES);
}

function pair(text: string): [string, string] {
  const at = text.indexOf('=');
  if (at > 0 && at < text.length - 1) return [text.slice(0, at), text.slice(at + 1)];
  throw new InvalidArgumentError('Expected a name, "=" and a value.');
}

function checkField(field: string): void {
  if (isEventField(field) || field.startsWith('payload.')) return;
  throw new InvalidArgumentError(`${field} is neither a field of an event nor payload.<key>.`);
}

function mapping(text: string, all: ReadonlyMap<string, string> | undefined) {
  const [name, field] = pair(text);
  checkField(field);
  return new Map([...(all ?? []), [name, field]]);
}

function setting(text: string, all: ReadonlyMap<string, JsonValue> | undefined) {
  const [field, value] = pair(text);
  if (!isEventField(field)) throw new InvalidArgumentError(`${field} is not a field of an event.`);
  const isText = !['notify', 'success', 'payload', 'properties'].includes(field);
  return new Map([...(all ?? []), [field, isText ? jsonValue(value) : readJson(value)]]);
}

function readJson(text: string): JsonValue {
  try {
    return parseJson(text);
  } catch {
    throw new InvalidArgumentError('Expected JSON after "=".');
  }
}

function encoding(name: string): string {
  if (isEncoding(name)) return name;
  throw new InvalidArgumentError(
    'Expected an encoding, such as utf-8, windows-1252, latin1 or utf-16le.',
  );
}

function delimiter(text: string): string {
  const char = text === 'tab' || text === '\\t' ? '\t' : text;
  if (char !== '' && !/["\r\n]/.test(char)) return char;
  throw new InvalidArgumentError('Expected a character, such as ";", "|" or tab.');
}
