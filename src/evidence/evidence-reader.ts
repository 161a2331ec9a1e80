/**
 * Reads trees: checkpoints, proofs and tiles. A tree only grows, so what a size needs stays as it is
 * from one statement to the next; what retention cuts meanwhile is answered as if it had been before.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { LogPlace } from '../core/cursor.ts';
import { contentOf, leafOf, NO_SALT, SALT_BYTES } from '../core/evidence-leaf.ts';
import {
  type Checkpoint,
  checkTreeSize,
  type ConsistencyProof,
  type InclusionProof,
  noEvidence,
  treeWasCut,
} from '../core/evidence.ts';
import {
  consistencyRanges,
  HASH_BYTES,
  inclusionRanges,
  MissingTile,
  type Range,
  TILE_WIDTH,
  type TilePlace,
  Tiles,
  tilesOf,
  tileWidth,
} from '../core/merkle.ts';
import { columnsOf, sqlText } from '../db/columns.ts';
import type { Connection } from '../db/connection.ts';
import { events } from '../db/schema.ts';
import type { SignTreeHead } from './keys.ts';
import {
  envelopeOfRow,
  isEmptied,
  JOIN_TYPES,
  LEAF_COLUMNS,
  type LeafEvent,
  type LeafRow,
  SMALL_COLUMNS,
  type SmallRow,
  toLeafEvent,
} from './leaf-rows.ts';
import { type Bundle, type LogRow, readBundles, readLog, readTiles } from './log-rows.ts';

const e = columnsOf(events, 'e');

/** All of one workspace, which the caller has access to. */
export interface EvidenceReader {
  /** The newest; null where no tree is kept. */
  checkpoint(workspaceId: number): Promise<Checkpoint | null>;
  /**
   * In the order of the places; null for an event that is not in the tree of this size, or for which
   * there is none any more. A size of null is the newest.
   * @throws GatewayError BAD_USER_INPUT for a size that the tree does not have
   */
  inclusion(
    workspaceId: number,
    places: readonly LogPlace[],
    size: number | null,
  ): Promise<(InclusionProof | null)[]>;
  /** @throws GatewayError NOT_FOUND where no tree is kept, BAD_USER_INPUT */
  consistency(workspaceId: number, from: number, to: number | null): Promise<ConsistencyProof>;
  /** Hashes of a tile; null where the tree has no such tile, or not of this width, or it was cut. */
  tile(workspaceId: number, place: TilePlace, width: number): Promise<Buffer | null>;
  /** The leaves of a tile of level 0, as C2SP tlog-tiles has them in a bundle; null as `tile`. */
  entries(workspaceId: number, number: number, width: number): Promise<Buffer | null>;
}

/** Proofs that are made before others have their turn in this process: each takes some 250 hashes. */
const PROOFS_AT_ONCE = 16;
/** Tiles that are held at once, of 8 kB each. */
const TILES_AT_ONCE = 256;

