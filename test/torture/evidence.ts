/**
 * A tree among misfortunes: gateways that build it are killed, Postgres ends and comes back, sessions
 * are ended, and three build beside each other, while events are recorded, redacted and expire.
 * Afterwards the tree is the one that is built in one go, every checkpoint that was served is of it,
 * and nothing is found in it.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ConsistencyProof, VerifiedCheckpoint } from '../../src/client/evidence.ts';
import { verifyCheckpoint, verifyConsistency, type Checkpoint } from '../../src/client/index.ts';
import { hashLeaf, TreeBuilder } from '../../src/core/merkle.ts';
import { verify } from '../../src/db/verify.ts';
import { verifyTree } from '../../src/evidence/verify-tree.ts';
import { tilePath } from '../../src/gateway/evidence-handler.ts';
import { createFold } from '../../src/rollup/fold.ts';
import { expireNext } from '../../src/upkeep/expiry.ts';
import { startFaultyPostgres, type FaultyPostgres } from '../faults/postgres.ts';
import { ADMIN_KEY } from '../kit/key.ts';
import {
  ask,
  count,
  createWorld,
  endWorld,
  wreak,
  type World,
  type WorldOptions,
} from './world.ts';

const SUBJECTS = 12;
const BATCH_MAX = 200;
const SETTLE_MS = 120_000;
const HAPPENS_WITHIN_MS = 60_000;
const FAULTS_SHOWN = 20;
const TILE_WIDTH = 256;

const RECORD = `mutation ($events: [EventInput!]!) {
  recordEvents(input: { workspace: "default", events: $events }) { recordedCount } }`;
const REDACT = `mutation ($subject: String!) {
  redactEvents(input: { workspace: "default", subject: $subject }) { redactedCount } }`;
const CHECKPOINT = `{ workspace(slug: "default") { checkpoint { size rootHash note verifierKey } } }`;
const CONSISTENCY = `query ($from: SafeInt!, $to: SafeInt!) {
  consistencyProof(workspace: "default", from: $from, to: $to) { from to hashes } }`;

interface Arena extends World {
  readonly postgres: FaultyPostgres;
  readonly served: VerifiedCheckpoint[];
  readonly faults: string[];
}

export interface EvidenceTorture extends Omit<WorldOptions, 'databaseUrl'> {
  /** Once the database is there, and before anything happens. */
  readonly prepare?: (world: World) => Promise<void>;
}

export async function tortureEvidence({ prepare = async () => {}, ...options }: EvidenceTorture) {
  const postgres = await startFaultyPostgres({ volumeMb: null });
  try {
    const world = await createWorld({ ...options, databaseUrl: postgres.url });
    const arena: Arena = Object.assign(world, { postgres, served: [], faults: [] });
    try {
      await prepare(arena);
      await torture(arena);
    } finally {
      await endWorld(arena);
    }
    return { faults: arena.faults.slice(0, FAULTS_SHOWN), counts: arena.counts };
  } finally {
    await postgres.dispose();
  }
}

async function torture(arena: Arena): Promise<void> {
  const turnOn = `mutation { updateWorkspace(input: { slug: "default", evidence: true }) {
    workspace { evidence } } }`;
  while ((await ask(arena, turnOn, {})) === null) await sleep(100);
  const work = [
    ...[record(arena), record(arena), redact(arena), expire(arena), buildToo(arena)],
    ...[wreak(arena), restartPostgres(arena), watch(arena)],
  ];
  await sleep(arena.options.seconds * 1_000);
  // A short run on a busy machine may have had no luck: all of it is to have happened.
  for (const untilMs = Date.now() + HAPPENS_WITHIN_MS; Date.now() < untilMs;) {
    const isKilled = arena.counts['gateways killed'] !== undefined;
    if (isKilled && arena.served.length > 1 && (await countRedacted(arena)) > 0) break;
    await sleep(200);
  }
  arena.isOver = true;
  await Promise.all(work);
  const last = await untilGrown(arena);
  await countRedacted(arena);
  if (last === null) return;
  await compareWithOneGo(arena, last);
  await verifyAll(arena);
}

