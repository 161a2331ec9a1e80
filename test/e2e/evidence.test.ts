/** Evidence through the doors that a user has: GraphQL, HTTP and the typed client. */
import { verifyCheckpoint as ofCheckpoints } from '@sigstore/verify/dist/tlog/checkpoint.js';
import { verifyMerkleInclusion as ofInclusion } from '@sigstore/verify/dist/tlog/merkle.js';
import { createHash, createPublicKey } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  createClient,
  INCLUSION_PROOF_FIELDS,
  verifyCheckpoint,
  verifyConsistency,
  verifyProof,
  type Checkpoint,
  type ConsistencyProof,
  type InclusionProof,
} from '../../src/client/index.ts';
import { startTestGateway, type TestGateway } from '../kit/gateway.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway[Symbol.asyncDispose]());

interface Proven {
  readonly slug: string;
  readonly key: string;
}

/** A workspace with evidence, and a key that reads and writes in it. */
async function aWorkspace(): Promise<Proven> {
  const workspace = await gateway.workspace();
  await setEvidence(workspace, true);
  return workspace;
}

async function setEvidence({ slug }: Proven, evidence: boolean): Promise<void> {
  await gateway.data(
    `mutation ($input: UpdateWorkspaceInput!) {
      updateWorkspace(input: $input) { workspace { evidence } } }`,
    { input: { slug, evidence } },
  );
}

async function record({ slug, key }: Proven, events: readonly object[]): Promise<void> {
  const { recordEvents } = await gateway.data<{
    recordEvents: { receipts: { status: string }[] };
  }>(
    `mutation ($input: RecordEventsInput!) {
      recordEvents(input: $input) { receipts { status } } }`,
    { input: { workspace: slug, events } },
    key,
  );
  expect(recordEvents.receipts.every(({ status }) => status === 'RECORDED')).toBe(true);
}

const some = (count: number, from = 1) =>
  Array.from({ length: count }, (_, at) => ({
    ...{ id: `e-${from + at}`, type: 'note.made', subject: `s-${(from + at) % 3}` },
    payload: { n: from + at, text: 'äöü' },
  }));

const CHECKPOINT = `query ($slug: String!) {
  workspace(slug: $slug) { checkpoint { firstPosition size rootHash note verifierKey createdAt } } }`;

async function checkpointOf({ slug, key }: Proven): Promise<Checkpoint | null> {
  const found = await gateway.data<{ workspace: { checkpoint: Checkpoint | null } }>(
    CHECKPOINT,
    { slug },
    key,
  );
  return found.workspace.checkpoint;
}

/** The checkpoint once the tree has as many events. */
async function grown(workspace: Proven, size: number): Promise<Checkpoint> {
  await expect
    .poll(async () => (await checkpointOf(workspace))?.size, { timeout: 60_000, interval: 100 })
    .toBe(size);
  return (await checkpointOf(workspace)) as Checkpoint;
}

async function proofsOf({ slug, key }: Proven, size: number | null = null) {
  const { events } = await gateway.data<{
    events: { nodes: { eventId: string; inclusionProof: InclusionProof | null }[] };
  }>(
    `query ($slug: String!, $size: SafeInt) {
      events(workspace: $slug, first: 1000, order: { field: POSITION, direction: ASC }) {
        nodes { eventId inclusionProof(size: $size) { ${INCLUSION_PROOF_FIELDS} } } } }`,
    { slug, size },
    key,
  );
  return events.nodes;
}

const get = (path: string, key: string | null, method = 'GET') =>
  fetch(`${gateway.url}${path}`, {
    method,
    headers: key === null ? {} : { authorization: `Bearer ${key}` },
  });