export function createEvidenceReader(read: Connection, sign: SignTreeHead): EvidenceReader {
  /** Of a log and a size there is one root: the last one is kept. */
  let known: { readonly origin: string; readonly size: number; readonly root: Buffer } | null =
    null;

  async function rootAt(log: LogRow, size: number): Promise<Buffer> {
    const { origin } = log;
    if (known?.origin === origin && known.size === size) return known.root;
    const tiles = await tilesFor(read, log, [wholeOf(size)]);
    const root = await orCut(read, { ...log, size }, () => tiles.root(size));
    known = { origin, size, root };
    return root;
  }

  async function signedAt(log: LogRow, size: number): Promise<Checkpoint> {
    const { origin, built_at, first_position: firstPosition } = log;
    const root = await rootAt(log, size);
    const signed = await sign({ origin, size, root });
    return {
      ...signed,
      firstPosition,
      size,
      root,
      createdAt: size === log.size ? built_at : new Date(),
    };
  }

  return {
    async checkpoint(workspaceId) {
      const log = await readLog(read, workspaceId);
      if (log === null) return null;
      return signedAt(log, log.size);
    },
    async inclusion(workspaceId, places, size) {
      const log = await readLog(read, workspaceId);
      if (log === null || log.size === 0) return places.map(() => null);
      const of = size ?? log.size;
      checkTreeSize('size', of, log.size);
      if (of < log.cut) throw treeWasCut('size', of, log.cut);
      const checkpoint = await signedAt(log, of);
      const proofs: (InclusionProof | null)[] = [];
      for (let at = 0; at < places.length; at += TILES_AT_ONCE) {
        const some = places.slice(at, at + TILES_AT_ONCE);
        proofs.push(...(await prove(read, log, some, checkpoint)));
      }
      return proofs;
    },
    async consistency(workspaceId, from, to) {
      const log = await readLog(read, workspaceId);
      if (log === null) throw noEvidence();
      const larger = to ?? log.size;
      checkTreeSize('to', larger, log.size);
      checkTreeSize('from', from, larger);
      if (from < log.cut) throw treeWasCut('from', from, log.cut);
      const ranges = consistencyRanges(from, larger);
      const tiles = await tilesFor(read, log, ranges);
      const hashes = await orCut(read, { ...log, size: from }, () => tiles.hashesOf(ranges));
      return { from, to: larger, hashes };
    },
    async tile(workspaceId, place, width) {
      const log = await readLog(read, workspaceId);
      if (log === null || width > tileWidth(place, log.size)) return null;
      const [tile] = await readTiles(read, workspaceId, [place]);
      return tile?.hashes.subarray(0, width * HASH_BYTES) ?? null;
    },
    async entries(workspaceId, number, width) {
      const log = await readLog(read, workspaceId);
      if (log === null || width > tileWidth({ level: 0, number }, log.size)) return null;
      return readEntries(read, log, number, width);
    },
  };
}

async function tilesFor(
  read: Connection,
  { workspace_id }: LogRow,
  ranges: readonly Range[],
): Promise<Tiles> {
  return new Tiles(await readTiles(read, workspace_id, tilesOf(ranges)));
}

/** Makes something of tiles. Where one is missing, retention may have cut the size since the log was read. */
async function orCut<T>(
  read: Connection,
  { workspace_id, size }: Pick<LogRow, 'workspace_id' | 'size'>,
  make: () => T,
): Promise<T> {
  try {
    return make();
  } catch (error) {
    const now = error instanceof MissingTile ? await readLog(read, workspace_id) : null;
    throw now !== null && size < now.cut ? treeWasCut('size', size, now.cut) : error;
  }
}

function wholeOf(size: number): Range {
  return { from: 0, to: size };
}

async function prove(
  read: Connection,
  log: LogRow,
  places: readonly LogPlace[],
  checkpoint: Checkpoint,
): Promise<(InclusionProof | null)[]> {
  const indexOf = ({ position }: LogPlace) => position - log.first_position;
  const inTree = places.filter(place => indexOf(place) >= log.cut && isWithin(indexOf(place)));
  function isWithin(index: number): boolean {
    return index >= 0 && index < checkpoint.size;
  }
  const ways = new Map<number, readonly Range[]>();
  for (const index of inTree.map(indexOf)) {
    const leaf = { from: index, to: index + 1 };
    ways.set(index, [leaf, ...inclusionRanges(index, checkpoint.size)]);
  }
  const numbers = new Set([...ways.keys()].map(index => Math.floor(index / TILE_WIDTH)));
  const [found, kept, leaves] = await Promise.all([
    readTiles(read, log.workspace_id, tilesOf([...ways.values()].flat())),
    readBundles(read, log.workspace_id, [...numbers]),
    readLeafEvents(read, log, inTree),
  ]);
  const tiles = new Tiles(found);
  const bundles = new Map(kept.map(bundle => [bundle.number, bundle]));
  const events = new Map(leaves.map(event => [event.envelope.position, event]));
  const proofs: (InclusionProof | null)[] = [];
  for (const place of places) {
    const index = indexOf(place);
    const event = events.get(place.position);
    const bundle = bundles.get(Math.floor(index / TILE_WIDTH));
    const hashes = hashesOf(tiles, ways.get(index) ?? []);
    if (event === undefined || bundle === undefined || hashes?.[0] === undefined) proofs.push(null);
    else {
      const [leafHash, ...rest] = hashes as [Buffer, ...Buffer[]];
      const proof = { index, leafHash, hashes: rest, checkpoint };
      proofs.push({ ...proof, ...partsOf(event, log, bundle) });
    }
    if (proofs.length % PROOFS_AT_ONCE === 0) await nextTurn();
  }
  return proofs;
}

