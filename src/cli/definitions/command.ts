import { Command, InvalidArgumentError, Option } from 'commander';
import { SluiceError } from '../../client/index.ts';
import { JsonText } from '../../client/json.ts';
import { atGateway, clientFrom } from '../gateway-connection.ts';
import { textIn } from '../import/encoding.ts';
import {
  collected,
  JSON_LINES,
  jsonObjectText,
  withConnection,
  withExamples,
  withWorkspace,
  type ConnectionOptions,
} from '../options.ts';
import { isForPeople, printable, table, write, writeLine, type OutputOptions } from '../output.ts';
import { PAGE_INFO, readAll } from '../pages.ts';
import { DELETE, MODES, STATUSES } from './definition.ts';
import { SYNC_COMMANDS } from './sync-commands.ts';

const FIELDS = `name title description category status validation version measures eventCount
  lastRecordedAt payloadSchema`;

interface Definition {
  readonly name: string;
  readonly category: string | null;
  readonly status: string;
  readonly validation: string;
  readonly eventCount: number;
  readonly lastRecordedAt: string | null;
}

type Options = ConnectionOptions & OutputOptions;

interface ListOptions extends Options {
  readonly search?: string;
}

interface DefineOptions extends Options {
  readonly title?: string;
  readonly description?: string;
  readonly category?: string;
  readonly status?: string;
  readonly schema?: JsonText | false;
  readonly validation?: string;
  readonly measure?: readonly string[];
}

const LIST = `query ($workspace: String, $filter: EventDefinitionFilter, $after: String) {
  eventDefinitions(workspace: $workspace, filter: $filter, first: 1000, after: $after) {
    nodes { ${FIELDS} } ${PAGE_INFO} } }`;
const ONE = `query ($workspace: String, $name: String!) {
  eventDefinition(workspace: $workspace, name: $name) { ${FIELDS} createdAt updatedAt } }`;
const DEFINE = `mutation ($input: DefineEventInput!) {
  defineEvent(input: $input) { definition { ${FIELDS} } } }`;

export function definitionsCommand(): Command {
  const definitions = new Command('definitions').description(
    'List, show, write and delete definitions of event types, and keep them as files.',
  );
  const list = new Command('list')
    .description('List the event types of a workspace.')
    .option('--search <text>', 'only those whose name, title or description has this text')
    .action(listDefinitions);
  const show = new Command('show')
    .argument('<name>', 'the event type')
    .description('Print a definition as JSON, with its schema.')
    .action(showDefinition);
  const define = new Command('define')
    .argument('<name>', 'the event type')
    .description('Create a definition, or change the given fields of one.')
    .option('--title <text>', 'its name for people')
    .option('--description <text>', 'what it means')
    .option('--category <text>', 'a heading for related definitions')
    .addOption(new Option('--status <status>', 'whether it may be recorded').choices(STATUSES))
    .option('--schema <json or @file>', 'the JSON Schema of its payload', schemaText)
    .option('--no-schema', 'remove its schema')
    .addOption(
      new Option('--validation <mode>', 'what happens to a payload that does not match').choices(
        MODES,
      ),
    )
    .option('--measure <key>', 'a payload key to keep sums of (repeatable)', collected)
    .action(defineEvent);
  const remove = new Command('delete')
    .argument('<name>', 'the event type')
    .description('Delete the definition of a type without events.')
    .action(deleteDefinition);
  const all: (readonly [Command, string])[] = [
    [list, 'sluice definitions list --workspace acme'],
    [show, 'sluice definitions show order.paid | jq .payloadSchema'],
    [define, 'sluice definitions define order.paid --schema @order.json --validation QUARANTINE'],
    [remove, 'sluice definitions delete oder.paid'],
    ...SYNC_COMMANDS,
  ];
  for (const [command, example] of all) {
    withWorkspace(withConnection(command.option('--json', JSON_LINES)));
    definitions.addCommand(withExamples(command, example));
  }
  return definitions;
}

/** As it is written: its numbers keep every digit. */
function schemaText(given: string): JsonText {
  if (!given.startsWith('@')) return new JsonText(jsonObjectText(given));
  const file = given.slice(1);
  try {
    return new JsonText(jsonObjectText(textIn(file)));
  } catch (error) {
    if (error instanceof InvalidArgumentError) throw error;
    throw new InvalidArgumentError(`Expected a file in UTF-8 that can be read: ${file}.`);
  }
}

async function listDefinitions(options: ListOptions): Promise<void> {
  const { workspace, search } = options;
  const filter = search === undefined ? undefined : { search };
  const found = await atGateway(options, async () => {
    const all: Definition[] = [];
    const pages = readAll<Definition>(clientFrom(options), LIST, { workspace, filter });
    for await (const definition of pages) all.push(definition);
    return all;
  });
  if (!isForPeople(options)) {
    for (const definition of found) await writeLine(definition);
    return;
  }
  const headings = ['TYPE', 'CATEGORY', 'STATUS', 'VALIDATION', 'EVENTS', 'LAST'];
  const rows = found.map(({ name, category, status, validation, eventCount, lastRecordedAt }) => [
    name,
    category,
    status,
    validation,
    eventCount,
    lastRecordedAt,
  ]);
  await write(rows.length === 0 ? 'There are no event types.\n' : table(headings, rows));
}

async function showDefinition(name: string, options: Options): Promise<void> {
  const { workspace } = options;
  const { eventDefinition } = await atGateway(options, () =>
    clientFrom(options).query<{ eventDefinition: object | null }>(ONE, { workspace, name }),
  );
  if (eventDefinition === null) {
    const message = `There is no event type ${JSON.stringify(name)}: see "sluice definitions list".`;
    throw new SluiceError('NOT_FOUND', message);
  }
  if (!isForPeople(options)) return writeLine(eventDefinition);
  await write(
    `${JSON.stringify(eventDefinition, null, 2).split('\n').map(printable).join('\n')}\n`,
  );
}

async function defineEvent(name: string, options: DefineOptions): Promise<void> {
  const { workspace, title, description, category, status, validation, measure } = options;
  const input = {
    workspace,
    name,
    title,
    description,
    category,
    status,
    validation,
    // False is `--no-schema`.
    payloadSchema: options.schema === false ? null : options.schema,
    measures: measure,
  };
  const { defineEvent: made } = await atGateway(options, () =>
    clientFrom(options).query<{ defineEvent: { definition: Definition } }>(DEFINE, { input }),
  );
  if (!isForPeople(options)) return writeLine(made.definition);
  await write(`${printable(`The event type ${made.definition.name} is defined.`)}\n`);
}

async function deleteDefinition(name: string, options: Options): Promise<void> {
  const { workspace } = options;
  const { deleteEventDefinition: done } = await atGateway(options, () =>
    clientFrom(options).query<{ deleteEventDefinition: { deletedName: string } }>(DELETE, {
      input: { workspace, name },
    }),
  );
  if (!isForPeople(options)) return writeLine(done);
  await write(`${printable(`The definition of ${done.deletedName} is deleted.`)}\n`);
}
