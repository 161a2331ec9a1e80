/**
 * Holds the events of a log against its tree: each leaf is made anew from its event, and the tree
 * from the leaves. What was changed in the database is found by this, or by an older checkpoint:
 * whoever rewrites the tree as well cannot make it have the root that was signed before.
 */
import {
  commitmentOf,
  contentOf,
  hasContent,
  leafOf,
  NO_SALT,
  NOTHING_COMMITTED,
  SALT_BYTES,
} from '../core/evidence-leaf.ts';
import {
  edgeOf,
  HASH_BYTES,
  hashLeaf,
  type Tile,
  TILE_WIDTH,
  tileKey,
  TreeBuilder,
} from '../core/merkle.ts';
import type { TreeHead } from '../core/signed-note.ts';
import { columnsOf, type Row, sqlText } from '../db/columns.ts';
import type { Connection, Pool } from '../db/connection.ts';
import { events, evidenceLogs, workspaceMarks, workspaces } from '../db/schema.ts';
import { transaction } from '../db/transaction.ts';
import { type KnownActs, readActs } from './acts.ts';
import {
  isEmptied,
  JOIN_TYPES,
  LEAF_COLUMNS,
  type LeafEvent,
  type LeafRow,
  toLeafEvent,
} from './leaf-rows.ts';
import { type Bundle, type LogRow, readBundles, readLog, readTiles } from './log-rows.ts';

const e = columnsOf(events, 'e');
const l = columnsOf(evidenceLogs, 'l');
const w = columnsOf(workspaces, 'w');
const MARKS = columnsOf(workspaceMarks);

export interface VerifiedTree {
  readonly workspace: string;
  readonly origin: string;
  /** Positions of the events that were held against the tree. */
  readonly from: number;
  readonly to: number;
  /** How many of them have no content any more, so that only their envelopes are proven. */
  readonly redacted: number;
  readonly expired: number;
  /** Of those redacted: by acts that the audit does not have, since it does not reach as far back. */
  readonly unexplained: number;
  /** What does not hold; at most a few. */
  readonly findings: readonly string[];
}

/** Examples of what does not hold. */
const FINDINGS_MAX = 10;

/** Trees of a database, by workspace. */
export async function listTrees(
  read: Connection,
): Promise<{ readonly workspaceId: number; readonly slug: string; readonly origin: string }[]> {
  const rows = await read.query<
    Row<typeof workspaces, 'id' | 'slug'> & Row<typeof evidenceLogs, 'origin'>
  >(
    sqlText`select ${w.id}, ${w.slug}, ${l.origin} from evidence_logs l
     join workspaces w on ${w.id} = ${l.workspace_id} where ${l.ended_at} is null order by ${w.id}`,
  );
  return rows.map(({ id, slug, origin }) => ({ workspaceId: id, slug, origin }));
}

/**
 * Reads every event of the tree, in one snapshot.
 * @param checkpoint whose signature was verified; null: the tree is held against itself alone
 */
export function verifyTree(
  upkeep: Pool,
  { workspaceId, slug }: { readonly workspaceId: number; readonly slug: string },
  checkpoint: TreeHead | null,
): Promise<VerifiedTree | null> {
  const snapshot = { isolation: 'repeatable read', readOnly: true } as const;
  return transaction(
    upkeep,
    async connection => {
      const log = await readLog(connection, workspaceId);
      if (log === null) return null;
      const acts = await readActs(connection, workspaceId);
      const check = new TreeCheck(connection, { log, checkpoint, acts });
      return { workspace: slug, origin: log.origin, ...(await check.run()) };
    },
    snapshot,
  );
}

class TreeCheck {
  readonly #connection: Connection;
  readonly #log: LogRow;
  readonly #checkpoint: TreeHead | null;
  readonly #findings: string[] = [];
  readonly #acts: KnownActs;
  #redacted = 0;
  #expired = 0;
  #unexplained = 0;

  constructor(
    connection: Connection,
    given: {
      readonly log: LogRow;
      readonly checkpoint: TreeHead | null;
      readonly acts: KnownActs;
    },
  ) {
    this.#connection = connection;
    this.#log = given.log;
    this.#checkpoint = given.checkpoint;
    this.#acts = given.acts;
  }

  async run(): Promise<Omit<VerifiedTree, 'workspace' | 'origin'>> {
    const { first_position, size } = this.#log;
    const first = Math.max(0, Math.min(size, (await this.#tail()) - first_position));
    const checkpoint = this.#checkpoint;
    if (checkpoint !== null && checkpoint.size > size) {
      this.#find(
        `the checkpoint has ${checkpoint.size} events, the tree ${size}: the log was truncated`,
      );
    } else if (checkpoint !== null && checkpoint.size < first) {
      this.#find(
        `the checkpoint ends at position ${first_position + checkpoint.size - 1}, below the oldest ` +
          `event that is kept, ${first_position + first}: it can prove nothing any more`,
      );
    }
    const builder = await this.#start(first);
    if (builder !== null) await this.#walk(builder, first);
    return {
      from: first_position + first,
      to: first_position + size - 1,
      redacted: this.#redacted,
      expired: this.#expired,
      unexplained: this.#unexplained,
      findings: this.#findings.slice(0, FINDINGS_MAX),
    };
  }

  async #tail(): Promise<number> {
    const [row] = await this.#connection.query<{ tail: number }>(
      sqlText`select ${MARKS.tail} from workspace_marks where ${MARKS.workspace_id} = $1`,
      [this.#log.workspace_id],
    );
    return row?.tail ?? 1;
  }

