/** What `sluice definitions pull`, `push` and `diff` do. */
import { SluiceError, type SluiceClient } from '../../client/index.ts';
import type { Json } from '../../core/json.ts';
import { EXIT, sentenceOf, UsageError } from '../errors.ts';
import { atGateway, clientFrom } from '../gateway-connection.ts';
import type { ConnectionOptions } from '../options.ts';
import {
  isForPeople,
  painted,
  printable,
  tell,
  write,
  writeLine,
  type OutputOptions,
} from '../output.ts';
import { DELETE, readDefinitions, type Definition } from './definition.ts';
import { changesBetween, type Change, type Difference } from './differences.ts';
import { readFiles, removeFile, writeFile, type DefinitionFile, type FileFormat } from './files.ts';
import { schemaFault } from './schema-fault.ts';

type Options = ConnectionOptions & OutputOptions;

interface PullOptions extends Options {
  readonly format: FileFormat;
  readonly prune?: boolean;
}

interface PushOptions extends Options {
  readonly dryRun?: boolean;
  readonly prune?: boolean;
}

const DEFINE = `mutation ($input: DefineEventInput!) {
  defineEvent(input: $input) { definition { name } } }`;

const definitionsOf = (files: ReadonlyMap<string, DefinitionFile>) =>
  new Map([...files].map(([name, { definition }]) => [name, definition]));

function read(options: Options): Promise<Map<string, Definition>> {
  return atGateway(options, () => readDefinitions(clientFrom(options), options.workspace));
}

export async function pull(folder: string, options: PullOptions): Promise<void> {
  const definitions = await read(options);
  const files = filesToWrite(folder);
  const changes = changesBetween(definitionsOf(files), definitions);
  for (const change of changes) {
    if (change.action === 'DELETE' && options.prune !== true) continue;
    const file = files.get(change.name);
    const wanted = definitions.get(change.name);
    if (wanted === undefined) removeFile(file as DefinitionFile);
    const path =
      wanted === undefined ? file?.path : writeFile(folder, wanted, { ...options, files });
    await show(options, change, { path });
  }
  const left = changes.filter(({ action }) => action === 'DELETE').length;
  if (left > 0 && options.prune !== true) {
    tell(
      `${counted(left, 'file')} of event types that the workspace does not have stayed: --prune removes them.`,
    );
  }
  await sum(options, `${counted(definitions.size, 'definition')} in ${folder}.`);
}

/** A folder that is not there yet is made. */
function filesToWrite(folder: string): Map<string, DefinitionFile> {
  try {
    return readFiles(folder);
  } catch (error) {
    if (error instanceof UsageError && error.message.includes('ENOENT')) return new Map();
    throw error;
  }
}

export async function diff(folder: string, options: Options): Promise<void> {
  const files = readFiles(folder);
  const changes = changesBetween(await read(options), definitionsOf(files));
  for (const change of changes) await show(options, change, { path: files.get(change.name)?.path });
  if (changes.length > 0) process.exitCode = EXIT.FAILED;
  else await sum(options, 'Nothing differs.');
}

export async function push(folder: string, options: PushOptions): Promise<void> {
  const files = readFiles(folder);
  const isSound = checkSchemas(files);
  const changes = changesBetween(await read(options), definitionsOf(files));
  const due = changes.filter(({ action }) => action !== 'DELETE' || options.prune === true);
  if (options.dryRun === true || !isSound) {
    for (const change of due) await show(options, change, { path: files.get(change.name)?.path });
    if (isSound && !(await judge(options, due, files))) process.exitCode = EXIT.FAILED;
    if (!isSound) throw new Error('Nothing was changed: correct the files first.');
    return sum(options, `${counted(due.length, 'definition')} would change.`);
  }
  const client = clientFrom(options);
  let failures = 0;
  for (const change of due) {
    const path = files.get(change.name)?.path;
    try {
      await atGateway(options, () => apply(client, change, { ...options, files }));
      await show(options, change, { path });
    } catch (error) {
      // The key, the network, or the workspace: the next one would fail as well.
      if (!isOfDefinition(error)) throw error;
      failures += 1;
      tell(`${path ?? change.name}: ${sentenceOf(error)}`);
    }
  }
  if (failures > 0) process.exitCode = EXIT.FAILED;
  await sum(options, `${counted(due.length - failures, 'definition')} changed.`);
}