/** Null where retention has cut meanwhile. */
function hashesOf(tiles: Tiles, ranges: readonly Range[]): Buffer[] | null {
  try {
    return tiles.hashesOf(ranges);
  } catch (error) {
    if (error instanceof MissingTile) return null;
    throw error;
  }
}

type Parts = Pick<InclusionProof, 'envelope' | 'commitment' | 'salt' | 'content'>;

/** What has expired is shown no more, also before it is emptied. */
function partsOf(event: LeafEvent, log: LogRow, { salts, commitments }: Bundle): Parts {
  const { envelope, content } = event;
  const at = ((envelope.position - log.first_position) % TILE_WIDTH) * SALT_BYTES;
  const kept = salts.subarray(at, at + SALT_BYTES);
  const isExpired = envelope.expiresAt !== null && Date.parse(envelope.expiresAt) <= Date.now();
  const isShown = !isEmptied(event) && !isExpired && !kept.equals(NO_SALT);
  return {
    envelope,
    commitment: commitments.subarray(at, at + HASH_BYTES),
    salt: isShown ? kept : null,
    content: isShown ? contentOf(content) : null,
  };
}

async function readLeafEvents(
  read: Connection,
  log: LogRow,
  places: readonly LogPlace[],
): Promise<LeafEvent[]> {
  if (places.length === 0) return [];
  const rows = await read.query<LeafRow>(
    sqlText`select leaf.* from json_to_recordset($2::text::json) as place (p bigint, r timestamptz)
     cross join lateral (
       select ${LEAF_COLUMNS} from events e ${JOIN_TYPES}
       where ${e.workspace_id} = $1 and ${e.position} = place.p and ${e.recorded_at} = place.r limit 1
     ) leaf`,
    [
      log.workspace_id,
      JSON.stringify(places.map(({ position, recordedAt }) => ({ p: position, r: recordedAt }))),
    ],
  );
  return rows.map(row => toLeafEvent(row, log));
}

/** Of a bundle that is to be whole: an event that is not there makes it none. */
async function readEntries(
  read: Connection,
  log: LogRow,
  number: number,
  width: number,
): Promise<Buffer | null> {
  const [bundle] = await readBundles(read, log.workspace_id, [number]);
  if (bundle === undefined) return null;
  const first = log.first_position + number * TILE_WIDTH;
  const rows = await read.query<SmallRow>(
    sqlText`select ${SMALL_COLUMNS} from events e ${JOIN_TYPES}
     where ${e.workspace_id} = $1 and ${e.position} >= $2 and ${e.position} < $3
       and ${e.recorded_at} >= $4 and ${e.recorded_at} <= $5 order by ${e.position}`,
    [log.workspace_id, first, first + width, bundle.recordedFrom, bundle.recordedTo],
  );
  if (rows.length < width) return null;
  const parts = rows.flatMap((row, at) => {
    const commitment = bundle.commitments.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES);
    const leaf = Buffer.from(leafOf(envelopeOfRow(row, log), commitment));
    const length = Buffer.alloc(2);
    length.writeUInt16BE(leaf.length);
    return [length, leaf];
  });
  return Buffer.concat(parts);
}
