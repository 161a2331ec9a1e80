/**
 * The Merkle tree of RFC 9162 (section 2.1), kept as tiles (C2SP tlog-tiles): sequences of up to 256
 * hashes. A tile of level 0 holds hashes of leaves. One of a higher level holds the roots of full
 * tiles of the level below. Every other node is made from these when it is asked for.
 */
import { hash } from 'node:crypto';

export const HASH_BYTES = 32;
/** Hashes of a full tile. */
export const TILE_WIDTH = 256;
const TILE_HEIGHT = 8;
const TILE_BYTES = TILE_WIDTH * HASH_BYTES;

const LEAF_PREFIX = '\0';
/** A prefix and two hashes: filled anew for each node, which is a third quicker than to join them. */
const NODE = Buffer.alloc(1 + 2 * HASH_BYTES, 1);

/** Of a tree without leaves. */
export const EMPTY_ROOT = sha256(Buffer.alloc(0));

/** Of a text its UTF-8. A hash that comes as text takes two thirds of the time of one as a buffer. */
export function sha256(bytes: Uint8Array | string): Buffer {
  return Buffer.from(hash('sha256', bytes, 'binary'), 'binary');
}

/** @param leaf a text, or `''` for one that is missing */
export function hashLeaf(leaf: string): Buffer {
  return sha256(LEAF_PREFIX + leaf);
}

export function hashChildren(left: Uint8Array, right: Uint8Array): Buffer {
  NODE.set(left, 1);
  NODE.set(right, 1 + HASH_BYTES);
  return sha256(NODE);
}

/** Where a tile stands: `number` counts from 0 within its level. */
export interface TilePlace {
  readonly level: number;
  readonly number: number;
}

export interface Tile extends TilePlace {
  /** One after the other; 8,192 bytes of a full tile. */
  readonly hashes: Buffer;
}

export function tileKey({ level, number }: TilePlace): string {
  return `${level}/${number}`;
}

/** How many hashes a tile has in a tree of a size; 0 where that tree has no such tile. */
export function tileWidth({ level, number }: TilePlace, size: number): number {
  const hashes = Math.floor(size / TILE_WIDTH ** level);
  return Math.max(0, Math.min(TILE_WIDTH, hashes - number * TILE_WIDTH));
}

/** The tiles at the right edge that are not full: those that the next leaf may change. */
export function edgeOf(size: number): TilePlace[] {
  const places: TilePlace[] = [];
  for (let level = 0, hashes = size; hashes > 0; level++) {
    const number = Math.floor(hashes / TILE_WIDTH);
    if (hashes % TILE_WIDTH > 0) places.push({ level, number });
    hashes = number;
  }
  return places;
}

/** A subtree that is full: the leaves from `index` × 2^height on, 2^height of them. */
interface Node {
  readonly height: number;
  readonly index: number;
}

/** Leaves from `from` on, up to but without `to`. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/** The full subtrees that a range of a proof is made of, from the left. */
function nodesOf({ from, to }: Range): Node[] {
  const nodes: Node[] = [];
  for (let at = from; at < to;) {
    const height = heightWithin(to - at);
    nodes.push({ height, index: at / 2 ** height });
    at += 2 ** height;
  }
  return nodes;
}

/** Of the largest full tree of at most so many leaves. Logarithms are not exact for large ones. */
function heightWithin(leaves: number): number {
  let height = 0;
  while (2 ** (height + 1) <= leaves) height += 1;
  return height;
}

function tileOf({ height, index }: Node): TilePlace {
  const within = height % TILE_HEIGHT;
  const first = index * 2 ** within;
  return { level: (height - within) / TILE_HEIGHT, number: Math.floor(first / TILE_WIDTH) };
}

/** Where the leaves of a tree are split: the largest power of two below their number. */
function splitOf(count: number): number {
  return 2 ** heightWithin(count - 1);
}

