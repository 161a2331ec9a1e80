/**
 * What leaves a tree with the events that it is about. Where content is taken away, its salt goes in
 * the same transaction. Where retention removes events, what only they needed goes soon after: hashes
 * of the subtrees that were cut stay, so that every proof for what remains holds.
 */
import { NO_SALT, SALT_BYTES } from '../core/evidence-leaf.ts';
import { TILE_WIDTH } from '../core/merkle.ts';
import { columnsOf, type Row, type SqlText, sqlText } from '../db/columns.ts';
import type { Connection } from '../db/connection.ts';
import { evidenceBundles, evidenceLogs, evidenceTiles, workspaceMarks } from '../db/schema.ts';
import { arrayLiteral } from '../db/sql-lists.ts';
import { base64Sql, fromBase64 } from './leaf-rows.ts';
import { lockTree, readLog } from './log-rows.ts';

const l = columnsOf(evidenceLogs, 'l');
const m = columnsOf(workspaceMarks, 'm');
const b = columnsOf(evidenceBundles, 'b');
const LOG = columnsOf(evidenceLogs);
const TILE = columnsOf(evidenceTiles);
const BUNDLE = columnsOf(evidenceBundles);

/** Of which the salts are changed by one statement. */
const BUNDLES_AT_ONCE = 64;
const CUT_AT_ONCE = 1_000;
/** More levels than a log of 2^53 events has. */
const LEVELS = [0, 1, 2, 3, 4, 5, 6];

/** Of events whose content is taken away in the same transaction, which holds `lockTree`. */
export async function forgetSalts(
  connection: Connection,
  workspaceId: number,
  positions: readonly number[],
): Promise<void> {
  if (positions.length === 0) return;
  const log = await readLog(connection, workspaceId);
  if (log === null) return;
  const indexes = positions.map(position => position - log.first_position);
  await forget(
    connection,
    workspaceId,
    indexes.filter(index => index >= 0 && index < log.size),
  );
}

async function forget(
  connection: Connection,
  workspaceId: number,
  indexes: readonly number[],
): Promise<void> {
  const inBundles = new Map<number, number[]>();
  for (const index of indexes) {
    const number = Math.floor(index / TILE_WIDTH);
    const offsets = inBundles.get(number) ?? [];
    offsets.push((index % TILE_WIDTH) * SALT_BYTES);
    inBundles.set(number, offsets);
  }
  const numbers = [...inBundles.keys()];
  for (let at = 0; at < numbers.length; at += BUNDLES_AT_ONCE) {
    const some = numbers.slice(at, at + BUNDLES_AT_ONCE);
    const rows = await connection.query<Row<typeof evidenceBundles, 'number'> & { salts: string }>(
      sqlText`select ${BUNDLE.number}, ${base64Sql(BUNDLE.salts)} as salts from evidence_bundles
       where ${BUNDLE.workspace_id} = $1 and ${BUNDLE.number} = any ($2::text::bigint[])`,
      [workspaceId, arrayLiteral(some)],
    );
    const changed = rows.map(({ number, salts }) => {
      const bytes = fromBase64(salts);
      for (const offset of inBundles.get(number) ?? []) NO_SALT.copy(bytes, offset);
      return { n: number, s: bytes.toString('base64') };
    });
    await connection.query(
      sqlText`update evidence_bundles b set ${BUNDLE.salts} = decode(changed.s, 'base64')
       from json_to_recordset($2::text::json) as changed (n bigint, s text)
       where ${b.workspace_id} = $1 and ${b.number} = changed.n`,
      [workspaceId, JSON.stringify(changed)],
    );
  }
}

/**
 * The newest position that retention may remove: nothing that is not in the tree yet. An expression of
 * SQL over a left join of `evidence_logs l`.
 */
export const mayRemoveUpto = (folded: SqlText) =>
  sqlText`least(${folded}, case when ${l.ended_at} is null then ${l.first_position} + ${l.size} - 1 end)`;

const DUE = sqlText`
  from evidence_logs l join workspace_marks m on ${m.workspace_id} = ${l.workspace_id}
  where ${l.ended_at} is null and least(${m.tail} - ${l.first_position}, ${l.size}) > ${l.cut}`;

/** Whether `cutNext` has anything to do: an expression of SQL. */
export const CUT_DUE = sqlText`exists (select ${DUE})`;

/**
 * Takes away what events needed that retention removed: some of one workspace, and whether there may
 * be more. In a transaction. Clients can get the rest as C2SP tlog-tiles says of pruned logs.
 */
export async function cutNext(connection: Connection): Promise<boolean> {
  const [due] = await connection.query<{ workspace_id: number; cut: number; upto: number }>(
    sqlText`select ${l.workspace_id}, ${l.cut}, least(${m.tail} - ${l.first_position}, ${l.size}) as upto
     ${DUE} order by ${l.workspace_id} limit 1`,
  );
  if (due === undefined) return false;
  const { workspace_id, cut, upto } = due;
  await lockTree(connection, workspace_id);
  if (await cutRows(connection, workspace_id, upto)) return true;
  const first = Math.max(cut, upto - (upto % TILE_WIDTH));
  await forget(
    connection,
    workspace_id,
    Array.from({ length: upto - first }, (_, at) => first + at),
  );
  await connection.query(
    sqlText`update evidence_logs set ${LOG.cut} = $2 where ${LOG.workspace_id} = $1`,
    [workspace_id, upto],
  );
  return true;
}

/** Whether there were so many that some may be left. */
async function cutRows(
  connection: Connection,
  workspaceId: number,
  upto: number,
): Promise<boolean> {
  const bundles = await connection.query(
    sqlText`delete from evidence_bundles where ${BUNDLE.workspace_id} = $1 and ${BUNDLE.number} in (
       select ${BUNDLE.number} from evidence_bundles
       where ${BUNDLE.workspace_id} = $1 and ${BUNDLE.number} < $2 order by ${BUNDLE.number} limit ${CUT_AT_ONCE}
     ) returning 1`,
    [workspaceId, Math.floor(upto / TILE_WIDTH)],
  );
  let most = bundles.length;
  for (const level of LEVELS) {
    // A tile that ends above stays: its first hashes are those of the subtrees that were cut.
    const tiles = await connection.query(
      sqlText`delete from evidence_tiles
       where ${TILE.workspace_id} = $1 and ${TILE.level} = $2 and ${TILE.number} in (
         select ${TILE.number} from evidence_tiles
         where ${TILE.workspace_id} = $1 and ${TILE.level} = $2 and ${TILE.number} < $3
         order by ${TILE.number} limit ${CUT_AT_ONCE}
       ) returning 1`,
      [workspaceId, level, Math.floor(upto / TILE_WIDTH ** (level + 1))],
    );
    most = Math.max(most, tiles.length);
  }
  return most === CUT_AT_ONCE;
}
