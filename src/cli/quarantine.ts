import { Command } from 'commander';
import { EXIT, UsageError } from './errors.ts';
import { atGateway, clientFrom } from './gateway-connection.ts';
import {
  JSON_LINES,
  withConnection,
  withExamples,
  withWorkspace,
  type ConnectionOptions,
} from './options.ts';
import { isForPeople, table, tell, write, writeLine, type OutputOptions } from './output.ts';
import { PAGE_INFO, readAll } from './pages.ts';

interface Kept {
  readonly id: string;
  readonly receivedAt: string;
  readonly door: string;
  readonly problems: readonly { readonly code: string; readonly message: string }[];
  readonly event: { readonly type?: string };
}

interface Options extends ConnectionOptions, OutputOptions {
  readonly type?: string;
}

interface ChangeOptions extends Options {
  readonly all?: boolean;
}

interface Receipt {
  readonly status: string;
}

const LIST = `query ($workspace: String, $type: String, $after: String) {
  quarantinedEvents(workspace: $workspace, type: $type, first: 1000, after: $after) {
    nodes { id receivedAt door problems { code message pointer } event } ${PAGE_INFO} } }`;
const RESUBMIT = `mutation ($ids: [ID!]!) {
  resubmitQuarantinedEvents(input: { ids: $ids }) {
    receipts { index status eventId position problems { code message pointer } } } }`;
const DISCARD = `mutation ($ids: [ID!]!) {
  discardQuarantinedEvents(input: { ids: $ids }) { discardedCount } }`;
/** How many ids a mutation is given. */
const AT_ONCE = 500;

export function quarantineCommand(): Command {
  const quarantine = new Command('quarantine').description(
    'List, resubmit and discard events in quarantine.',
  );
  const list = new Command('list')
    .description('List the events in quarantine, with their problems.')
    .action(listQuarantine);
  const resubmit = new Command('resubmit')
    .argument('[ids...]', 'ids, as in the list')
    .description('Record events again. Those that still do not match stay in quarantine.')
    .option('--all', 'all events that the list shows')
    .action(resubmitEvents);
  const discard = new Command('discard')
    .argument('[ids...]', 'ids, as in the list')
    .description('Remove events from quarantine for ever, without recording them.')
    .option('--all', 'all events that the list shows')
    .action(discardEvents);
  const every: [Command, string][] = [
    [list, 'sluice quarantine list --type order.paid'],
    [resubmit, 'sluice quarantine resubmit --all --type order.paid'],
    [discard, 'sluice quarantine discard --all --type order.test'],
  ];
  for (const [command, example] of every) {
    command.option('--type <name>', 'only events of this type').option('--json', JSON_LINES);
    quarantine.addCommand(withExamples(withWorkspace(withConnection(command)), example));
  }
  return quarantine;
}

function kept({ workspace, type, ...options }: Options): AsyncGenerator<Kept> {
  return readAll<Kept>(clientFrom(options), LIST, { workspace, type });
}

async function listQuarantine(options: Options): Promise<void> {
  const rows: unknown[][] = [];
  await atGateway(options, async () => {
    for await (const item of kept(options)) {
      if (!isForPeople(options)) await writeLine(item);
      const { id, receivedAt, door, event, problems } = item;
      rows.push([id, receivedAt, door, event.type, problems[0]?.message]);
    }
  });
  if (!isForPeople(options)) return;
  const headings = ['ID', 'RECEIVED', 'DOOR', 'TYPE', 'PROBLEM'];
  await write(rows.length === 0 ? 'Nothing is in quarantine.\n' : table(headings, rows));
}

/** Those that are named, or all that the list shows now: what comes meanwhile is not among them. */
async function idsOf(given: readonly string[], options: ChangeOptions): Promise<string[]> {
  if (given.length > 0 === (options.all === true)) {
    throw new UsageError('Expected either ids or --all.');
  }
  if (given.length > 0) return [...given];
  const ids: string[] = [];
  await atGateway(options, async () => {
    for await (const { id } of kept(options)) ids.push(id);
  });
  return ids;
}

async function resubmitEvents(given: readonly string[], options: ChangeOptions): Promise<void> {
  const ids = await idsOf(given, options);
  const client = clientFrom(options);
  const counts = new Map<string, number>();
  for (let at = 0; at < ids.length; at += AT_ONCE) {
    const part = ids.slice(at, at + AT_ONCE);
    const { resubmitQuarantinedEvents: done } = await client.query<{
      resubmitQuarantinedEvents: { receipts: readonly Receipt[] };
    }>(RESUBMIT, { ids: part });
    for (const receipt of done.receipts) {
      counts.set(receipt.status, (counts.get(receipt.status) ?? 0) + 1);
      if (!isForPeople(options)) await writeLine(receipt);
    }
  }
  const parts = [...counts].map(([status, count]) => `${count} ${status}`);
  tell(parts.length === 0 ? 'Nothing is in quarantine.' : `${parts.join(', ')}.`);
  const taken = (counts.get('RECORDED') ?? 0) + (counts.get('DUPLICATE') ?? 0);
  if (taken < ids.length) process.exitCode = EXIT.FAILED;
}

async function discardEvents(given: readonly string[], options: ChangeOptions): Promise<void> {
  const ids = await idsOf(given, options);
  const client = clientFrom(options);
  let discardedCount = 0;
  for (let at = 0; at < ids.length; at += AT_ONCE) {
    const { discardQuarantinedEvents: done } = await client.query<{
      discardQuarantinedEvents: { discardedCount: number };
    }>(DISCARD, { ids: ids.slice(at, at + AT_ONCE) });
    discardedCount += done.discardedCount;
  }
  if (!isForPeople(options)) return writeLine({ discardedCount });
  await write(`${discardedCount} events are discarded.\n`);
}
