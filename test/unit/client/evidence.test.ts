/** Proofs as the gateway makes them, verified as the client does. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  verifyCheckpoint,
  verifyConsistency,
  verifyProof,
  type InclusionProof,
} from '../../../src/client/index.ts';
import { commitmentOf, leafOf, type Envelope } from '../../../src/core/evidence-leaf.ts';
import {
  consistencyRanges,
  hashLeaf,
  inclusionRanges,
  Tiles,
  TreeBuilder,
} from '../../../src/core/merkle.ts';
import {
  signingKeyOf,
  signNote,
  textOfTreeHead,
  verifierKeyOf,
} from '../../../src/core/signed-note.ts';
import '../../kit/chance.ts';

const SIZE_MAX = 700;
const ORIGIN = 'sluice/acme/0123456789abcdef';
const key = signingKeyOf(Buffer.alloc(32, 5));
const verifierKey = verifierKeyOf(ORIGIN, key.publicKey);

const envelopes = Array.from({ length: SIZE_MAX }, (_, index): Envelope => ({
  ...{ door: 'GRAPHQL', epoch: 'e', eventId: `ä-${index}`, expiresAt: null, workspaceId: 1 },
  ...{ occurredAt: '2026-01-01T00:00:00.000Z', recordedAt: '2026-01-01T00:00:00.000Z' },
  ...{ position: index + 1, type: 'a' },
}));
const salt = Buffer.alloc(32, 9);
const contents = envelopes.map(({ position }) => `{"payload":{"n":${position}}}`);
const commitments = contents.map(content => commitmentOf(salt, content));
const leaves = envelopes.map((each, at) => leafOf(each, commitments[at]!));
const builder = new TreeBuilder(0, []);
for (const leaf of leaves) builder.append(hashLeaf(leaf));
const tiles = new Tiles(builder.changed());

const base64 = (bytes: Buffer) => bytes.toString('base64');

function noteOf(size: number): string {
  return signNote(textOfTreeHead({ origin: ORIGIN, size, root: tiles.root(size) }), ORIGIN, key);
}

function proofOf(index: number, size: number): InclusionProof {
  return {
    ...{ index, size, leafHash: base64(hashLeaf(leaves[index]!)) },
    hashes: tiles.hashesOf(inclusionRanges(index, size)).map(base64),
    envelope: { ...envelopes[index]! },
    ...{ commitment: base64(commitments[index]!), salt: base64(salt), content: contents[index]! },
    checkpoint: { note: noteOf(size), verifierKey },
  };
}

const places = fc
  .tuple(fc.integer({ min: 1, max: SIZE_MAX }), fc.nat())
  .map(([size, n]) => [n % size, size] as const);

test('every inclusion proof is verified, and says which event it is', async () => {
  await fc.assert(
    fc.asyncProperty(places, async ([index, size]) => {
      const verified = await verifyProof(proofOf(index, size), { verifierKey });
      expect(verified).toMatchObject({ eventId: `ä-${index}`, position: index + 1 });
      expect(verified.content).toEqual({ payload: { n: index + 1 } });
      expect(verified.checkpoint).toMatchObject({ origin: ORIGIN, size });
    }),
    { numRuns: 60 },
  );
});

/** Every text and number in a JSON, by where it stands. */
function leavesOf(value: unknown, path: readonly (string | number)[] = []): (string | number)[][] {
  if (typeof value !== 'object' || value === null) return value === null ? [] : [[...path]];
  return Object.entries(value).flatMap(([name, member]) => leavesOf(member, [...path, name]));
}

/** A copy in which one bit of one text or number is another. */
function withBit(proof: object, path: readonly (string | number)[], bit: number): object {
  const copy = structuredClone(proof) as Record<string | number, unknown>;
  const last = path.at(-1) as string;
  const parent = path.slice(0, -1).reduce((at, name) => at[name] as typeof copy, copy);
  const value = parent[last] as string | number;
  if (typeof value === 'number') parent[last] = value ^ (1 << (bit % 10));
  else {
    const bytes = Buffer.from(value === '' ? ' ' : value);
    const at = bit % (bytes.length * 8);
    // One of a byte's lower seven: a text stays a text.
    bytes[at >> 3]! ^= 1 << (at % 7);
    parent[last] = bytes.toString('utf8');
  }
  return copy;
}

