/**
 * Makes the index of searches behind the log, a batch of one workspace at a time, each in one
 * transaction: a process that dies in it has made nothing. Recording knows nothing of it. Only whole
 * blocks are in the index; readers look at the events behind them.
 *
 * An index begins with the oldest event that is kept. It ends when a workspace no longer wants it:
 * then all of it is taken away.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { addTerms, BLOCK_EVENTS, blockOf, firstOf } from '../core/search-index.ts';
import { columnsOf, type Row, type SqlText, sqlText } from '../db/columns.ts';
import type { Connection } from '../db/connection.ts';
import {
  eventDefinitions,
  events,
  searchBlocks,
  searchLogs,
  workspaceMarks,
  workspaces,
} from '../db/schema.ts';
import { arrayLiteral } from '../db/sql-lists.ts';
import { newestHead } from '../db/stored-workspace.ts';
import { lockTree } from '../evidence/log-rows.ts';
import { forgetTerms } from './removal.ts';

const w = columnsOf(workspaces, 'w');
const l = columnsOf(searchLogs, 'l');
const m = columnsOf(workspaceMarks, 'm');
const e = columnsOf(events, 'e');
const d = columnsOf(eventDefinitions, 'd');
const b = columnsOf(searchBlocks, 'b');
const LOG = columnsOf(searchLogs);
const BLOCK = columnsOf(searchBlocks);

/** A batch: some 100 ms. Redactions of the workspace wait for as long. */
const BATCH_BLOCKS_MAX = 64;
/** Of the events of a batch, as they lie in the table. */
const BATCH_BYTES_MAX = 4_194_304;
/** Events that are looked at before others have their turn in this process. */
const EVENTS_AT_ONCE = 64;
/** Blocks that are deleted, and blocks whose terms are made anew. */
const TAKEN_AWAY_AT_ONCE = 500;
const RENEWED_AT_ONCE = 16;

const STEPS = { BEGIN: begin, CUT: cut, RENEW: renew, BUILD: build, END: end } as const;
type Step = keyof typeof STEPS;

export interface SearchWork {
  readonly workspaceId: number;
  readonly step: Step;
}

/**
 * The workspace that waits longest of these, or of all; null where there is nothing to do. Until the
 * end of the transaction it is not deleted: what is made is there when its rows are purged.
 * @param mayTry whether one may be tried, an expression of SQL over its id
 */
export async function findSearchWork(
  connection: Connection,
  workspaceIds: readonly number[] | null,
  mayTry: (workspaceId: SqlText) => SqlText,
): Promise<SearchWork | null> {
  const ids = workspaceIds && arrayLiteral(workspaceIds);
  const [row] = await connection.query<{ id: number; step: Step }>(
    sqlText`select ${w.id}, case when not ${w.search_index} then 'END'
         when ${l.workspace_id} is null then 'BEGIN' when ${IS_UNCUT} then 'CUT'
         when ${LACKS_TERMS} then 'RENEW' else 'BUILD' end as step
     from workspaces w left join search_logs l on ${l.workspace_id} = ${w.id}
     left join workspace_marks m on ${m.workspace_id} = ${w.id}
     where (${w.search_index} or ${l.workspace_id} is not null)
       and ($1::text is null or ${w.id} = any ($1::text::int[]))
       and ${mayTry(sqlText`${w.id}`)}
       and (not ${w.search_index} or ${l.workspace_id} is null or ${IS_UNCUT} or ${LACKS_TERMS} or (
         select head from (${newestHead(sqlText`${w.id}`)}) newest
       ) >= ${l.indexed} + ${BLOCK_EVENTS})
     order by ${l.worked_at} nulls first, ${w.id} limit 1
     for key share of w`,
    [ids],
  );
  return row === undefined ? null : { workspaceId: row.id, step: row.step };
}

const IS_UNCUT = sqlText`${m.tail} > ${l.cut}`;
const LACKS_TERMS = sqlText`exists (
  select from search_blocks b where ${b.workspace_id} = ${w.id} and ${b.terms} is null)`;

/** Does a bounded piece, in the caller's transaction. One process works at a time. */
export async function advanceSearch(
  connection: Connection,
  { workspaceId, step }: SearchWork,
): Promise<void> {
  await connection.query(BY_KEY_SQL);
  // Content is taken away before, or finds its terms: see `removal.ts`.
  await lockTree(connection, workspaceId);
  await connection.query(
    sqlText`update search_logs set ${LOG.worked_at} = now() where ${LOG.workspace_id} = $1`,
    [workspaceId],
  );
  return STEPS[step](connection, workspaceId);
}

