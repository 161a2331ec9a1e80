import { Command, Option } from 'commander';
import { UsageError } from './errors.ts';
import { atGateway, clientFrom } from './gateway-connection.ts';
import {
  JSON_LINES,
  timeZone,
  whole,
  withConnection,
  withExamples,
  type ConnectionOptions,
} from './options.ts';
import { isForPeople, printable, table, write, writeLine, type OutputOptions } from './output.ts';
import { PAGE_INFO, readAll } from './pages.ts';

const FIELDS =
  'slug name createdAt headPosition retentionDays dedupeDays timeZone unknownTypes evidence searchIndex';

interface Workspace {
  readonly slug: string;
  readonly name: string;
  readonly createdAt: string;
  readonly headPosition: number;
  readonly retentionDays: number | null;
  readonly timeZone: string;
  readonly unknownTypes: string;
  readonly evidence: boolean;
  readonly searchIndex: boolean;
}

type Options = ConnectionOptions & OutputOptions;

interface SettingOptions extends Options {
  readonly name?: string;
  readonly retentionDays?: number | false;
  readonly dedupeDays?: number;
  readonly timeZone?: string;
  readonly unknownTypes?: string;
  readonly evidence?: boolean;
  readonly searchIndex?: boolean;
}

interface UpdateOptions extends SettingOptions {
  readonly newSlug?: string;
}

interface DeleteOptions extends Options {
  readonly confirm?: string;
}

const LIST = `query ($after: String) {
  workspaces(first: 1000, after: $after) { nodes { ${FIELDS} } ${PAGE_INFO} } }`;

const changing = (field: string, input: string) =>
  `mutation ($input: ${input}!) { changed: ${field}(input: $input) { workspace { ${FIELDS} } } }`;
const CREATE = changing('createWorkspace', 'CreateWorkspaceInput');
const UPDATE = changing('updateWorkspace', 'UpdateWorkspaceInput');
const DELETE = `mutation ($input: DeleteWorkspaceInput!) {
  deleteWorkspace(input: $input) { deletedSlug } }`;

export function workspacesCommand(): Command {
  const workspaces = new Command('workspaces').description(
    'List, create, change and delete workspaces. Changes need an ADMIN key of all workspaces.',
  );
  const list = new Command('list').description('List the workspaces.').action(listWorkspaces);
  const create = withSettings(new Command('create').argument('<slug>', 'its name in addresses'))
    .description('Create a workspace.')
    .action(createWorkspace);
  const update = withSettings(new Command('update').argument('<slug>', 'the workspace'))
    .description('Change the given settings of a workspace.')
    .option('--new-slug <slug>', 'a new name in addresses')
    .action(updateWorkspace);
  const remove = new Command('delete')
    .argument('<slug>', 'the workspace')
    .description('Delete a workspace with all its events, definitions and keys, for ever.')
    .option('--confirm <slug>', 'the slug once more')
    .action(deleteWorkspace);
  const all: [Command, string][] = [
    [list, 'sluice workspaces list'],
    [create, 'sluice workspaces create acme --time-zone Europe/Vienna --retention-days 365'],
    [update, 'sluice workspaces update acme --unknown-types REJECT'],
    [remove, 'sluice workspaces delete acme --confirm acme'],
  ];
  for (const [command, example] of all) {
    workspaces.addCommand(
      withExamples(withConnection(command.option('--json', JSON_LINES)), example),
    );
  }
  return workspaces;
}

function withSettings(command: Command): Command {
  return command
    .option('--name <text>', 'its name for people (default: the slug)')
    .option('--retention-days <n>', 'how long events are kept', whole(1))
    .option('--no-retention-days', 'keep events for ever')
    .option('--dedupe-days <n>', 'how long ids of events are remembered', whole(1))
    .option('--time-zone <zone>', 'the time zone in which its days begin', timeZone)
    .option('--evidence', 'keep a Merkle tree over its log, to find later changes')
    .option('--no-evidence', 'keep no tree: removes it for ever')
    .option('--search-index', 'keep an index, to find few events among many at once')
    .option('--no-search-index', 'keep no index: searches read the events')
    .addOption(
      new Option(
        '--unknown-types <policy>',
        'what happens to events whose type nobody has defined',
      ).choices(['DISCOVER', 'QUARANTINE', 'REJECT']),
    );
}

async function listWorkspaces(options: Options): Promise<void> {
  const found = readAll<Workspace>(clientFrom(options), LIST);
  if (!isForPeople(options)) {
    for await (const workspace of found) await writeLine(workspace);
    return;
  }
  const rows: unknown[][] = [];
  for await (const { slug, name, headPosition, retentionDays, timeZone: zone } of found) {
    rows.push([slug, name, headPosition, retentionDays ?? 'for ever', zone]);
  }
  await write(table(['SLUG', 'NAME', 'LAST POSITION', 'DAYS KEPT', 'TIME ZONE'], rows));
}

function settingsOf({ name, retentionDays, dedupeDays, ...others }: SettingOptions) {
  return {
    name,
    // False is `--no-retention-days`.
    retentionDays: retentionDays === false ? null : retentionDays,
    dedupeDays,
    timeZone: others.timeZone,
    unknownTypes: others.unknownTypes,
    evidence: others.evidence,
    searchIndex: others.searchIndex,
  };
}

function createWorkspace(slug: string, options: SettingOptions): Promise<void> {
  return change(CREATE, { slug, ...settingsOf(options) }, 'is created', options);
}

function updateWorkspace(slug: string, options: UpdateOptions): Promise<void> {
  const input = { slug, newSlug: options.newSlug, ...settingsOf(options) };
  return change(UPDATE, input, 'is changed', options);
}

async function change(mutation: string, input: object, done: string, options: Options) {
  const { changed } = await clientFrom(options).query<{ changed: { workspace: Workspace } }>(
    mutation,
    { input },
  );
  if (!isForPeople(options)) return writeLine(changed.workspace);
  await write(`${printable(`The workspace ${changed.workspace.slug} ${done}.`)}\n`);
}

async function deleteWorkspace(slug: string, options: DeleteOptions): Promise<void> {
  if (options.confirm !== slug) {
    throw new UsageError(
      `This deletes all events of the workspace ${slug}, for ever. To do it, add ` +
        `--confirm ${slug}.`,
    );
  }
  const { deleteWorkspace: done } = await atGateway({ ...options, workspace: slug }, () =>
    clientFrom(options).query<{ deleteWorkspace: { deletedSlug: string } }>(DELETE, {
      input: { slug, confirmSlug: slug },
    }),
  );
  if (!isForPeople(options)) return writeLine(done);
  await write(`${printable(`The workspace ${done.deletedSlug} is deleted.`)}\n`);
}
