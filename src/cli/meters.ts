/** Declared questions whose answers the gateway keeps up to date. */
import { Command } from 'commander';
import { LIMITS } from '../core/limits.ts';
import { withMeasures } from './commands.ts';
import { atGateway, clientFrom } from './gateway-connection.ts';
import {
  type ConnectionOptions,
  filterOf,
  type FilterOptions,
  JSON_LINES,
  whole,
  withConnection,
  withExamples,
  withFilter,
  withWorkspace,
} from './options.ts';
import { isForPeople, type OutputOptions, printable, table, write, writeLine } from './output.ts';
import { PAGE_INFO, readAll } from './pages.ts';
import { groupOf, type Measure } from './query.ts';

interface Meter {
  readonly name: string;
  readonly status: string;
  readonly problem: string | null;
  readonly groupBy: readonly GroupKey[];
  readonly filledPosition: number;
  readonly targetPosition: number;
  readonly seriesCount: number;
  readonly seriesMax: number;
}

interface GroupKey {
  readonly dimension: string | null;
  readonly payloadPath: readonly string[] | null;
}

type Options = ConnectionOptions & OutputOptions;

interface CreateOptions extends Options, FilterOptions {
  readonly group?: readonly string[];
  readonly measure?: readonly Measure[];
  readonly seriesMax?: number;
}

const FIELDS = `name filter groupBy { dimension payloadPath }
  measures { function payloadPath dimension } status problem filledPosition targetPosition
  seriesCount seriesMax overflowed`;
const LIST = `query ($workspace: String, $after: String) {
  meters(workspace: $workspace, first: 1000, after: $after) { nodes { ${FIELDS} } ${PAGE_INFO} } }`;
const CREATE = `mutation ($input: CreateMeterInput!) {
  createMeter(input: $input) { meter { ${FIELDS} } } }`;
const DELETE = `mutation ($input: DeleteMeterInput!) {
  deleteMeter(input: $input) { deletedName } }`;

export function metersCommand(): Command {
  const meters = new Command('meters').description(
    'List, create and delete meters: questions whose answers are kept up to date.',
  );
  const list = new Command('list')
    .description('List the meters of a workspace, and how far each is filled.')
    .action(listMeters);
  const declared = new Command('create')
    .argument('<name>', 'its name')
    .description('Declare a question: which events, grouped by what, with which measures.');
  const create = withMeasures(declared)
    .option('--series-max <n>', 'how many groups it may have', whole(1, LIMITS.meterSeriesMax))
    .action(createMeter);
  const remove = new Command('delete')
    .argument('<name>', 'its name')
    .description('Delete a meter. The events stay.')
    .action(deleteMeter);
  const all: [Command, string][] = [
    [list, 'sluice meters list --workspace acme'],
    [
      withFilter(create),
      'sluice meters create latency --type api.request --group path --measure p99:ms',
    ],
    [remove, 'sluice meters delete latency'],
  ];
  for (const [command, example] of all) {
    withWorkspace(withConnection(command.option('--json', JSON_LINES)));
    meters.addCommand(withExamples(command, example));
  }
  return meters;
}

async function listMeters(options: Options): Promise<void> {
  const { workspace } = options;
  const found = await atGateway(options, async () => {
    const all: Meter[] = [];
    const pages = readAll<Meter>(clientFrom(options), LIST, { workspace });
    for await (const meter of pages) all.push(meter);
    return all;
  });
  if (!isForPeople(options)) {
    for (const meter of found) await writeLine(meter);
    return;
  }
  const headings = ['METER', 'GROUPS BY', 'STATUS', 'FILLED', 'GROUPS'];
  const rows = found.map(meter => [
    meter.name,
    meter.groupBy.map(nameOf).join(', '),
    meter.status,
    `${meter.filledPosition} of ${meter.targetPosition}`,
    `${meter.seriesCount} of ${meter.seriesMax}`,
  ]);
  await write(rows.length === 0 ? 'There are no meters.\n' : table(headings, rows));
}

function nameOf({ dimension, payloadPath }: GroupKey): string {
  return dimension?.toLowerCase() ?? payloadPath?.join('.') ?? '';
}

async function createMeter(name: string, options: CreateOptions): Promise<void> {
  const { workspace, group, measure, seriesMax } = options;
  const input = {
    workspace,
    name,
    filter: filterOf(options),
    groupBy: group?.map(groupOf),
    measures: measure,
    seriesMax,
  };
  const { createMeter: made } = await atGateway(options, () =>
    clientFrom(options).query<{ createMeter: { meter: Meter } }>(CREATE, { input }),
  );
  if (!isForPeople(options)) return writeLine(made.meter);
  await write(`${printable(`The meter ${made.meter.name} is being filled.`)}\n`);
}

async function deleteMeter(name: string, options: Options): Promise<void> {
  const { workspace } = options;
  const { deleteMeter: done } = await atGateway(options, () =>
    clientFrom(options).query<{ deleteMeter: { deletedName: string } }>(DELETE, {
      input: { workspace, meter: name },
    }),
  );
  if (!isForPeople(options)) return writeLine(done);
  await write(`${printable(`The meter ${done.deletedName} is deleted.`)}\n`);
}