/** Rows are looked up by their keys, whatever the planner knows of the tables. */
const BY_KEY_SQL = `select set_config('plan_cache_mode', 'force_custom_plan', true),
  set_config('enable_seqscan', 'off', true)`;

async function begin(connection: Connection, workspaceId: number): Promise<void> {
  await connection.query(
    sqlText`insert into search_logs (${LOG.workspace_id}, ${LOG.indexed}, ${LOG.cut})
     select $1, ${TAIL} / ${BLOCK_EVENTS} * ${BLOCK_EVENTS} - 1, ${TAIL}
     on conflict (${LOG.workspace_id}) do nothing`,
    [workspaceId],
  );
}

const TAIL = sqlText`coalesce((select ${m.tail} from workspace_marks m where ${m.workspace_id} = $1), 1)`;

async function end(connection: Connection, workspaceId: number): Promise<void> {
  // What is taken away is no longer asked.
  await connection.query(
    sqlText`update search_logs set ${LOG.indexed} = -1 where ${LOG.workspace_id} = $1`,
    [workspaceId],
  );
  const gone = await connection.query(DELETE_BELOW_SQL, [workspaceId, Number.MAX_SAFE_INTEGER]);
  if (gone.length > 0) return;
  await connection.query(sqlText`delete from search_logs where ${LOG.workspace_id} = $1`, [
    workspaceId,
  ]);
}

const DELETE_BELOW_SQL = sqlText`
  delete from search_blocks where ${BLOCK.workspace_id} = $1 and ${BLOCK.block} in (
    select ${BLOCK.block} from search_blocks where ${BLOCK.workspace_id} = $1 and ${BLOCK.block} < $2
    order by ${BLOCK.block} limit ${TAKEN_AWAY_AT_ONCE}
  ) returning 1`;

/** Takes away what events had that retention removed. */
async function cut(connection: Connection, workspaceId: number): Promise<void> {
  const [row] = await connection.query<{ tail: number }>(sqlText`select ${TAIL} as tail`, [
    workspaceId,
  ]);
  const tail = row?.tail ?? 1;
  const gone = await connection.query(DELETE_BELOW_SQL, [workspaceId, blockOf(tail)]);
  if (gone.length === TAKEN_AWAY_AT_ONCE) return;
  await forgetTerms(connection, workspaceId, [tail]);
  await connection.query(
    sqlText`update search_logs set ${LOG.cut} = $2::bigint,
       ${LOG.indexed} = greatest(${LOG.indexed}, $2::bigint / ${BLOCK_EVENTS} * ${BLOCK_EVENTS} - 1)
     where ${LOG.workspace_id} = $1`,
    [workspaceId, tail],
  );
}

async function build(connection: Connection, workspaceId: number): Promise<void> {
  const [log] = await connection.query<{ indexed: number; since: string }>(
    sqlText`select ${LOG.indexed}, ${LOG.indexed_recorded_at}::text as since from search_logs
     where ${LOG.workspace_id} = $1`,
    [workspaceId],
  );
  if (log === undefined) return;
  const rows = await connection.query<IndexedRow>(NEXT_SQL, [
    ...[workspaceId, log.indexed + 1, log.since],
  ]);
  const blocks = await indexedBlocks(workspaceId, rows);
  const head = rows.at(-1)?.position ?? 0;
  // The last one is not whole where it goes on behind what was read.
  const whole = blocks.filter(({ block }) => firstOf(block + 1) - 1 <= head);
  const last = whole.at(-1);
  if (last === undefined) throw new Error(`events behind position ${log.indexed} are missing`);
  await connection.query(
    sqlText`insert into search_blocks (${BLOCK.workspace_id}, ${BLOCK.block}, ${BLOCK.recorded_from}, ${BLOCK.recorded_to}, ${BLOCK.terms})
     select $1, made.block, made.since, made.until, made.terms::int[]
     from json_to_recordset($2::text::json) as made (block bigint, since timestamptz, until timestamptz, terms text)
     on conflict (${BLOCK.workspace_id}, ${BLOCK.block}) do update set ${BLOCK.terms} = excluded.${BLOCK.terms}`,
    [workspaceId, JSON.stringify(whole)],
  );
  await connection.query(
    sqlText`update search_logs set ${LOG.indexed} = $2, ${LOG.indexed_recorded_at} = $3
     where ${LOG.workspace_id} = $1`,
    [workspaceId, firstOf(last.block + 1) - 1, last.until],
  );
}