describe('proofs', () => {
  test('of each event recorded are verified by the typed client, against its receipt', async () => {
    const workspace = await aWorkspace();
    const client = createClient({
      url: gateway.url,
      key: workspace.key,
      workspace: workspace.slug,
    });
    const receipt = await client.record({ type: 'user.signup', payload: { plan: 'pro' } });
    await client.close();
    await record(workspace, some(599));
    const { verifierKey } = await grown(workspace, 600);
    const proofs = await proofsOf(workspace);
    const events = await Promise.all(
      proofs.map(({ inclusionProof }) => verifyProof(inclusionProof!, { verifierKey })),
    );
    expect(events.map(({ eventId }) => eventId)).toEqual(proofs.map(({ eventId }) => eventId));
    expect(events.map(({ position }) => position)).toEqual(events.map((_, at) => at + 1));
    expect(events[1]!.content).toMatchObject({ payload: { n: 1, text: 'äöü' }, subject: 's-1' });
    const first = await verifyProof(proofs[0]!.inclusionProof!, {
      verifierKey,
      receipt: { eventId: receipt.eventId, position: receipt.position },
    });
    expect(first).toMatchObject({ type: 'user.signup', content: { payload: { plan: 'pro' } } });
  });

  test('against an earlier size have that checkpoint, and later ones only continue it', async () => {
    const workspace = await aWorkspace();
    await record(workspace, some(3));
    const older = await grown(workspace, 3);
    await record(workspace, some(300, 4));
    const newer = await grown(workspace, 303);
    const proofs = await proofsOf(workspace, 3);
    const proven = proofs.flatMap(({ inclusionProof }) => inclusionProof ?? []);
    expect(proven).toHaveLength(3);
    expect(proven[0]!.checkpoint.note).toBe(older.note);
    await verifyProof(proven[2]!, { verifierKey: older.verifierKey });
    const { consistencyProof } = await gateway.data<{ consistencyProof: ConsistencyProof }>(
      `query ($slug: String!) {
        consistencyProof(workspace: $slug, from: 3) { from to hashes } }`,
      { slug: workspace.slug },
      workspace.key,
    );
    const [from, to] = await Promise.all(
      [older, newer].map(({ note, verifierKey }) => verifyCheckpoint(note, verifierKey)),
    );
    await verifyConsistency(consistencyProof, from!, to!);
  });

  test('a size that the tree does not have is refused, and none is there without evidence', async () => {
    const workspace = await aWorkspace();
    await record(workspace, some(2));
    await grown(workspace, 2);
    const ask = `query ($slug: String!, $from: SafeInt!, $to: SafeInt) {
      consistencyProof(workspace: $slug, from: $from, to: $to) { hashes } }`;
    for (const sizes of [{ from: 0 }, { from: 3 }, { from: 2, to: 1 }, { from: 1, to: 9 }]) {
      const variables = { slug: workspace.slug, ...sizes };
      const { errors } = await gateway.graphql(ask, variables, workspace.key);
      expect(errors?.[0]?.extensions['code'], JSON.stringify(sizes)).toBe('BAD_USER_INPUT');
    }
    const other = await gateway.workspace();
    const { errors } = await gateway.graphql(ask, { slug: other.slug, from: 1 }, other.key);
    expect(errors?.[0]?.extensions['code']).toBe('NOT_FOUND');
    await record(other, some(1));
    expect((await proofsOf(other))[0]!.inclusionProof).toBeNull();
    expect(await checkpointOf(other)).toBeNull();
  });

  test('redaction and expiry change none, and take content and salt away', async () => {
    const workspace = await aWorkspace();
    const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
    await record(workspace, [...some(6), { id: 'brief', type: 'note.made', expiresAt }]);
    const { verifierKey, note } = await grown(workspace, 7);
    const before = await proofsOf(workspace);
    await gateway.data(
      `mutation ($slug: String!) {
        redactEvents(input: { workspace: $slug, subject: "s-1" }) { redactedCount } }`,
      { slug: workspace.slug },
    );
    const after = await proofsOf(workspace);
    for (const [at, { inclusionProof: proof, eventId }] of after.entries()) {
      const was = before[at]!.inclusionProof!;
      expect(proof).toMatchObject({ ...was, salt: proof!.salt, content: proof!.content });
      const verified = await verifyProof(proof!, { verifierKey });
      const isRedacted = ['e-1', 'e-4'].includes(eventId);
      expect(verified.content === null).toBe(isRedacted);
      expect([proof!.salt, proof!.content]).toEqual(
        isRedacted ? [null, null] : [was.salt, was.content],
      );
    }
    const kept = await gateway.db.upkeep.query<{ salts: string }>(
      `select encode(salts, 'hex') as salts from evidence_bundles b
       join workspaces w on w.id = b.workspace_id where w.slug = $1`,
      [workspace.slug],
    );
    const salts = kept[0]!.salts.match(/.{64}/g)!;
    expect(salts.map(salt => /^0+$/.test(salt))).toEqual(
      after.map(({ eventId }) => ['e-1', 'e-4'].includes(eventId)),
    );
    expect((await checkpointOf(workspace))!.note).toBe(note);
  });
});

