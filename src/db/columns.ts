/**
 * Names of columns in SQL, checked by the compiler. Statements stay SQL: only the names of columns
 * are taken from `schema.ts`, and so are the types of rows. A column that is renamed there fails to
 * compile wherever it is used.
 *
 * ```ts
 * const e = columnsOf(events, 'e');
 * const NEWEST = sqlText`select ${e.position} from events e where ${e.workspace_id} = $1`;
 * type NewestRow = Row<typeof events, 'position'>;
 * ```
 */
import { getTableColumns } from 'drizzle-orm';
import type { PgTable } from 'drizzle-orm/pg-core';
import { StringChunk } from 'drizzle-orm/sql';

/** Stands for its name in `sqlText`, and in drizzle's `sql` at no cost beside that of the text. */
export class ColumnName extends StringChunk {
  override toString(): string {
    return this.value.join('');
  }
}

type Columns<T extends PgTable> = T['_']['columns'];
type NameOf<C> = C extends { readonly _: { readonly name: infer Name extends string } }
  ? Name
  : never;
type DataOf<C> = C extends {
  readonly _: { readonly data: infer Data; readonly notNull: infer NotNull };
}
  ? NotNull extends true
    ? Data
    : Data | null
  : never;

/** A row as the driver gives it: all columns of a table, or those that are named. */
export type Row<
  T extends PgTable,
  Name extends NameOf<Columns<T>[keyof Columns<T>]> = NameOf<Columns<T>[keyof Columns<T>]>,
> = { [Key in keyof Columns<T> as NameOf<Columns<T>[Key]> & Name]: DataOf<Columns<T>[Key]> };

type ColumnNames<T extends PgTable> = {
  readonly [Key in keyof Columns<T> as NameOf<Columns<T>[Key]>]: ColumnName;
};

/** The columns of a table by their names: behind its alias, or bare without one. */
export function columnsOf<T extends PgTable>(table: T, alias?: string): ColumnNames<T> {
  const names = Object.values(getTableColumns(table)).map(({ name }) => [
    name,
    new ColumnName(alias === undefined ? name : `${alias}.${name}`),
  ]);
  return Object.fromEntries(names) as ColumnNames<T>;
}

declare const isSql: unique symbol;
/** Text of SQL that was made by `sqlText`, whole or in part. */
export type SqlText = string & { readonly [isSql]: true };

/** Text that names no column: a table, a partition, a literal. */
export function rawSql(text: string): SqlText {
  return text as SqlText;
}

type Part = ColumnName | SqlText | number;

const made = new WeakMap<
  TemplateStringsArray,
  { readonly parts: readonly Part[]; readonly text: SqlText }
>();

/** The text of a statement, or of a part. It is made once where its parts do not change. */
export function sqlText(strings: TemplateStringsArray, ...parts: readonly Part[]): SqlText {
  const known = made.get(strings);
  if (known?.parts.every((part, at) => part === parts[at]) === true) return known.text;
  const text = String.raw({ raw: strings }, ...parts) as SqlText;
  made.set(strings, { parts, text });
  return text;
}