/** Terms of blocks some of whose content was taken away. */
async function renew(connection: Connection, workspaceId: number): Promise<void> {
  const rows = await connection.query<IndexedRow>(WITHOUT_TERMS_SQL, [workspaceId]);
  const blocks = await indexedBlocks(workspaceId, rows);
  await connection.query(
    sqlText`update search_blocks b set ${BLOCK.terms} = made.terms::int[]
     from json_to_recordset($2::text::json) as made (block bigint, terms text)
     where ${b.workspace_id} = $1 and ${b.block} = made.block`,
    [workspaceId, JSON.stringify(blocks)],
  );
}

/** Null beside the block where it has no event any more. */
interface IndexedRow extends Row<
  typeof events,
  'recorded_at' | 'description' | 'source' | 'subject' | 'actor' | 'client_ip'
> {
  readonly block: number;
  readonly position: number | null;
  readonly type: string | null;
  readonly payload: string | null;
}

const INDEXED = sqlText`${e.position}, ${e.recorded_at}, ${d.name} as type, ${e.description}, ${e.source},
  ${e.subject}, ${e.actor}, ${e.client_ip}, ${e.payload}`;
const DEFINED = sqlText`left join event_definitions d on ${d.workspace_id} = $1 and ${d.id} = ${e.definition_id}`;

/** Content is not read where it would be too much, but for that of a block. */
const NEXT_SQL = sqlText`
  select ${e.position} / ${BLOCK_EVENTS} as block, ${INDEXED} from (
    select e.*, row_number() over (order by ${e.position}) as ord,
      sum(pg_column_size(${e.payload})) over (order by ${e.position}) as bytes
    from (
      select * from events e where ${e.workspace_id} = $1 and ${e.position} >= $2 and ${e.recorded_at} >= $3::timestamptz
      order by ${e.position} limit ${BATCH_BLOCKS_MAX * BLOCK_EVENTS}
    ) e
  ) e ${DEFINED}
  where e.bytes <= ${BATCH_BYTES_MAX} or e.ord <= ${BLOCK_EVENTS}
  order by ${e.position}`;

/** Fewer: their events may be large. */
const WITHOUT_TERMS_SQL = sqlText`
  select ${b.block}, ${INDEXED} from (
    select ${BLOCK.block}, ${BLOCK.recorded_from}, ${BLOCK.recorded_to} from search_blocks
    where ${BLOCK.workspace_id} = $1 and ${BLOCK.terms} is null order by ${BLOCK.block} limit ${RENEWED_AT_ONCE}
  ) b left join events e on ${e.workspace_id} = $1
    and ${e.position} between ${b.block} * ${BLOCK_EVENTS} and ${b.block} * ${BLOCK_EVENTS} + ${BLOCK_EVENTS - 1}
    and ${e.recorded_at} between ${b.recorded_from} and ${b.recorded_to}
  ${DEFINED}
  order by ${b.block}, ${e.position}`;

interface Block {
  readonly block: number;
  readonly since: Date;
  until: Date;
  /** As an array of Postgres. */
  readonly terms: string;
}

/** In the order of blocks, as the rows are. */
async function indexedBlocks(workspaceId: number, rows: readonly IndexedRow[]): Promise<Block[]> {
  const made = new Map<number, { since: Date; until: Date; terms: Set<number> }>();
  for (const [at, row] of rows.entries()) {
    const block = made.get(row.block) ?? {
      since: row.recorded_at,
      until: row.recorded_at,
      terms: new Set<number>(),
    };
    made.set(row.block, block);
    block.until = row.recorded_at;
    if (row.position !== null) {
      const [type, payload] = [row.type ?? '', row.payload ?? '{}'];
      addTerms(block.terms, workspaceId, { ...row, type, payload, clientIp: row.client_ip });
    }
    if (at % EVENTS_AT_ONCE === 0) await nextTurn();
  }
  return [...made].map(([block, { since, until, terms }]) => ({
    block,
    since,
    until,
    terms: arrayLiteral([...terms].sort((one, other) => one - other)),
  }));
}