/** The subtrees whose hashes prove that a leaf is in a tree (RFC 9162, 2.1.3.1), the lowest first. */
export function inclusionRanges(index: number, size: number): Range[] {
  const ranges: Range[] = [];
  let [from, to] = [0, size];
  while (to - from > 1) {
    const middle = from + splitOf(to - from);
    if (index < middle) {
      ranges.push({ from: middle, to });
      to = middle;
    } else {
      ranges.push({ from, to: middle });
      from = middle;
    }
  }
  return ranges.reverse();
}

/** The subtrees whose hashes prove that a tree continues a smaller one (RFC 9162, 2.1.4.1). */
export function consistencyRanges(smaller: number, size: number): Range[] {
  const ranges: Range[] = [];
  if (smaller === 0 || smaller === size) return ranges;
  let [from, to] = [0, size];
  // Until what is left of the smaller tree is a whole subtree of the larger.
  while (to !== smaller) {
    const middle = from + splitOf(to - from);
    if (smaller <= middle) {
      ranges.push({ from: middle, to });
      to = middle;
    } else {
      ranges.push({ from, to: middle });
      from = middle;
    }
  }
  // Who checks knows the root of the smaller tree, where that is the subtree.
  if (from > 0) ranges.push({ from, to });
  return ranges.reverse();
}

/** The tiles that hold the hashes of ranges. */
export function tilesOf(ranges: readonly Range[]): TilePlace[] {
  const places = ranges.flatMap(nodesOf).map(tileOf);
  return [...new Map(places.map(place => [tileKey(place), place])).values()];
}

/** A tile that is needed was not given. */
export class MissingTile extends Error {
  override readonly name = 'MissingTile';
}

/** Makes hashes of subtrees from tiles. What was made is kept for the next question. */
export class Tiles {
  readonly #tiles = new Map<string, Buffer>();
  readonly #made = new Map<string, Buffer>();

  constructor(tiles: Iterable<Tile>) {
    for (const tile of tiles) this.#tiles.set(tileKey(tile), tile.hashes);
  }

  /** @throws MissingTile */
  hashesOf(ranges: readonly Range[]): Buffer[] {
    return ranges.map(range => this.hashOf(range));
  }

  /** The root of a tree of a size. @throws MissingTile */
  root(size: number): Buffer {
    return size === 0 ? EMPTY_ROOT : this.hashOf({ from: 0, to: size });
  }

  /** @throws MissingTile */
  hashOf(range: Range): Buffer {
    const hashes = nodesOf(range).map(node => this.#hash(node));
    return hashes.reduceRight((right, left) => hashChildren(left, right));
  }

  #hash(node: Node): Buffer {
    const { height, index } = node;
    if (height % TILE_HEIGHT === 0) return this.#read(node);
    const key = `${height} ${index}`;
    const known = this.#made.get(key);
    if (known !== undefined) return known;
    const [left, right] = [0, 1].map(side => ({ height: height - 1, index: 2 * index + side }));
    const made = hashChildren(this.#hash(left as Node), this.#hash(right as Node));
    this.#made.set(key, made);
    return made;
  }

  #read(node: Node): Buffer {
    const place = tileOf(node);
    const offset = (node.index - place.number * TILE_WIDTH) * HASH_BYTES;
    const hashes = this.#tiles.get(tileKey(place));
    if (hashes === undefined || hashes.length < offset + HASH_BYTES) {
      throw new MissingTile(`the tile ${tileKey(place)} is not there, or too short`);
    }
    return hashes.subarray(offset, offset + HASH_BYTES);
  }
}

/** The root of the full tree over the hashes of a full tile. */
export function rootOfTile(hashes: Buffer): Buffer {
  // Each level lies where the one below it lay, at its beginning.
  const level = Buffer.from(hashes.subarray(0, TILE_BYTES));
  for (let bytes = TILE_BYTES; bytes > HASH_BYTES; bytes /= 2) {
    for (let at = 0; at < bytes; at += 2 * HASH_BYTES) {
      level.copy(NODE, 1, at, at + 2 * HASH_BYTES);
      level.write(hash('sha256', NODE, 'binary'), at / 2, HASH_BYTES, 'binary');
    }
  }
  return level.subarray(0, HASH_BYTES);
}

