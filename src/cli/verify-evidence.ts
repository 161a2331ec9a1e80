/**
 * `sluice verify --checkpoint` and `--proof`: whether a log is still the one that a checkpoint was
 * signed for. Against a database, or against files alone.
 */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import {
  SluiceError,
  verifyCheckpoint,
  verifyProof,
  type InclusionProof,
  type VerifiedEvent,
} from '../client/index.ts';
import { NOTHING_COMMITTED, type Envelope } from '../core/evidence-leaf.ts';
import { equalsExactly, parseExact, type ExactJson, type ExactObject } from '../core/exact-json.ts';
import { CompactTree } from '../core/merkle.ts';
import { RedactionActs } from '../core/redaction-acts.ts';
import {
  isSignedBy,
  readNote,
  readTreeHead,
  readVerifierKey,
  verifierKeyOf,
  type SignedNote,
  type TreeHead,
  type VerifierKey,
} from '../core/signed-note.ts';
import type { Pool } from '../db/client.ts';
import { readPublicKeys } from '../evidence/keys.ts';
import { listTrees, verifyTree, type VerifiedTree } from '../evidence/verify-tree.ts';
import { withInstallation } from './database.ts';
import { EXIT, UsageError } from './errors.ts';
import { readCheckpointFile } from './evidence.ts';
import { payloadOf } from './export/exact.ts';
import { printable, write } from './output.ts';

export interface VerifyEvidenceOptions {
  readonly checkpoint?: string;
  readonly proof?: string;
  readonly export?: string;
  readonly audit?: string;
  readonly verifierKey?: string;
}

/** Prints what was verified, and a line for each thing that does not hold; exit code 1 when there is any. */
export async function verifyEvidence(options: VerifyEvidenceOptions): Promise<void> {
  const { checkpoint, proof, export: exported } = options;
  if (proof !== undefined) return verifyLines(proof, null, options);
  const { note, head } = readCheckpointFile(checkpoint as string);
  if (exported === undefined) return verifyDatabaseTree(note, head, options);
  if (options.verifierKey !== undefined) await verifyCheckpoint(note, options.verifierKey);
  return verifyLines(exported, head, options);
}

async function verifyDatabaseTree(
  note: string,
  head: TreeHead,
  { verifierKey }: VerifyEvidenceOptions,
): Promise<void> {
  await withInstallation(async ({ upkeep }) => {
    const broken: string[] = [];
    const keys = await trustedKeys(upkeep, head, verifierKey);
    if (!keys.some(key => isSignedBy(readNote(note) as SignedNote, key))) {
      broken.push('the checkpoint is not signed by a key that is known');
    }
    const tree = (await listTrees(upkeep)).find(({ origin }) => origin === head.origin);
    const verified = tree === undefined ? null : await verifyTree(upkeep, tree, head);
    if (verified === null) {
      broken.push(
        `no log of this database has the name ${head.origin}: it was started again or ` + 'removed',
      );
    } else {
      await write(`${printable(sentenceOf(verified))}\n`);
      broken.push(...verified.findings);
    }
    const holds = `the first ${head.size} events are those of the checkpoint`;
    await conclude(broken, holds);
  });
}

/** The one that was given, else every one that ever signed here. */
async function trustedKeys(
  upkeep: Pool,
  { origin }: TreeHead,
  given: string | undefined,
): Promise<VerifierKey[]> {
  if (given === undefined) {
    const keys = await readPublicKeys(upkeep);
    return keys.map(publicKey => ({ name: origin, publicKey }));
  }
  const key = readVerifierKey(given);
  if (key === null) throw new UsageError('--verifier-key expects a verifier key of Ed25519.');
  return [key];
}

/** What was held against the tree. */
export function sentenceOf({ workspace, origin, from, to, ...emptied }: VerifiedTree): string {
  if (to < from) return `${workspace}: the tree ${origin} is empty`;
  const { redacted, expired, unexplained } = emptied;
  const parts = [
    ...(redacted > 0 ? [`${redacted} of them redacted`] : []),
    ...(unexplained > 0 ? [`${unexplained} of these by acts that the audit does not have`] : []),
    ...(expired > 0 ? [`${expired} of them expired`] : []),
  ];
  const held = `${workspace}: events ${from} to ${to} were compared with the tree ${origin}`;
  return [held, ...parts].join(', ');
}

