import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  consistencyRanges,
  edgeOf,
  EMPTY_ROOT,
  hashChildren,
  hashLeaf,
  inclusionRanges,
  MissingTile,
  tileKey,
  Tiles,
  tilesOf,
  tileWidth,
  TreeBuilder,
  type Tile,
} from '../../../src/core/merkle.ts';
import '../../kit/chance.ts';

/** RFC 9162, section 2.1.1, as it is written there. */
function treeHash(leaves: readonly Buffer[]): Buffer {
  const [first] = leaves;
  if (first === undefined) return EMPTY_ROOT;
  if (leaves.length === 1) return first;
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  return hashChildren(treeHash(leaves.slice(0, split)), treeHash(leaves.slice(split)));
}

const leafHashes = (count: number) =>
  Array.from({ length: count }, (_, index) => hashLeaf(`leaf ${index}`));

/** Appends in steps, each by a builder that knows only what the one before has written. */
function grown(leaves: readonly Buffer[], steps: readonly number[]) {
  const tiles = new Map<string, Tile>();
  let size = 0;
  let root = EMPTY_ROOT;
  for (const step of [...steps, Infinity]) {
    const edge = edgeOf(size).map(place => tiles.get(tileKey(place)) as Tile);
    const builder = new TreeBuilder(size, edge);
    for (const leaf of leaves.slice(size, size + step)) builder.append(leaf);
    for (const tile of builder.changed()) tiles.set(tileKey(tile), tile);
    size = builder.size;
    root = builder.root();
  }
  return { tiles, root };
}

const hex = (hashes: readonly Buffer[]) => hashes.map(hash => hash.toString('hex'));

describe('the tree of RFC 9162', () => {
  /** The test data of RFC 6962's reference implementation, whose trees RFC 9162 keeps. */
  const INPUTS = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657'].concat(
    '606162636465666768696a6b6c6d6e6f',
  );
  const ROOTS = [
    '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
    'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
    'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
    'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
    '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
    'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
    '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
  ];
  const tiles = new Tiles(
    grown(
      INPUTS.map(input => hashLeaf(Buffer.from(input, 'hex').toString())),
      [],
    ).tiles.values(),
  );

  test('has the roots of the reference data', () => {
    expect(EMPTY_ROOT.toString('hex')).toBe(
      'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    );
    expect(ROOTS.map((_, at) => tiles.root(at + 1).toString('hex'))).toEqual(ROOTS);
  });

  test('has the proofs of the reference data', () => {
    expect(hex(tiles.hashesOf(inclusionRanges(5, 8)))).toEqual([
      'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
      'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
      ROOTS[3],
    ]);
    expect(hex(tiles.hashesOf(inclusionRanges(2, 3)))).toEqual([ROOTS[1]]);
    expect(hex(tiles.hashesOf(consistencyRanges(6, 8)))).toEqual([
      '0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a',
      'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
      ROOTS[3],
    ]);
    expect(tiles.hashesOf(consistencyRanges(8, 8))).toEqual([]);
  });

  test('has tiles of the widths that C2SP tlog-tiles gives as an example', () => {
    const size = 70_000;
    expect(tileWidth({ level: 0, number: 272 }, size)).toBe(256);
    expect(edgeOf(size).map(place => [place, tileWidth(place, size)])).toEqual([
      [{ level: 0, number: 273 }, 112],
      [{ level: 1, number: 1 }, 17],
      [{ level: 2, number: 0 }, 1],
    ]);
    expect(edgeOf(256)).toEqual([{ level: 1, number: 0 }]);
  });
});

describe('a tree that is built in steps', () => {
  const SIZE_MAX = 1_200;
  const leaves = leafHashes(SIZE_MAX);

  test('is the one that is built at once, and that of the RFC', () => {
    const sizes = fc.integer({ min: 0, max: SIZE_MAX });
    const steps = fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 8 });
    fc.assert(
      fc.property(sizes, steps, (size, each) => {
        const some = leaves.slice(0, size);
        const inSteps = grown(some, each);
        expect(inSteps.root).toEqual(treeHash(some));
        expect(inSteps).toEqual(grown(some, []));
      }),
      { numRuns: 40 },
    );
  });

  test('says so where a tile of its edge is missing or too short', () => {
    const { tiles } = grown(leaves.slice(0, 300), []);
    const [low, high] = edgeOf(300).map(place => tiles.get(tileKey(place)) as Tile) as [Tile, Tile];
    expect(() => new TreeBuilder(300, [low])).toThrow(MissingTile);
    const short = { ...low, hashes: low.hashes.subarray(32) };
    expect(() => new TreeBuilder(300, [short, high])).toThrow(MissingTile);
    expect(() => new Tiles([]).root(1)).toThrow(MissingTile);
  });

  test('gives every proof from the tiles that it names, also once the others are cut', () => {
    const { tiles } = grown(leaves, []);
    const places = fc.tuple(
      fc.integer({ min: 1, max: SIZE_MAX }),
      fc.nat(SIZE_MAX),
      fc.nat(SIZE_MAX),
    );
    fc.assert(
      fc.property(places, ([size, a, b]) => {
        const index = a % size;
        const smaller = 1 + (b % size);
        const questions = [
          { ranges: inclusionRanges(index, size), least: index },
          { ranges: consistencyRanges(smaller, size), least: smaller - 1 },
        ];
        for (const { ranges, least } of questions) {
          const named = tilesOf(ranges).map(place => tiles.get(tileKey(place)) as Tile);
          const hashes = new Tiles(named).hashesOf(ranges);
          expect(hashes).toEqual(ranges.map(({ from, to }) => treeHash(leaves.slice(from, to))));
          // What lies wholly below the leaf, or the smaller size, is not asked for.
          const ends = named.map(({ level, number }) => (number + 1) * 256 ** (level + 1));
          expect(ends.every(end => end > least)).toBe(true);
        }
      }),
      { numRuns: 60 },
    );
  });
});