async function record(arena: Arena): Promise<void> {
  const { random } = arena;
  while (!arena.isOver) {
    const events = Array.from({ length: 1 + Math.floor(random() * BATCH_MAX) }, () => ({
      ...{ id: randomUUID(), type: 'torture.step', payload: { n: random() } },
      subject: `s${Math.floor(random() * SUBJECTS)}`,
      ...(random() < 0.2 && { expiresAt: new Date(Date.now() + random() * 3_000) }),
    }));
    while ((await ask(arena, RECORD, { events })) === null) await sleep(30);
    count(arena, 'events', events.length);
    await sleep(random() * 150);
  }
}

async function countRedacted(arena: Arena): Promise<number> {
  const [row] = await arena.db.read
    .query<{ n: number }>('select count(*) as n from events where redacted_at is not null')
    .catch(() => []);
  arena.counts['events redacted'] = row?.n ?? 0;
  return row?.n ?? 0;
}

/** One that is cut short, or has no answer in time, may have emptied some: its acts say which. */
async function redact(arena: Arena): Promise<void> {
  const { random } = arena;
  while (!arena.isOver) {
    await sleep(random() * 400);
    const subject = `s${Math.floor(random() * SUBJECTS)}`;
    const done = await ask(arena, REDACT, { subject });
    count(arena, done === null ? 'redactions without an answer' : 'redactions');
  }
}

async function expire(arena: Arena): Promise<void> {
  while (!arena.isOver) {
    await sleep(arena.random() * 300);
    const batch = await expireNext(arena.db.upkeep).catch(() => null);
    count(arena, 'events expired', batch?.events ?? 0);
  }
}

/** As a third gateway, which lives as long as its sessions do. */
async function buildToo(arena: Arena): Promise<void> {
  const { upkeep } = arena.db;
  const fold = createFold({ upkeep, logger: { warn() {} }, nowMs: () => Date.now() });
  while (!arena.isOver) {
    await sleep(arena.random() * 200);
    await fold.foldNow().catch(() => {});
  }
}

async function restartPostgres(arena: Arena): Promise<void> {
  while (!arena.isOver) {
    await sleep(2_000 + arena.random() * 4_000);
    if (arena.isOver) return;
    if (arena.random() < 0.5) process.kill(arena.postgres.postmaster(), 'SIGQUIT');
    await arena.postgres.stop();
    await arena.postgres.start();
    count(arena, 'restarts of Postgres');
  }
}

async function checkpointOf(arena: Arena): Promise<Checkpoint | null> {
  const found = await ask<{ workspace: { checkpoint: Checkpoint | null } }>(arena, CHECKPOINT, {});
  return found?.workspace.checkpoint ?? null;
}

/** Keeps every checkpoint that is served, and has each shown to continue an earlier one. */
async function watch(arena: Arena): Promise<void> {
  const { served, faults, random } = arena;
  while (!arena.isOver) {
    await sleep(random() * 60);
    const checkpoint = await checkpointOf(arena);
    if (checkpoint === null) continue;
    const verified = await verifyCheckpoint(checkpoint.note, checkpoint.verifierKey);
    const last = served.at(-1);
    if (last !== undefined && verified.size < last.size) {
      faults.push(`a checkpoint of ${verified.size} events was served after one of ${last.size}`);
    }
    if (last?.size === verified.size && last.rootHash === verified.rootHash) continue;
    served.push(verified);
    const earlier = served[Math.floor(random() * served.length)] as VerifiedCheckpoint;
    if (earlier.size === 0 || earlier.size > verified.size) continue;
    const sizes = { from: earlier.size, to: verified.size };
    const proof = await ask<{ consistencyProof: ConsistencyProof }>(arena, CONSISTENCY, sizes);
    if (proof === null) continue;
    count(arena, 'consistency proofs');
    await verifyConsistency(proof.consistencyProof, earlier, verified).catch((error: unknown) =>
      faults.push(`${earlier.size} to ${verified.size}: ${String(error)}`),
    );
  }
}