describe('the tree', () => {
  test('is one at several gateways, of which each signs with the key that it was given', async () => {
    const seed = Buffer.alloc(32, 4);
    await using other = await startTestGateway({
      databaseUrl: gateway.databaseUrl,
      config: { evidenceKey: seed },
    });
    const workspace = await aWorkspace();
    await Promise.all(
      [gateway, other].map(async (each, of) => {
        for (const event of some(20, 100 * of)) {
          await each.data(
            `mutation ($input: RecordEventInput!) {
              recordEvent(input: $input) { receipt { status } } }`,
            { input: { workspace: workspace.slug, event } },
            workspace.key,
          );
        }
      }),
    );
    const here = await grown(workspace, 40);
    const there = await other.data<{ workspace: { checkpoint: Checkpoint } }>(
      CHECKPOINT,
      { slug: workspace.slug },
      workspace.key,
    );
    const { checkpoint } = there.workspace;
    expect(checkpoint).toMatchObject({ size: 40, rootHash: here.rootHash });
    expect(checkpoint.verifierKey).not.toBe(here.verifierKey);
    await verifyCheckpoint(checkpoint.note, checkpoint.verifierKey);
    const wrong = verifyCheckpoint(checkpoint.note, here.verifierKey);
    await expect(wrong).rejects.toMatchObject({ code: 'NOT_PROVEN' });
    for (const { inclusionProof } of await proofsOf(workspace)) {
      await verifyProof(inclusionProof!, { verifierKey: here.verifierKey });
    }
  });

  test('that is turned on later begins with the events that are kept, and ends for ever', async () => {
    const workspace = await gateway.workspace();
    await record(workspace, some(5));
    await setEvidence(workspace, true);
    const first = await grown(workspace, 5);
    expect(first.firstPosition).toBe(1);
    await setEvidence(workspace, false);
    await expect.poll(() => checkpointOf(workspace), { timeout: 60_000, interval: 100 }).toBeNull();
    await setEvidence(workspace, true);
    const second = await grown(workspace, 5);
    const [before, now] = [first, second].map(({ note }) => note.split('\n')[0]);
    // Another log: it must not seem to have forked from the first.
    expect(now).not.toBe(before);
    expect(now).toMatch(new RegExp(`^sluice/${workspace.slug}/[0-9a-f]{16}$`));
  });
});

/** Code of others, which knows nothing of this gateway. Its types ask for more than it reads. */
const verifyNote = ofCheckpoints as unknown as (entry: object, logs: readonly object[]) => object;
const verifyInclusion = ofInclusion as unknown as (entry: object, checkpoint: object) => void;

describe('a foreign verifier', () => {
  test('of Sigstore accepts the checkpoint and every inclusion proof', async () => {
    const workspace = await aWorkspace();
    await record(workspace, some(300));
    const { note, verifierKey } = await grown(workspace, 300);
    const [, name, keyId, encoded] = /^([^+]+)\+([^+]+)\+(.+)$/.exec(verifierKey)!;
    const spki = Buffer.concat([
      Buffer.from('302a300506032b6570032100', 'hex'),
      Buffer.from(encoded!, 'base64').subarray(1),
    ]);
    const publicKey = createPublicKey({ key: spki, format: 'der', type: 'spki' });
    const log = { logID: Buffer.from(keyId!, 'hex'), baseURL: name, publicKey };
    const entry = { inclusionProof: { checkpoint: { envelope: note } } };
    const checkpoint = verifyNote(entry, [log]);
    for (const { inclusionProof: proof } of await proofsOf(workspace)) {
      const { commitment, envelope } = proof!;
      // Keys of the envelope come sorted.
      const leaf = JSON.stringify({ commitment, envelope, version: 1 });
      const hashes = proof!.hashes.map(hash => Buffer.from(hash, 'base64'));
      const inclusionProof = { logIndex: String(proof!.index), hashes };
      const asked = { inclusionProof, canonicalizedBody: Buffer.from(leaf) };
      verifyInclusion(asked, checkpoint);
      const other = { ...asked, canonicalizedBody: Buffer.from(`${leaf} `) };
      expect(() => verifyInclusion(other, checkpoint)).toThrow();
    }
    const forged = note.replace('\n300\n', '\n301\n');
    const forgedEntry = { inclusionProof: { checkpoint: { envelope: forged } } };
    expect(() => verifyNote(forgedEntry, [log])).toThrow();
  });

  test('that reads C2SP tlog-tiles alone makes the root from tiles and from entries', async () => {
    const workspace = await aWorkspace();
    await record(workspace, some(600));
    await grown(workspace, 600);
    const base = `/evidence/${workspace.slug}`;
    const response = await get(`${base}/checkpoint`, workspace.key);
    expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(response.headers.get('cache-control')).toBe('private, max-age=1');
    const [, size, root] = (await response.text()).split('\n');
    expect(size).toBe('600');
    const bytesOf = async (path: string) => {
      const tile = await get(`${base}/tile/${path}`, workspace.key);
      expect(tile.status, path).toBe(200);
      expect(tile.headers.get('content-type')).toBe('application/octet-stream');
      expect(tile.headers.get('cache-control')).toBe('private, max-age=31536000, immutable');
      return Buffer.from(await tile.arrayBuffer());
    };
    // Written from the documents alone: RFC 6962, section 2.1, and C2SP tlog-tiles.
    const sha256 = (...parts: Buffer[]) =>
      createHash('sha256').update(Buffer.concat(parts)).digest();
    const chunks = (bytes: Buffer) =>
      Array.from({ length: bytes.length / 32 }, (_, at) => bytes.subarray(32 * at, 32 * at + 32));
    const mth = (hashes: readonly Buffer[]): Buffer => {
      if (hashes.length === 1) return hashes[0]!;
      let k = 1;
      while (2 * k < hashes.length) k *= 2;
      return sha256(Buffer.of(1), mth(hashes.slice(0, k)), mth(hashes.slice(k)));
    };
    const tiles = ['000', '001', '002.p/88'];
    const leaves = await Promise.all(tiles.map(tile => bytesOf(`0/${tile}`)));
    expect(mth(chunks(Buffer.concat(leaves))).toString('base64')).toBe(root);
    const above = chunks(await bytesOf('1/000.p/2'));
    expect(above).toEqual(leaves.slice(0, 2).map(tile => mth(chunks(tile))));
    const bundles = await Promise.all(tiles.map(tile => bytesOf(`entries/${tile}`)));
    const entries = bundles.flatMap(bundle => {
      const found: Buffer[] = [];
      for (let at = 0; at < bundle.length;) {
        const length = bundle.readUInt16BE(at);
        found.push(bundle.subarray(at + 2, at + 2 + length));
        at += 2 + length;
      }
      return found;
    });
    const hashes = entries.map(entry => sha256(Buffer.of(0), entry));
    expect(Buffer.concat(hashes).equals(Buffer.concat(leaves))).toBe(true);
    // An earlier reader still gets its narrower tile.
    expect(await bytesOf('0/002.p/7')).toEqual(leaves[2]!.subarray(0, 7 * 32));
  });
});