async function conclude(broken: readonly string[], holds: string): Promise<void> {
  for (const what of broken) await write(`${printable(`BROKEN: ${what}`)}\n`);
  await write(broken.length === 0 ? `Verified: ${holds}.\n` : 'The log is not intact.\n');
  if (broken.length > 0) process.exitCode = EXIT.FAILED;
}

const BROKEN_MAX = 10;

/** Proofs, or exported events with theirs, a line each; with a checkpoint they must be its log, whole. */
async function verifyLines(
  file: string,
  head: TreeHead | null,
  { audit, verifierKey }: VerifyEvidenceOptions,
): Promise<void> {
  const log = head === null ? null : new ExportedLog(head);
  const told: Told = { broken: [], signers: new Set() };
  const acts = audit === undefined ? null : await readActs(audit, told, verifierKey);
  let [proven, emptied, unexplained] = [0, 0, 0];
  await eachLine(file, told, async ({ proof, event }) => {
    const verified = await verify(proof, told, verifierKey);
    if (event !== null) compare(event, verified, proof);
    log?.add(proof, verified);
    proven += 1;
    if (verified.content === null) emptied += 1;
    if (acts === null) return;
    const isAct = acts.has(envelopeOf(proof).workspaceId, verified.position);
    if (verified.content !== null && isAct) {
      throw new Error('an act of the audit redacted it, and its content is there');
    }
    if (verified.content !== null || isAct || mayBeEmpty(proof)) return;
    unexplained += 1;
    throw new Error(
      `the event at position ${verified.position} was redacted by no act of the audit`,
    );
  });
  told.broken.push(...(log?.end() ?? []));
  if (verifierKey === undefined) {
    for (const signer of told.signers) {
      await write(`${printable(`Signed by ${signer}: compare it with the one that you trust`)}\n`);
    }
  }
  const by = acts === null || unexplained > 0 ? '' : ', each by an act of the audit or expired';
  const without = emptied === 0 ? '' : `, ${emptied} of them without content${by}`;
  const whole = head === null ? '' : `, and none of the first ${head.size} is changed or missing`;
  await conclude(told.broken, `${proven} events are as they were recorded${without}${whole}`);
}

/** What is said at the end. */
interface Told {
  readonly broken: string[];
  readonly signers: Set<string>;
}

/** Of a file; `-` is the standard input. What is thrown of a line is told with its number. */
async function eachLine(
  file: string,
  { broken }: Told,
  take: (line: ProofLine) => Promise<void>,
): Promise<void> {
  const input = file === '-' ? process.stdin : createReadStream(file);
  let line = 0;
  for await (const text of createInterface({ input, crlfDelay: Infinity })) {
    line += 1;
    if (text.trim() === '') continue;
    try {
      await take(readLine(text));
    } catch (error) {
      const where = file === '-' ? '' : `${file}, `;
      if (broken.length < BROKEN_MAX)
        broken.push(`${where}line ${line}: ${(error as Error).message}`);
    }
  }
}

async function verify(
  proof: InclusionProof,
  { signers }: Told,
  signer: string = proof.checkpoint.verifierKey,
): Promise<VerifiedEvent> {
  const verified = await verifyProof(proof, { verifierKey: signer });
  signers.add(signer);
  return verified;
}

/** One key signs all logs of a gateway, each under its own name. */
function underNameOf({ checkpoint }: InclusionProof, given: string): string {
  const key = readVerifierKey(given);
  const head = readTreeHead(readNote(checkpoint.note)?.text ?? '');
  return key === null || head === null ? given : verifierKeyOf(head.origin, key.publicKey);
}

/** From an export of the audit with its proofs. */
async function readActs(
  file: string,
  told: Told,
  verifierKey: string | undefined,
): Promise<RedactionActs> {
  const acts = new RedactionActs();
  await eachLine(file, told, async ({ proof, event }) => {
    const signer = verifierKey === undefined ? undefined : underNameOf(proof, verifierKey);
    const verified = await verify(proof, told, signer);
    if (event !== null) compare(event, verified, proof);
    acts.add(envelopeOf(proof), (verified.content as { payload?: unknown } | null)?.payload);
  });
  return acts;
}

/** It has expired by now, or was empty when it came into the tree. */
function mayBeEmpty(proof: InclusionProof): boolean {
  if (proof.commitment === NOTHING_COMMITTED.toString('base64')) return true;
  const { expiresAt } = envelopeOf(proof);
  return expiresAt !== null && Date.parse(expiresAt) <= Date.now();
}

