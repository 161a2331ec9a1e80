/**
 * The rows of a table or a query in Postgres, each as a JSON object by itself. They are read in one
 * snapshot, and in the order of the primary key, which also makes the ids: so an import that runs
 * again, then or later, records what is new.
 */
import postgres, { type Sql } from 'postgres';
import { UsageError } from '../errors.ts';
import type { Source } from './source.ts';

export interface TableOptions {
  /** As in SQL, such as `audit_log` or `app."Log"`. */
  readonly table: string | undefined;
  readonly query: string | undefined;
}

export interface TableSource extends Source {
  readonly columns: readonly string[];
  /** The key of each object that holds the row's id; null: the rows have none. */
  readonly idKey: string | null;
}

const ROWS_A_READ = 500;
const CONNECT_WITHIN_S = 10;
/** No column is called so. */
const ID_KEY = 'sluice row';

export function isPostgresUrl(text: string): boolean {
  return /^postgres(ql)?:\/\//.test(text);
}

/** @throws UsageError where there is no such table, or the database does not answer */
export async function openTable(url: string, options: TableOptions): Promise<TableSource> {
  const { table, query } = options;
  if ((table === undefined) === (query === undefined)) {
    throw new UsageError('Expected either --table or --query, to read from Postgres.');
  }
  const sql = connect(url);
  try {
    const { rows, ...of } = await (table === undefined
      ? lookAtQuery(sql, query as string)
      : lookAtTable(sql, table));
    return { ...of, bytes: read(url, rows), size: null, read: () => 0 };
  } catch (error) {
    throw new UsageError(`Postgres: ${messageOf(error)}`);
  } finally {
    await sql.end({ timeout: 1 });
  }
}

/** What there is to read. */
interface Rows extends Pick<TableSource, 'name' | 'columns' | 'idKey'> {
  /** The statement, with a JSON text in each row. */
  readonly rows: string;
}

function connect(url: string): Sql {
  try {
    return postgres(url, {
      max: 1,
      connect_timeout: CONNECT_WITHIN_S,
      onnotice: () => {},
      connection: { application_name: 'sluice import', default_transaction_read_only: true },
    });
  } catch (error) {
    throw new UsageError(`${messageOf(error)}. Expected postgres://user@host:port/database.`);
  }
}

async function lookAtTable(sql: Sql, table: string): Promise<Rows> {
  const columns = await sql<{ name: string; key: number | null }[]>`
    select a.attname as name, array_position(i.indkey::int2[], a.attnum) as key
    from pg_attribute a
    left join pg_index i on i.indrelid = a.attrelid and i.indisprimary
    where a.attrelid = ${table}::regclass and a.attnum > 0 and not a.attisdropped
    order by a.attnum`;
  const keys = columns
    .filter(({ key }) => key !== null)
    .sort((a, b) => (a.key as number) - (b.key as number))
    .map(({ name }) => name);
  // As Postgres writes it: what came is not put into a statement.
  const [found] = await sql<{ name: string; quoted: string }[]>`
    select c.relname as name, format('%I.%I', n.nspname, c.relname) as quoted
    from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = ${table}::regclass`;
  const { name, quoted } = found as { name: string; quoted: string };
  const from = `${quoted} t`;
  if (keys.length === 0) {
    const rows = `select to_jsonb(t)::text as row from ${from}`;
    return { rows, name, columns: columns.map(each => each.name), idKey: null };
  }
  const parts = keys.map(key => `t.${quotedName(key)}::text`).join(", '/', ");
  const id = `jsonb_build_object('${ID_KEY}', concat('${name.replaceAll("'", "''")}/', ${parts}))`;
  const order = keys.map(key => `t.${quotedName(key)}`).join(', ');
  const rows = `select (to_jsonb(t) || ${id})::text as row from ${from} order by ${order}`;
  return { rows, name, columns: columns.map(each => each.name), idKey: ID_KEY };
}

function quotedName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

async function lookAtQuery(sql: Sql, query: string): Promise<Rows> {
  const { columns } = await sql.unsafe(`select * from (${query}\n) t limit 0`);
  const rows = `select to_jsonb(t)::text as row from (${query}\n) t`;
  return { rows, name: null, columns: columns.map(({ name }) => name), idKey: null };
}

async function* read(url: string, rows: string): AsyncGenerator<Buffer> {
  const sql = connect(url);
  const session = await sql.reserve();
  try {
    await session.unsafe('begin isolation level repeatable read read only');
    for await (const page of session.unsafe<{ row: string }[]>(rows).cursor(ROWS_A_READ)) {
      yield Buffer.from(page.map(({ row }) => `${row}\n`).join(''));
    }
    await session.unsafe('commit');
  } catch (error) {
    throw new Error(`Postgres: ${messageOf(error)}`);
  } finally {
    session.release();
    await sql.end({ timeout: 1 });
  }
}

function messageOf(error: unknown): string {
  if (error instanceof AggregateError) return messageOf(error.errors[0]);
  return error instanceof Error ? error.message : String(error);
}
