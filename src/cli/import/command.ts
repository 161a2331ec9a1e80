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
import { importFile } from './import.ts';
import { jsonValue, parseJson, type JsonValue } from './json-members.ts';
import { FORMATS } from './read.ts';

export function importCommand(): Command {
  const command = new Command('import')
    .argument('<file>', 'NDJSON, a JSON list, CSV or CloudEvents; also gzip; - for standard input')
    .description(
      'Record the events of a file. Run it again after a break: what is stored is not stored twice.',
    )
    .addOption(
      new Option(
        '--format <format>',
        'what the file is, where its name and first bytes do not say',
      ).choices(FORMATS),
    )
    .option(
      '--encoding <name>',
      'such as windows-1252 (default: UTF-8, or UTF-16 by its mark)',
      encoding,
    )
    .option(
      '--delimiter <char>',
      'CSV: what is between cells (default: "," and for .tsv a tab)',
      delimiter,
    )
    .option('--time-zone <zone>', 'of instants without an offset, such as Europe/Vienna', timeZone)
    .option('--map <name=field>', 'a column or key that is a field, or payload.<key>', mapping)
    .option('--set <field=value>', 'a field of every event that does not say it', setting)
    .option('--rest-into-payload', 'JSON: keys that are no field go into the payload')
    .option('--text', 'CSV: payload values stay text, also numbers')
    .option('--name <name>', 'the input’s name, of which ids are made (default: that of the file)')
    .option('--from <line>', 'leave out the lines before', whole(1))
    .option('--refused <file>', 'where refused lines go (default: <file>.refused.ndjson)')
    .option(
      '--requests <n>',
      'requests at once; more are quicker, and do not keep the order of the lines',
      whole(1, 16),
      1,
    )
    .option('--dry-run', 'record nothing: show the first events, and what would be refused here')
    .option('--json', JSON_LINES)
    .action(importFile);
  return withExamples(
    withWorkspace(withConnection(command)),
    'sluice import events.ndjson.gz --workspace acme',
    'sluice import visits.csv --set type=page.visit --map when=occurredAt --map user=actor',
    "sluice import sheet.csv --delimiter ';' --encoding windows-1252 --time-zone Europe/Vienna --dry-run",
    'zcat events.gz | sluice import - --name events',
  ).addHelpText(
    'after',
    `
Lines without an id get one, made of the input's name, its first record, the line's number and its
text: a second run finds them stored. Standard input has no name: give it one with --name. Refused
lines are kept with their number, text and problem; the exit code is then 1.

CSV: an empty cell is absent, and "" is an empty text. Payload cells become numbers and booleans
where no character is lost by it: 007, 1.50 and integers beyond 2^53 stay text.`,
  );
}

function pair(text: string): [string, string] {
  const at = text.indexOf('=');
  if (at > 0 && at < text.length - 1) return [text.slice(0, at), text.slice(at + 1)];
  throw new InvalidArgumentError('A name, "=" and what it is are expected.');
}

function checkField(field: string): void {
  if (isEventField(field) || field.startsWith('payload.')) return;
  throw new InvalidArgumentError(`${field} is no field of an event, and not payload.<key>.`);
}

function mapping(text: string, all: ReadonlyMap<string, string> | undefined) {
  const [name, field] = pair(text);
  checkField(field);
  return new Map([...(all ?? []), [name, field]]);
}

function setting(text: string, all: ReadonlyMap<string, JsonValue> | undefined) {
  const [field, value] = pair(text);
  if (!isEventField(field)) throw new InvalidArgumentError(`${field} is no field of an event.`);
  const isText = !['notify', 'success', 'payload', 'properties'].includes(field);
  return new Map([...(all ?? []), [field, isText ? jsonValue(value) : readJson(value)]]);
}

function readJson(text: string): JsonValue {
  try {
    return parseJson(text);
  } catch {
    throw new InvalidArgumentError('JSON is expected after "=".');
  }
}

function encoding(name: string): string {
  if (isEncoding(name)) return name;
  throw new InvalidArgumentError(
    'An encoding is expected, such as utf-8, windows-1252, latin1 or utf-16le.',
  );
}

function delimiter(text: string): string {
  const char = text === 'tab' || text === '\\t' ? '\t' : text;
  if (char !== '' && !/["\r\n]/.test(char)) return char;
  throw new InvalidArgumentError('A character is expected, such as ";", "|" or tab.');
}