/** The checkpoint of the whole log. */
async function untilGrown(arena: Arena): Promise<Checkpoint | null> {
  let [size, head] = [0, 0];
  for (const untilMs = Date.now() + SETTLE_MS; Date.now() < untilMs;) {
    const checkpoint = await checkpointOf(arena);
    const [row] = await arena.db.read
      .query<{ head: number }>(
        `select coalesce(max(position), 0) as head from events
         where workspace_id = (select id from workspaces where slug = 'default')`,
      )
      .catch(() => []);
    [size, head] = [checkpoint?.size ?? 0, row?.head ?? -1];
    if (checkpoint !== null && size === head) return checkpoint;
    await sleep(200);
  }
  arena.faults.push(`the tree has ${size} of ${head} events`);
  return null;
}

/** From what everybody is served: entries make the same tiles and roots, built at once. */
async function compareWithOneGo(arena: Arena, last: Checkpoint): Promise<void> {
  const { served, faults } = arena;
  const builder = new TreeBuilder(0, []);
  const bySize = new Map<number, Set<string>>();
  for (const { size, rootHash } of [...served, last]) {
    bySize.set(size, (bySize.get(size) ?? new Set<string>()).add(rootHash));
  }
  count(arena, 'checkpoints served', served.length);
  for (let number = 0; number * TILE_WIDTH < last.size; number++) {
    const width = Math.min(TILE_WIDTH, last.size - number * TILE_WIDTH);
    const bundle = await bytesOf(arena, `entries/${tilePath(number)}`, width);
    for (let at = 0; at < bundle.length;) {
      const length = bundle.readUInt16BE(at);
      builder.append(hashLeaf(bundle.toString('utf8', at + 2, at + 2 + length)));
      at += 2 + length;
      const root = builder.root().toString('base64');
      const seen = bySize.get(builder.size);
      if (seen !== undefined && (seen.size > 1 || !seen.has(root))) {
        faults.push(`the checkpoint of ${builder.size} events is of another log`);
      }
    }
  }
  if (builder.size !== last.size) faults.push(`there are ${builder.size} entries of ${last.size}`);
  for (const { level, number, hashes } of builder.changed()) {
    const kept = await bytesOf(arena, `${level}/${tilePath(number)}`, hashes.length / 32);
    if (!kept.equals(hashes)) faults.push(`the tile ${level}/${number} is another one`);
  }
}

async function bytesOf({ gateways }: Arena, path: string, width: number): Promise<Buffer> {
  const partial = width === TILE_WIDTH ? '' : `.p/${width}`;
  const url = `${gateways[0]!.url}/evidence/default/tile/${path}${partial}`;
  const response = await fetch(url, { headers: { authorization: `Bearer ${ADMIN_KEY}` } });
  if (!response.ok) throw new Error(`${path}${partial}: ${response.status}`);
  return Buffer.from(await response.arrayBuffer());
}

async function verifyAll({ db, faults }: Arena): Promise<void> {
  const trees = await db.read.query<{ id: number; slug: string }>(
    'select w.id, w.slug from workspaces w join evidence_logs l on l.workspace_id = w.id',
  );
  for (const { id, slug } of trees) {
    const verified = await verifyTree(db.upkeep, { workspaceId: id, slug }, null);
    faults.push(...(verified?.findings ?? ['a tree is gone']));
    if (verified?.unexplained !== 0) faults.push(`redactions of ${slug} are not in the audit`);
  }
  const { violations } = await verify(db.upkeep);
  faults.push(...violations.map(({ rule, detail }) => `${rule}: ${detail}`));
}
