/** The rows of trees: how far one has come, its tiles, its salts and commitments. */
import type { Tile, TilePlace } from '../core/merkle.ts';
import { columnsOf, type Row, sqlText } from '../db/columns.ts';
import type { Connection } from '../db/connection.ts';
import { evidenceBundles, evidenceLogs, evidenceTiles } from '../db/schema.ts';
import { arrayLiteral } from '../db/sql-lists.ts';
import { base64Sql, fromBase64 } from './leaf-rows.ts';

const LOG = columnsOf(evidenceLogs);
const TILE = columnsOf(evidenceTiles);
const t = columnsOf(evidenceTiles, 't');
const BUNDLE = columnsOf(evidenceBundles);
const b = columnsOf(evidenceBundles, 'b');

export type LogRow = Row<typeof evidenceLogs>;

/** The first key of the advisory lock of a workspace's tree; its second is the workspace's id. */
const EVIDENCE_LOCK = 718_306;

/**
 * Held until the end of the transaction, by whoever removes content or makes leaves of it. The second
 * one sees what the first one did, so no salt outlives its content. Take it before the first statement
 * that reads or changes events.
 */
export async function lockTree(connection: Connection, workspaceId: number): Promise<void> {
  await connection.query('select pg_advisory_xact_lock($1, $2)', [EVIDENCE_LOCK, workspaceId]);
}

/** Null where no tree is kept. */
export async function readLog(connection: Connection, workspaceId: number): Promise<LogRow | null> {
  const [row] = await connection.query<LogRow>(
    sqlText`select ${LOG.workspace_id}, ${LOG.origin}, ${LOG.epoch}, ${LOG.first_position}, ${LOG.size},
       ${LOG.built_recorded_at}, ${LOG.built_at}, ${LOG.cut}, ${LOG.ended_at}
     from evidence_logs where ${LOG.workspace_id} = $1 and ${LOG.ended_at} is null`,
    [workspaceId],
  );
  return row ?? null;
}

/** The existing ones. Each is looked up by its key, whatever the planner knows of the table. */
export async function readTiles(
  connection: Connection,
  workspaceId: number,
  places: readonly TilePlace[],
): Promise<Tile[]> {
  if (places.length === 0) return [];
  const rows = await connection.query<
    Row<typeof evidenceTiles, 'level' | 'number'> & { hashes: string }
  >(
    sqlText`select tile.* from json_to_recordset($2::text::json) as asked (level smallint, number bigint)
     cross join lateral (
       select ${t.level}, ${t.number}, ${base64Sql(t.hashes)} as hashes from evidence_tiles t
       where ${t.workspace_id} = $1 and ${t.level} = asked.level and ${t.number} = asked.number limit 1
     ) tile`,
    [workspaceId, JSON.stringify(places.map(({ level, number }) => ({ level, number })))],
  );
  return rows.map(({ level, number, hashes }) => ({ level, number, hashes: fromBase64(hashes) }));
}

export async function writeTiles(
  connection: Connection,
  workspaceId: number,
  tiles: readonly Tile[],
): Promise<void> {
  await connection.query(
    sqlText`insert into evidence_tiles (${TILE.workspace_id}, ${TILE.level}, ${TILE.number}, ${TILE.hashes})
     select $1, l, n, decode(h, 'base64')
     from json_to_recordset($2::text::json) as tile (l smallint, n bigint, h text)
     on conflict (${TILE.workspace_id}, ${TILE.level}, ${TILE.number}) do update set ${TILE.hashes} = excluded.${TILE.hashes}`,
    [
      workspaceId,
      JSON.stringify(
        tiles.map(({ level, number, hashes }) => {
          return { l: level, n: number, h: hashes.toString('base64') };
        }),
      ),
    ],
  );
}

/** What leaves of one tile of level 0 are made of, beside their events. */
export interface Bundle {
  readonly number: number;
  /** When the first and the last of them were recorded, as Postgres or JavaScript writes it. */
  readonly recordedFrom: string;
  readonly recordedTo: string;
  readonly salts: Buffer;
  readonly commitments: Buffer;
}

/** Columns of bytes come as base64. */
type BundleRow = Row<typeof evidenceBundles, 'number'> &
  Record<'recorded_from' | 'recorded_to' | 'salts' | 'commitments', string>;

/** Those that are there. */
export async function readBundles(
  connection: Connection,
  workspaceId: number,
  numbers: readonly number[],
): Promise<Bundle[]> {
  if (numbers.length === 0) return [];
  const rows = await connection.query<BundleRow>(
    sqlText`select bundle.* from unnest($2::text::bigint[]) as asked (number)
     cross join lateral (
       select ${b.number}, ${b.recorded_from}::text, ${b.recorded_to}::text, ${base64Sql(b.salts)} as salts,
         ${base64Sql(b.commitments)} as commitments
       from evidence_bundles b
       where ${b.workspace_id} = $1 and ${b.number} = asked.number limit 1
     ) bundle order by ${BUNDLE.number}`,
    [workspaceId, arrayLiteral(numbers)],
  );
  return rows.map(row => ({
    number: row.number,
    recordedFrom: row.recorded_from,
    recordedTo: row.recorded_to,
    salts: fromBase64(row.salts),
    commitments: fromBase64(row.commitments),
  }));
}

export async function writeBundles(
  connection: Connection,
  workspaceId: number,
  bundles: readonly Bundle[],
): Promise<void> {
  await connection.query(
    sqlText`insert into evidence_bundles (${BUNDLE.workspace_id}, ${BUNDLE.number}, ${BUNDLE.recorded_from}, ${BUNDLE.recorded_to}, ${BUNDLE.salts}, ${BUNDLE.commitments})
     select $1, n, f, t, decode(s, 'base64'), decode(c, 'base64')
     from json_to_recordset($2::text::json) as bundle (
       n bigint, f timestamptz, t timestamptz, s text, c text)
     on conflict (${BUNDLE.workspace_id}, ${BUNDLE.number}) do update set
       ${BUNDLE.recorded_to} = excluded.${BUNDLE.recorded_to}, ${BUNDLE.salts} = excluded.${BUNDLE.salts},
       ${BUNDLE.commitments} = excluded.${BUNDLE.commitments}`,
    [
      workspaceId,
      JSON.stringify(
        bundles.map(({ number, recordedFrom, recordedTo, salts, commitments }) => ({
          n: number,
          f: recordedFrom,
          t: recordedTo,
          s: salts.toString('base64'),
          c: commitments.toString('base64'),
        })),
      ),
    ],
  );
}