/** Appends leaves to a tree of which it knows the right edge alone. */
export class TreeBuilder {
  #size: number;
  /** By level: the tile that is not full. */
  readonly #edge = new Map<number, Tile>();
  readonly #changed = new Map<string, Tile>();

  /** @param edge the tiles of `edgeOf(size)` */
  constructor(size: number, edge: Iterable<Tile>) {
    this.#size = size;
    for (const { level, number, hashes } of edge) {
      const width = tileWidth({ level, number }, size) * HASH_BYTES;
      if (hashes.length < width) throw new MissingTile(`the tile ${level}/${number} is too short`);
      const room = Buffer.alloc(TILE_BYTES);
      hashes.copy(room, 0, 0, width);
      this.#edge.set(level, { level, number, hashes: room });
    }
    for (const place of edgeOf(size)) {
      if (this.#edge.get(place.level)?.number === place.number) continue;
      throw new MissingTile(`the tile ${tileKey(place)} is not there`);
    }
  }

  get size(): number {
    return this.#size;
  }

  append(leafHash: Buffer): void {
    this.#push(0, this.#size, leafHash);
    this.#size += 1;
  }

  #push(level: number, index: number, hash: Buffer): void {
    const number = Math.floor(index / TILE_WIDTH);
    const tile = this.#edge.get(level) ?? { level, number, hashes: Buffer.alloc(TILE_BYTES) };
    hash.copy(tile.hashes, (index % TILE_WIDTH) * HASH_BYTES);
    this.#changed.set(tileKey(tile), tile);
    if (index % TILE_WIDTH < TILE_WIDTH - 1) {
      this.#edge.set(level, tile);
      return;
    }
    this.#edge.delete(level);
    this.#push(level + 1, number, rootOfTile(tile.hashes));
  }

  /** What was added to since the beginning, or since it was asked for, cut to its width. */
  changed(): Tile[] {
    const changed = [...this.#changed.values()].map(tile => this.#cut(tile));
    this.#changed.clear();
    return changed;
  }

  root(): Buffer {
    if (this.#size === 0) return EMPTY_ROOT;
    // Full subtrees of the edge's tiles alone: the root of a full tile stands in the tile above.
    const tiles = new Tiles([...this.#edge.values()].map(tile => this.#cut(tile)));
    return tiles.root(this.#size);
  }

  #cut({ level, number, hashes }: Tile): Tile {
    const bytes = tileWidth({ level, number }, this.#size) * HASH_BYTES;
    return { level, number, hashes: Buffer.from(hashes.subarray(0, bytes)) };
  }
}

/** A tree of which it knows the full subtrees at the left alone: enough to append, and for its root. */
export class CompactTree {
  #size: number;
  /** From the left: ever smaller. */
  readonly #subtrees: Buffer[];

  /** @param subtrees the hashes of the full subtrees that a tree of this size is made of */
  constructor(size: number, subtrees: readonly Buffer[]) {
    this.#size = size;
    this.#subtrees = [...subtrees];
  }

  /** The tree before a leaf, from the proof that the leaf is in a tree. */
  static before(index: number, size: number, proof: readonly Buffer[]): CompactTree {
    const left = inclusionRanges(index, size).flatMap(({ to }, at) =>
      to <= index ? [proof[at] as Buffer] : [],
    );
    return new CompactTree(index, left.reverse());
  }

  get size(): number {
    return this.#size;
  }

  append(leafHash: Buffer): void {
    let hash = leafHash;
    for (let rest = this.#size; rest % 2 === 1; rest = (rest - 1) / 2) {
      hash = hashChildren(this.#subtrees.pop() as Buffer, hash);
    }
    this.#subtrees.push(hash);
    this.#size += 1;
  }

  root(): Buffer {
    if (this.#size === 0) return EMPTY_ROOT;
    return this.#subtrees.reduceRight((right, left) => hashChildren(left, right));
  }
}