describe('over HTTP', () => {
  test('a reader of the workspace alone is served, and until its key is revoked', async () => {
    const workspace = await aWorkspace();
    await record(workspace, some(2));
    await grown(workspace, 2);
    const foreign = await gateway.workspace();
    const made = await gateway.data<{ createApiKey: { secret: string; apiKey: { id: string } } }>(
      `mutation ($slug: String!) {
        createApiKey(input: { name: "writer", workspace: $slug, scopes: [EVENTS_WRITE] }) {
          secret apiKey { id } } }`,
      { slug: workspace.slug },
    );
    const paths = ['checkpoint', 'tile/0/000.p/2', 'tile/entries/000.p/2'];
    for (const path of paths.map(each => `/evidence/${workspace.slug}/${each}`)) {
      const asked = [null, 'slc_nobody_has_this_key_at_all', made.createApiKey.secret];
      const statuses = await Promise.all(
        [...asked, foreign.key, workspace.key].map(async key => (await get(path, key)).status),
      );
      expect(statuses, path).toEqual([401, 401, 403, 404, 200]);
      expect((await get(path, workspace.key, 'POST')).status).toBe(405);
      const head = await get(path, workspace.key, 'HEAD');
      expect([head.status, await head.text()]).toEqual([200, '']);
    }
    const nowhere = await get('/evidence/nowhere/checkpoint', foreign.key);
    const theirs = await get(`/evidence/${workspace.slug}/checkpoint`, foreign.key);
    const [a, b] = await Promise.all([nowhere.text(), theirs.text()]);
    expect(a.replace('nowhere', workspace.slug)).toBe(b);
    const { workspace: own } = await gateway.data<{
      workspace: { apiKeys: { nodes: { id: string; name: string }[] } };
    }>('query ($slug: String!) { workspace(slug: $slug) { apiKeys { nodes { id name } } } }', {
      slug: workspace.slug,
    });
    const reader = own.apiKeys.nodes.find(({ name }) => name === 'test')!;
    await gateway.data(
      'mutation ($id: ID!) { revokeApiKey(input: { id: $id }) { apiKey { id } } }',
      { id: reader.id },
    );
    const status = async () =>
      (await get(`/evidence/${workspace.slug}/checkpoint`, workspace.key)).status;
    await expect.poll(status, { timeout: 5_000 }).toBe(401);
  });

  test('a path that names no tile, or not in its one form, is not found', async () => {
    const workspace = await aWorkspace();
    await record(workspace, some(2));
    await grown(workspace, 2);
    const paths = [
      ...['', 'tile', 'checkpoint/x', 'tile/0/0', 'tile/0/000', 'tile/0/000.p/3', 'tile/0/000.p/0'],
      ...['tile/0/000.p/02', 'tile/00/000.p/2', 'tile/64/000.p/1', 'tile/0/x000/000.p/2'],
      ...['tile/1/000.p/1', 'tile/0/001.p/1', 'tile/entries/000', 'tile/entries/001.p/1'],
      ...['tile/0/000.p/256', 'tile/0/x999/x999/x999/x999/x999/999', 'tile/-1/000.p/2'],
    ];
    for (const path of paths) {
      const response = await get(`/evidence/${workspace.slug}/${path}`, workspace.key);
      expect([path, response.status]).toEqual([path, 404]);
    }
  });
});