test('no proof with a bit changed is verified', async () => {
  const bits = fc.tuple(places, fc.nat(), fc.nat());
  await fc.assert(
    fc.asyncProperty(bits, async ([[index, size], where, bit]) => {
      const proof = proofOf(index, size);
      // The key that comes with a proof is not the one that is trusted.
      const paths = leavesOf(proof).filter(path => path.at(-1) !== 'verifierKey');
      const changed = withBit(proof, paths[where % paths.length]!, bit) as InclusionProof;
      fc.pre(JSON.stringify(changed) !== JSON.stringify(proof));
      await expect(verifyProof(changed, { verifierKey })).rejects.toMatchObject({
        code: 'NOT_PROVEN',
      });
    }),
    { numRuns: 400 },
  );
});

test('a proof without content says nothing of it, and a receipt must be of its event', async () => {
  const proof = proofOf(6, 10);
  const emptied = { ...proof, salt: null, content: null };
  expect((await verifyProof(emptied, { verifierKey })).content).toBeNull();
  const half = { ...proof, salt: null };
  await expect(verifyProof(half, { verifierKey })).rejects.toThrow('only one of salt and content');
  const receipt = { eventId: 'ä-6', position: 7 };
  await expect(verifyProof(proof, { verifierKey, receipt })).resolves.toBeTruthy();
  for (const other of [{ position: 8 }, { eventId: 'ä-7' }]) {
    const told = { verifierKey, receipt: { ...receipt, ...other } };
    await expect(verifyProof(proof, told)).rejects.toThrow('the receipt of');
  }
});

test('every consistency proof is verified, and none with a bit or a root changed', async () => {
  const sizes = fc.tuple(places, fc.nat(), fc.nat());
  await fc.assert(
    fc.asyncProperty(sizes, async ([[smaller, to], where, bit]) => {
      const from = smaller + 1;
      const [older, newer] = await Promise.all(
        [from, to].map(size => verifyCheckpoint(noteOf(size), verifierKey)),
      );
      const hashes = tiles.hashesOf(consistencyRanges(from, to)).map(base64);
      const proof = { from, to, hashes };
      await verifyConsistency(proof, older!, newer!);
      const path = leavesOf(proof)[where % leavesOf(proof).length]!;
      const changed = withBit(proof, path, bit) as typeof proof;
      await expect(verifyConsistency(changed, older!, newer!)).rejects.toMatchObject({
        code: 'NOT_PROVEN',
      });
      const forked = { ...older!, rootHash: base64(Buffer.alloc(32, 1)) };
      await expect(verifyConsistency(proof, forked, newer!)).rejects.toThrow('does not continue');
    }),
    { numRuns: 80 },
  );
});

test('a hash in a second form of base64 is no hash', async () => {
  const proof = proofOf(6, 10);
  // The last letter before the padding has bits that stand for nothing.
  const respelled = (text: string) => {
    const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
    const next = letters[letters.indexOf(text.at(-2)!) ^ 1]!;
    const other = `${text.slice(0, -2)}${next}=`;
    expect(Buffer.from(other, 'base64')).toEqual(Buffer.from(text, 'base64'));
    return other;
  };
  const [first, ...rest] = proof.hashes;
  for (const changed of [
    { ...proof, salt: respelled(proof.salt!) },
    { ...proof, leafHash: respelled(proof.leafHash) },
    { ...proof, hashes: [respelled(first!), ...rest] },
  ]) {
    const verifying = verifyProof(changed, { verifierKey });
    await expect(verifying).rejects.toMatchObject({ code: 'NOT_PROVEN' });
  }
});
