/** `sluice checkpoint` and `sluice prove`: what an auditor keeps, from a gateway. */
import { Command } from 'commander';
import { readFileSync } from 'node:fs';
import {
  INCLUSION_PROOF_FIELDS,
  SluiceError,
  verifyCheckpoint,
  verifyConsistency,
  type Checkpoint,
  type ConsistencyProof,
  type InclusionProof,
  type SluiceClient,
} from '../client/index.ts';
import { readNote, readTreeHead, type TreeHead } from '../core/signed-note.ts';
import { UsageError } from './errors.ts';
import { atGateway, clientFrom } from './gateway-connection.ts';
import {
  whole,
  withConnection,
  withExamples,
  withWorkspace,
  type ConnectionOptions,
} from './options.ts';
import { write, writeLine } from './output.ts';

interface CheckpointOptions extends ConnectionOptions {
  readonly since?: string;
  readonly verifierKey?: string;
  readonly json?: boolean;
}

interface ProveOptions extends ConnectionOptions {
  readonly size?: number;
}

/** How long an event may take into the tree. */
const GROWS_WITHIN_MS = 15_000;
const LOOK_AGAIN_MS = 500;

const CHECKPOINT = `query ($workspace: String) {
  workspace(slug: $workspace) { checkpoint { firstPosition size rootHash note verifierKey createdAt } } }`;
const CONSISTENCY = `query ($workspace: String, $from: SafeInt!, $to: SafeInt!) {
  consistencyProof(workspace: $workspace, from: $from, to: $to) { from to hashes } }`;
const PROOF = `query ($workspace: String, $eventId: String!, $size: SafeInt) {
  event(workspace: $workspace, eventId: $eventId) {
    workspace { evidence } inclusionProof(size: $size) { ${INCLUSION_PROOF_FIELDS} } } }`;

export function checkpointCommand(): Command {
  const command = new Command('checkpoint')
    .description(
      'Print the newest checkpoint of a workspace: a signed note to keep elsewhere. With it ' +
        '"sluice verify --checkpoint" finds later whether anything was changed.',
    )
    .option('--since <file>', 'check that the log only grew since this earlier checkpoint')
    .option(
      '--verifier-key <key>',
      'the key that must have signed (default: the one that the gateway names)',
    )
    .option('--json', 'print size, root hash and verifier key too, as JSON')
    .action(printCheckpoint);
  return withExamples(
    withWorkspace(withConnection(command)),
    'sluice checkpoint --workspace acme > acme-2026-01.checkpoint',
    'sluice checkpoint --workspace acme --since acme-2026-01.checkpoint > acme-2026-02.checkpoint',
  );
}

export function proveCommand(): Command {
  const command = new Command('prove')
    .argument('<event-id>', 'the event id')
    .description(
      'Print a proof that an event is in the log as it was recorded. "sluice verify --proof" checks ' +
        'it without a gateway.',
    )
    .option('--size <n>', 'against the tree of this size (default: the newest)', whole(1))
    .action(prove);
  return withExamples(
    withWorkspace(withConnection(command)),
    'sluice prove signup-1 > signup-1.proof',
    'sluice verify --proof signup-1.proof',
  );
}

/** The newest checkpoint. @throws SluiceError NOT_FOUND where the workspace keeps no evidence */
export async function readCheckpoint(
  client: SluiceClient,
  workspace: string | undefined,
): Promise<Checkpoint> {
  const found = await client.query<{ workspace: { checkpoint: Checkpoint | null } | null }>(
    CHECKPOINT,
    { workspace },
  );
  if (found.workspace === null) throw new SluiceError('NOT_FOUND', 'There is no such workspace.');
  const { checkpoint } = found.workspace;
  if (checkpoint !== null) return checkpoint;
  const message =
    'The workspace keeps no evidence: "sluice workspaces update --evidence" turns it on.';
  throw new SluiceError('NOT_FOUND', message);
}

async function printCheckpoint(options: CheckpointOptions): Promise<void> {
  const { workspace, since, json = false } = options;
  const older = since === undefined ? null : readCheckpointFile(since);
  const client = clientFrom(options);
  await atGateway(options, async () => {
    const checkpoint = await readCheckpoint(client, workspace);
    const verifierKey = options.verifierKey ?? checkpoint.verifierKey;
    const newer = await verifyCheckpoint(checkpoint.note, verifierKey);
    if (older !== null) {
      const { size: from, origin, root } = older.head;
      const { size: to } = newer;
      if (from > to) {
        const message = `Not proven: the log has ${to} events, and had ${from}: it was truncated.`;
        throw new SluiceError('NOT_PROVEN', message);
      }
      // A log that was empty is continued by any other.
      if (from > 0 || origin !== newer.origin) {
        const { consistencyProof } = await client.query<{ consistencyProof: ConsistencyProof }>(
          CONSISTENCY,
          { workspace, from, to },
        );
        const head = { origin, size: from, rootHash: root.toString('base64') };
        await verifyConsistency(consistencyProof, head, newer);
      }
    }
    await (json ? writeLine(checkpoint) : write(checkpoint.note));
  });
}

async function prove(eventId: string, options: ProveOptions): Promise<void> {
  const { workspace, size } = options;
  const client = clientFrom(options);
  const untilMs = Date.now() + GROWS_WITHIN_MS;
  await atGateway(options, async () => {
    for (;;) {
      const { event } = await client.query<{
        event: {
          workspace: { evidence: boolean };
          inclusionProof: InclusionProof | null;
        } | null;
      }>(PROOF, { workspace, eventId, size });
      if (event === null) throw new SluiceError('NOT_FOUND', 'There is no such event.');
      if (event.inclusionProof !== null) return writeLine(event.inclusionProof);
      const isHopeless = size !== undefined || !event.workspace.evidence;
      if (isHopeless || Date.now() > untilMs) throw notInTree(event.workspace.evidence);
      await new Promise(resolve => setTimeout(resolve, LOOK_AGAIN_MS));
    }
  });
}

function notInTree(hasEvidence: boolean): SluiceError {
  const message = hasEvidence
    ? 'The event is not in the tree of this size.'
    : 'The workspace keeps no evidence: "sluice workspaces update --evidence" turns it ' + 'on.';
  return new SluiceError('NOT_FOUND', message);
}

export interface CheckpointFile {
  readonly note: string;
  readonly head: TreeHead;
}

/** Nothing of it is verified. @throws UsageError for a file that holds no checkpoint */
export function readCheckpointFile(file: string): CheckpointFile {
  const note = readFileSync(file === '-' ? 0 : file, 'utf8');
  const text = readNote(note)?.text;
  const head = text === undefined ? null : readTreeHead(text);
  if (head !== null) return { note, head };
  throw new UsageError(`${file} holds no checkpoint: "sluice checkpoint" prints one.`);
}
