/** The commands that speak with a gateway: their words, options and examples. */
import { Argument, Command, InvalidArgumentError, Option } from 'commander';
import { LIMITS } from '../core/limits.ts';
import { exportEvents } from './export/export.ts';
import { runDocument } from './graphql.ts';
import type { JsonValue } from './import/json-members.ts';
import {
  collected,
  duration,
  instant,
  JSON_LINES,
  jsonObject,
  jsonObjectText,
  timeZone,
  whole,
  withConnection,
  withExamples,
  withFilter,
  withWorkspace,
} from './options.ts';
import { DIMENSIONS, FUNCTIONS, GRANULARITIES, query, type Measure } from './query.ts';
import { send } from './send.ts';

export function graphqlCommand(): Command {
  const command = new Command('graphql')
    .argument('[document]', 'the document (default: standard input)')
    .description('Run a GraphQL document, given or from standard input, and print what comes.')
    .option('--variables <json>', 'the variables, a JSON object', jsonObjectText)
    .option('--take <n>', 'end a subscription after n messages', whole(1))
    .action(runDocument);
  return withExamples(
    withConnection(command),
    "sluice graphql '{ viewer { scopes } }'",
    'sluice graphql --take 10 < watch.graphql',
  );
}

export function sendCommand(): Command {
  const command = new Command('send')
    .argument('[type]', 'the type of the event; without it, events are read as JSON lines')
    .description('Record one event, or each JSON line of standard input as it comes.')
    .option('--payload <json>', 'what is to be said of it, a JSON object', exactObject)
    .option('--id <id>', 'its id: sending it again stores nothing (default: one is made)')
    .option('--occurred-at <instant>', 'when it happened (default: now)', instant)
    .option('--expires-at <instant>', 'after this its content is removed', instant)
    .option('--source <name>', 'the system, application or host that emits it')
    .option('--subject <name>', 'what it is about')
    .option('--actor <name>', 'who did it')
    .option('--description <text>', 'what happened, in words for people')
    .option('--icon <emoji>', 'one emoji')
    .option('--notify', 'notify somebody of it')
    .option('--success', 'what it tells of succeeded')
    .option('--no-success', 'what it tells of failed')
    .option('--client-ip <address>', 'the client that caused it')
    .option('--parent-id <id>', 'the event that caused it')
    .option('--group-id <id>', 'the id of events that belong together')
    .option('--time-zone <zone>', 'lines: of instants without an offset', timeZone)
    .option('--retry-for <seconds>', 'how long to try where no gateway answers', whole(0), 10)
    .option('--json', JSON_LINES)
    .action(send);
  return withExamples(
    withWorkspace(withConnection(command)),
    `sluice send user.signup --subject u-17 --payload '{"plan":"pro"}'`,
    `tail -f app.ndjson | sluice send --workspace acme`,
  );
}

export function exportCommand(): Command {
  const command = new Command('export')
    .description('Write the events of a workspace, oldest first, in a form that import takes.')
    .addOption(
      new Option('--format <format>', 'default: by the name of the file, else ndjson').choices([
        'ndjson',
        'csv',
      ]),
    )
    .option('--columns <names>', 'CSV: which, such as type,occurredAt,payload.plan', list)
    .option('--spreadsheet-safe', 'CSV: an apostrophe before texts that begin like a formula')
    .option('-o, --output <file>', 'default: standard output')
    .option('--resume', 'go on where the file was broken off, or ends')
    .option('--force', 'overwrite the file')
    .option('--after <cursor>', 'begin right after this cursor')
    .option('--from <instant>', 'only what happened then or later', instant)
    .option('--to <instant>', 'only what happened before', instant)
    .option('--limit <n>', 'at most so many', whole(1))
    .action(exportEvents);
  return withExamples(
    withFilter(withWorkspace(withConnection(command))),
    'sluice export --workspace acme -o acme.ndjson',
    'sluice export --workspace acme -o acme.ndjson --resume',
    'sluice export --type user.signup --format csv --columns occurredAt,actor,payload.plan',
  );
}

export function queryCommand(): Command {
  const command = new Command('query')
    .description('Count and measure events: a table, or spark lines.')
    .option('--last <time>', 'so long up to now, such as 15m, 24h, 7d (default: 24h)', duration)
    .option('--from <instant>', 'from then on, such as 2026-01-01', instant)
    .option('--to <instant>', 'until then (default: now)', instant)
    .addOption(new Option('--by <granularity>', 'how long a row is').choices(GRANULARITIES))
    .option(
      '--group <name>',
      `by ${DIMENSIONS.join(', ')} or a payload key; may be given again`,
      collected,
    )
    .option(
      '--measure <fn:key>',
      `${FUNCTIONS.join(', ')} of a payload key, such as sum:total`,
      measures,
    )
    .option('--top <n>', 'the n greatest counts', whole(1, LIMITS.pageSizeMax))
    .option('--time-zone <zone>', 'where days begin (default: the workspace’s)')
    .option('--spark', 'a line of blocks for each group')
    .option('--json', JSON_LINES)
    .action(query);
  return withExamples(
    withFilter(withWorkspace(withConnection(command))),
    'sluice query --last 7d --by day --group type',
    'sluice query --last 24h --by hour --group type --spark',
    'sluice query --from 2026-01-01 --type order --group currency --measure sum:total',
  );
}

export function choiceArgument(name: string, description: string, choices: readonly string[]) {
  return new Argument(name, description).choices(choices);
}

function list(text: string): string[] {
  return text.split(',').map(name => name.trim());
}

/** With the text that it was read from. */
function exactObject(text: string): JsonValue {
  return { value: jsonObject(text), json: text };
}

function measures(text: string, all: readonly Measure[] | undefined): Measure[] {
  const [name = '', key = ''] = text.split(/:(.*)/s);
  if (!FUNCTIONS.includes(name) || key === '') {
    throw new InvalidArgumentError(
      `One of ${FUNCTIONS.join(', ')}, ":" and a payload key are expected.`,
    );
  }
  const what =
    name === 'unique' && DIMENSIONS.includes(key)
      ? { dimension: key.toUpperCase() }
      : { payloadPath: key.replace(/^payload\./, '').split('.') };
  return [...(all ?? []), { function: name.toUpperCase(), ...what }];
}
