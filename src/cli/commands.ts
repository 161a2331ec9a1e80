/** The commands that speak with a gateway: their words, options and examples. */
import { Argument, Command, InvalidArgumentError, Option } from 'commander';
import { LIMITS } from '../core/limits.ts';
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

export function graphqlCommand(): Command {
  const command = new Command('graphql')
    .argument('[document]', 'the document (default: standard input)')
    .description(
      'Run a GraphQL document from the argument or standard input, and print the results.',
    )
    .option('--variables <json>', 'the variables, a JSON object', jsonObjectText)
    .option('--take <n>', 'end a subscription after n messages', whole(1))
    .action(async (document, options) =>
      (await import('./graphql.ts')).runDocument(document, options),
    );
  return withExamples(
    withConnection(command),
    "sluice graphql '{ viewer { scopes } }'",
    'sluice graphql --take 10 < watch.graphql',
  );
}

export function sendCommand(): Command {
  const command = new Command('send')
    .argument('[type]', 'the type of the event (without it, events are read as JSON lines)')
    .description('Record one event, or each JSON line of standard input as it comes.')
    .option('--payload <json>', 'the payload, a JSON object', exactObject)
    .option('--id <id>', 'the event id: sending it again stores nothing (default: a new id)')
    .option('--occurred-at <instant>', 'when it happened (default: now)', instant)
    .option('--expires-at <instant>', 'when its content is removed (default: never)', instant)
    .option('--source <name>', 'the system, application or host that emits it')
    .option('--subject <name>', 'what it is about')
    .option('--actor <name>', 'who did it')
    .option('--description <text>', 'what happened, in words for people')
    .option('--icon <emoji>', 'one emoji')
    .option('--notify', 'somebody should be notified')
    .option('--success', 'the action succeeded')
    .option('--no-success', 'the action failed')
    .option('--client-ip <address>', 'the client that caused it')
    .option('--parent-id <id>', 'the event that caused it')
    .option('--group-id <id>', 'the id of events that belong together')
    .option('--time-zone <zone>', 'JSON lines: time zone of instants without an offset', timeZone)
    .option('--retry-for <seconds>', 'how long to retry if no gateway answers', whole(0), 10)
    .option('--json', JSON_LINES)
    .action(async (type, options) => (await import('./send.ts')).send(type, options));
  return withExamples(
    withWorkspace(withConnection(command)),
    `sluice send user.signup --subject u-17 --payload '{"plan":"pro"}'`,
    `tail -f app.ndjson | sluice send --workspace acme`,
  );
}

export function exportCommand(): Command {
  const command = new Command('export')
    .description('Write the events of a workspace, oldest first, in a format that import reads.')
    .addOption(
      new Option(
        '--format <format>',
        'the format (default: from the name of the file, or ndjson)',
      ).choices(['ndjson', 'csv']),
    )
    .option('--columns <names>', 'CSV: the columns, such as type,occurredAt,payload.plan', list)
    .option('--spreadsheet-safe', 'CSV: put an apostrophe before texts that look like a formula')
    .option('-o, --output <file>', 'the file to write (default: standard output)')
    .option('--resume', 'continue where the file ends')
    .option('--force', 'overwrite the file')
    .option('--after <cursor>', 'begin right after this cursor')
    .option('--from <instant>', 'only events that happened then or later', instant)
    .option('--to <instant>', 'only events that happened before', instant)
    .option('--limit <n>', 'the maximum number of events', whole(1))
    .option('--evidence', 'NDJSON: with a proof for each event, for "sluice verify"')
    .action(async options => (await import('./export/export.ts')).exportEvents(options));
  return withExamples(
    withFilter(withWorkspace(withConnection(command))),
    'sluice export --workspace acme -o acme.ndjson',
    'sluice export --workspace acme -o acme.ndjson --resume',
    'sluice export --type user.signup --format csv --columns occurredAt,actor,payload.plan',
  );
}

export function consumeCommand(): Command {
  const command = new Command('consume')
    .argument('<consumer>', 'the name of the consumer')
    .argument('<command...>', 'the command and its arguments, after --')
    .description(
      'Run a command for each event of a consumer. The event is a line of JSON on its ' +
        'standard input. Exit code 0 acknowledges the event. Any other code gives it back, ' +
        'to be tried again.',
    )
    .option('--batch <n>', 'events for each run, at most', whole(1, LIMITS.pullEventsMax), 1)
    .option('--parallel <n>', 'runs at the same time', whole(1, 100), 1)
    .option('--take <n>', 'end after n events', whole(1))
    .action(async (name, words, options) =>
      (await import('./consume.ts')).consume(name, words, options),
    );
  return withExamples(
    withWorkspace(withConnection(command)),
    'sluice consume mailer -- ./send-mail.sh',
    'sluice consume archive --batch 500 -- sh -c "cat >> archive.ndjson"',
  );
}

export function queryCommand(): Command {
  const counted = new Command('query')
    .description('Count and measure events, as a table or as spark lines.')
    .option('--last <time>', 'the time up to now, such as 15m, 24h, 7d (default: 24h)', duration)
    .option('--from <instant>', 'the start, such as 2026-01-01', instant)
    .option('--to <instant>', 'the end (default: now)', instant)
    .addOption(new Option('--by <granularity>', 'the length of each row').choices(GRANULARITIES));
  const command = withMeasures(counted)
    .option('--top <n>', 'only the n largest counts', whole(1, LIMITS.pageSizeMax))
    .option('--time-zone <zone>', 'time zone in which days begin (default: that of the workspace)')
    .option('--approximate', 'let meters answer approximately: unique and percentiles within 1 %')
    .option('--spark', 'print a line of blocks for each group')
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

/** What a query or a meter groups by and measures. */
export function withMeasures(command: Command): Command {
  return command
    .option(
      '--group <name>',
      `group by ${DIMENSIONS.join(', ')} or a payload key (repeatable)`,
      collected,
    )
    .option(
      '--measure <fn:key>',
      `${FUNCTIONS.join(', ')} of a payload key, such as sum:total`,
      measuresText,
    );
}

function measuresText(text: string, all: readonly Measure[] | undefined): Measure[] {
  const [name = '', key = ''] = text.split(/:(.*)/s);
  if (!FUNCTIONS.includes(name) || key === '') {
    throw new InvalidArgumentError(
      `Expected one of ${FUNCTIONS.join(', ')}, ":" and a payload key.`,
    );
  }
  const what =
    name === 'unique' && DIMENSIONS.includes(key)
      ? { dimension: key.toUpperCase() }
      : { payloadPath: key.replace(/^payload\./, '').split('.') };
  return [...(all ?? []), { function: name.toUpperCase(), ...what }];
}