/** Of a proof that was verified: it is the one that the gateway hashed. */
function envelopeOf({ envelope }: InclusionProof): Envelope {
  return envelope as unknown as Envelope;
}

interface ProofLine {
  readonly proof: InclusionProof;
  /** Null of a proof alone. */
  readonly event: ExactObject | null;
}

function readLine(text: string): ProofLine {
  let read: ExactObject | null;
  try {
    read = parseExact(text) as ExactObject | null;
  } catch (cause) {
    throw new Error('this is not JSON', { cause });
  }
  const isEvent = read?.['evidence'] != null;
  const proof = (isEvent ? read?.['evidence'] : read) as InclusionProof | undefined;
  const isProof = typeof proof?.envelope === 'object' && Array.isArray(proof.hashes);
  if (isProof && typeof proof.checkpoint?.note === 'string') {
    return { proof, event: isEvent ? read : null };
  }
  throw new Error('this is not a proof: "sluice prove" and "sluice export --evidence" write them');
}

const FIELDS = [
  ...['source', 'subject', 'actor', 'description', 'icon', 'success', 'clientIp'],
  ...['parentId', 'groupId'],
];

/** That the event beside a proof is the one that the proof is of. @throws Error */
function compare(event: ExactObject, verified: VerifiedEvent, { content }: InclusionProof): void {
  const { eventId, type, position, recordedAt, occurredAt, expiresAt, door } = verified;
  const proven = { id: eventId, type, position, recordedAt, occurredAt, expiresAt, door };
  const recorded = content === null ? {} : (parseExact(content) as ExactObject);
  const pairs: [string, ExactJson, ExactJson][] = [
    ...Object.entries(proven).map(([name, value]): [string, ExactJson, ExactJson] => {
      return [name, event[name] ?? null, value];
    }),
    ...FIELDS.map((name): [string, ExactJson, ExactJson] => {
      return [name, event[name] ?? null, recorded[name] ?? null];
    }),
    ['notify', event['notify'] ?? false, recorded['notify'] ?? false],
    ['payload', payloadOf(event), recorded['payload'] ?? {}],
  ];
  for (const [name, exported, proved] of pairs) {
    if (!equalsExactly(exported, proved)) {
      throw new Error(`${name} is not the one that was recorded`);
    }
  }
}

/** Makes the tree anew from exported events. */
class ExportedLog {
  readonly #head: TreeHead;
  readonly #broken: string[] = [];
  #tree: CompactTree | null = null;
  #isCompared = false;

  constructor(head: TreeHead) {
    this.#head = head;
  }

  add(proof: InclusionProof, { position, checkpoint }: VerifiedEvent): void {
    const { index, size, hashes, leafHash } = proof;
    if (checkpoint.origin !== this.#head.origin) {
      throw new SluiceError('NOT_PROVEN', `the event belongs to the log ${checkpoint.origin}`);
    }
    const decoded = hashes.map(hash => Buffer.from(hash, 'base64'));
    this.#tree ??= CompactTree.before(index, size, decoded);
    this.#compare();
    const next = this.#tree.size;
    if (index !== next) {
      // From here on: one gap is told once.
      this.#tree = CompactTree.before(index, size, decoded);
      const gap = index - next;
      this.#broken.push(
        gap > 0
          ? `${gap} events before position ${position} are missing`
          : `the event at position ${position} is out of its order`,
      );
    }
    this.#tree.append(Buffer.from(leafHash, 'base64'));
    this.#compare();
  }

  /** What does not hold of the whole. */
  end(): readonly string[] {
    const { size } = this.#head;
    const found = [...this.#broken.slice(0, BROKEN_MAX)];
    if (!this.#isCompared) {
      const upto = this.#tree?.size ?? 0;
      found.push(
        upto < size
          ? `the checkpoint has ${size} events, the export ends after ${upto}`
          : `the export begins after the ${size} events of the checkpoint`,
      );
    }
    return found;
  }

  #compare(): void {
    if (this.#isCompared || this.#tree?.size !== this.#head.size) return;
    this.#isCompared = true;
    if (this.#tree.root().equals(this.#head.root)) return;
    this.#broken.push(
      `the first ${this.#head.size} events are not those of the checkpoint: the log was changed`,
    );
  }
}