  /** What was cut stands in the tree as its hashes. */
  async #start(first: number): Promise<TreeBuilder | null> {
    try {
      return new TreeBuilder(first, await this.#read(edgeOf(first)));
    } catch (error) {
      this.#find(`hashes of what retention removed are missing: ${(error as Error).message}`);
      return null;
    }
  }

  async #walk(builder: TreeBuilder, first: number): Promise<void> {
    const { size } = this.#log;
    this.#compareRoot(builder);
    for (let at = first; at < size;) {
      const number = Math.floor(at / TILE_WIDTH);
      const end = Math.min(size, (number + 1) * TILE_WIDTH);
      const [bundle] = await readBundles(this.#connection, this.#log.workspace_id, [number]);
      const found = await this.#events(at, end);
      const [tile] = await this.#read([{ level: 0, number }]);
      for (; at < end; at++) {
        const inTile = (at % TILE_WIDTH) * HASH_BYTES;
        const stored = tile?.hashes.subarray(inTile, inTile + HASH_BYTES) ?? Buffer.alloc(0);
        builder.append(this.#leaf(at, { event: found.get(at), bundle, stored }));
        this.#compareRoot(builder);
      }
      await this.#compareTiles(builder.changed());
    }
  }

  async #events(from: number, to: number): Promise<Map<number, LeafEvent>> {
    const { workspace_id, first_position } = this.#log;
    const rows = await this.#connection.query<LeafRow>(
      sqlText`select ${LEAF_COLUMNS} from events e ${JOIN_TYPES}
       where ${e.workspace_id} = $1 and ${e.position} >= $2 and ${e.position} < $3`,
      [workspace_id, first_position + from, first_position + to],
    );
    const found = new Map(
      rows.map(row => {
        const event = toLeafEvent(row, this.#log);
        return [event.envelope.position - first_position, event] as const;
      }),
    );
    if (found.size < rows.length) {
      this.#find(`two events stand at one position, from ${first_position + from} on`);
    }
    return found;
  }

  /** The hash of a leaf as its event is now. */
  #leaf(
    index: number,
    {
      event,
      bundle,
      stored,
    }: { event: LeafEvent | undefined; bundle: Bundle | undefined; stored: Buffer },
  ): Buffer {
    const position = this.#log.first_position + index;
    if (event === undefined) {
      this.#find(`the event at position ${position} is missing`);
      return hashLeaf('');
    }
    const at = (index % TILE_WIDTH) * SALT_BYTES;
    const salt = bundle?.salts.subarray(at, at + SALT_BYTES) ?? NO_SALT;
    const commitment = bundle?.commitments.subarray(at, at + HASH_BYTES) ?? NO_SALT;
    const fault = this.#faultOfContent(event, salt, commitment);
    if (fault !== null) this.#find(`the event at position ${position} was changed: ${fault}`);
    const hash = hashLeaf(leafOf(event.envelope, commitment));
    if (!hash.equals(stored)) {
      this.#find(
        `the event at position ${position} was changed: its id, type, door, times or commitment are ` +
          'not those of its leaf',
      );
    }
    return hash;
  }

  #faultOfContent(event: LeafEvent, salt: Buffer, commitment: Buffer): string | null {
    const isSalted = !salt.equals(NO_SALT);
    const { workspaceId, position } = event.envelope;
    const isAct = this.#acts.acts.has(workspaceId, position);
    if (isEmptied(event)) {
      if (!event.isRedacted) this.#expired += 1;
      else this.#redacted += 1;
      const isExplained = !event.isRedacted || isAct || commitment.equals(NOTHING_COMMITTED);
      if (!isExplained && this.#acts.isWhole) return 'it was redacted by no act of the audit';
      if (!isExplained) this.#unexplained += 1;
      if (!hadExpired(event)) return 'it is marked as expired, and was not to expire by then';
      if (isSalted) return 'it is marked as emptied, and its salt is there';
      return hasContent(event.content) ? 'it is marked as emptied, and has content' : null;
    }
    if (isAct) return 'an act of the audit redacted it, and its content is there';
    if (!isSalted) return 'its salt is gone, and it is not marked as emptied';
    const isSame = commitmentOf(salt, contentOf(event.content)).equals(commitment);
    return isSame ? null : 'its content is not the one that was recorded';
  }

  #compareRoot(builder: TreeBuilder): void {
    const checkpoint = this.#checkpoint;
    if (checkpoint === null || builder.size !== checkpoint.size) return;
    if (builder.root().equals(checkpoint.root)) return;
    this.#find(
      `the first ${checkpoint.size} events are not those of the checkpoint: the log was changed`,
    );
  }

  async #compareTiles(made: readonly Tile[]): Promise<void> {
    const stored = new Map((await this.#read(made)).map(tile => [tileKey(tile), tile.hashes]));
    for (const tile of made) {
      // Of level 0 the leaves have told already.
      const kept = stored.get(tileKey(tile))?.subarray(0, tile.hashes.length);
      if (tile.level === 0 || kept?.equals(tile.hashes) === true) continue;
      this.#find(`the hashes of tile ${tileKey(tile)} are not those of what lies below it`);
    }
  }

  #read(places: Parameters<typeof readTiles>[2]): Promise<Tile[]> {
    return readTiles(this.#connection, this.#log.workspace_id, places);
  }

  #find(what: string): void {
    if (this.#findings.length < FINDINGS_MAX) this.#findings.push(what);
  }
}

/** When an event expires stands in its envelope: nobody can say that of another. */
function hadExpired({ isRedacted, expiredAt, envelope: { expiresAt } }: LeafEvent): boolean {
  if (isRedacted || expiredAt === null) return true;
  return expiresAt !== null && Date.parse(expiresAt) <= Date.parse(expiredAt);
}