const CHECK = `query ($workspace: String, $name: String!, $payloadSchema: JSONObject, $compatibility: SchemaCompatibility) {
  checkDefinition(workspace: $workspace, name: $name, payloadSchema: $payloadSchema, compatibility: $compatibility) {
    compatibility isCompatible findings { direction pointer message isCertain } eventsChecked eventsBroken } }`;

interface Check {
  readonly compatibility: string;
  readonly isCompatible: boolean;
  readonly findings: readonly {
    readonly direction: string;
    readonly pointer: string;
    readonly message: string;
    readonly isCertain: boolean;
  }[];
  readonly eventsChecked: number;
  readonly eventsBroken: number;
}

/** Asks the gateway which changed schemas it would refuse, and tells of them. */
async function judge(
  options: Options,
  changes: readonly Change[],
  files: ReadonlyMap<string, DefinitionFile>,
): Promise<boolean> {
  const client = clientFrom(options);
  const { workspace } = options;
  let isAccepted = true;
  for (const { name, action, differences } of changes) {
    const isChanged = differences.some(({ pointer }) => pointer.startsWith('/payloadSchema'));
    if (action !== 'UPDATE' || !isChanged) continue;
    const { path, definition } = files.get(name) as DefinitionFile;
    const { payloadSchema, compatibility } = definition;
    const variables = { workspace, name, payloadSchema, compatibility };
    const { checkDefinition: check } = await atGateway(options, () =>
      client.query<{ checkDefinition: Check }>(CHECK, variables),
    );
    if (check.isCompatible) continue;
    isAccepted = false;
    tell(`${path}: the gateway would refuse it, because it promises ${check.compatibility}.`);
    for (const { direction, pointer, message, isCertain } of check.findings) {
      const isPromised = check.compatibility === 'FULL' || check.compatibility === direction;
      if (isCertain && isPromised) tell(`    ${pointer}: ${message}`);
    }
    if (check.eventsBroken > 0) {
      tell(
        `    ${check.eventsBroken} of ${check.eventsChecked} recorded events would no longer fit`,
      );
    }
  }
  return isAccepted;
}

const OF_DEFINITION = new Set([
  'SCHEMA_INCOMPATIBLE',
  'BAD_USER_INPUT',
  'CONFLICT',
  'LIMIT_REACHED',
  'NOT_FOUND',
]);

function isOfDefinition(error: unknown): boolean {
  return error instanceof SluiceError && OF_DEFINITION.has(error.code);
}

async function apply(
  client: SluiceClient,
  { name, action }: Change,
  { workspace, files }: Options & { files: ReadonlyMap<string, DefinitionFile> },
): Promise<void> {
  if (action === 'DELETE') {
    await client.query(DELETE, { input: { workspace, name } });
    return;
  }
  const { definition } = files.get(name) as DefinitionFile;
  await client.query(DEFINE, { input: { workspace, ...definition } });
}

/** Tells of every schema that is not usable. */
function checkSchemas(files: ReadonlyMap<string, DefinitionFile>): boolean {
  let isSound = true;
  for (const { path, definition } of files.values()) {
    const fault = definition.payloadSchema === null ? null : schemaFault(definition.payloadSchema);
    if (fault === null) continue;
    isSound = false;
    tell(`${path}: ${fault}`);
  }
  return isSound;
}

const MARKS = { CREATE: '+', UPDATE: '~', DELETE: '-' } as const;
const SHOWN_MAX = 20;

async function show(
  options: Options,
  change: Change,
  facts: { path: string | undefined },
): Promise<void> {
  if (!isForPeople(options)) return writeLine({ ...change, ...facts });
  const { name, action, differences } = change;
  const lines = differences.slice(0, SHOWN_MAX).map(lineOf);
  const more = differences.length - lines.length;
  if (more > 0) lines.push(`    … and ${more} more`);
  const title = painted('bold', printable(`${MARKS[action]} ${name}`));
  await write(`${[title, ...lines].join('\n')}\n`);
}

function lineOf({ pointer, before, after }: Difference): string {
  return printable(`    ${pointer}: ${short(before)} → ${short(after)}`);
}

function short(value: Json | undefined): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

async function sum(options: Options, sentence: string): Promise<void> {
  if (isForPeople(options)) await write(`${printable(sentence)}\n`);
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
