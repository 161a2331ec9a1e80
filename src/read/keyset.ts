/**
 * Keyset pages: rows are found by their place in an index, never by counting them off, so page
 * n costs what page 1 costs, and rows that are added meanwhile move nothing.
 */
import { type SQL, sql } from 'drizzle-orm';
import type { PageRequest } from '../core/page.ts';
import { allOf } from '../db/sql-lists.ts';

/** The place of a cursor. */
export interface KeysetPlace {
  /** One for each column of the key. */
  readonly values: readonly SQL[];
  /** What also holds of rows from here on, or of those up to here: it bounds the partitions. */
  readonly bound?: (operator: SQL) => SQL;
}

/** A list in the order of a key, which is unique within it. */
export interface KeysetList {
  readonly columns: readonly SQL[];
  /** Of each column, or of all: only in one direction it has cursors. */
  readonly descending: boolean | readonly boolean[];
  readonly after: KeysetPlace | null;
  readonly before: KeysetPlace | null;
}

/** The parts of a statement that reads a page of a list. */
export interface Keyset {
  /** True of the rows between the cursors. */
  readonly where: SQL;
  /** `order by`, in reading order: from the end where the page is counted from there. */
  readonly order: SQL;
  /** `order by`, in the order of the list. */
  readonly listOrder: SQL;
  /** One row more than the page holds: whether there is one tells if the list goes on. */
  readonly limit: number;
  /** For rows at or beyond a cursor; null without that cursor. */
  readonly behindAfter: Probe | null;
  readonly beyondBefore: Probe | null;
}

type Operator = '<' | '=' | '>';

interface Probe {
  /** The cursor's own row. */
  readonly own: SQL;
  /** Others on that side, the nearest first. */
  readonly where: SQL;
  readonly order: SQL;
}

export function keyset(list: KeysetList, request: PageRequest): Keyset {
  const { columns, descending, after, before } = list;
  const [towardsEnd, towardsStart]: [Operator, Operator] =
    descending === true ? ['<', '>'] : ['>', '<'];
  const between: SQL[] = [];
  if (after !== null) between.push(compare(columns, towardsEnd, after));
  if (before !== null) between.push(compare(columns, towardsStart, before));
  const probeAt = (place: KeysetPlace | null, direction: Operator): Probe | null =>
    place && {
      own: compare(columns, '=', place),
      where: compare(columns, direction, place),
      order: orderBy(columns, direction === '<'),
    };
  return {
    where: allOf(between),
    order: orderBy(columns, request.backward ? reversed(descending) : descending),
    listOrder: orderBy(columns, descending),
    limit: request.size + 1,
    behindAfter: probeAt(after, towardsStart),
    beyondBefore: probeAt(before, towardsEnd),
  };
}

/** `bound` holds of a place's own row as well, hence its "or equal". */
function compare(columns: readonly SQL[], operator: Operator, place: KeysetPlace): SQL {
  const condition = sql`${row(columns)} ${sql.raw(operator)} ${row(place.values)}`;
  if (place.bound === undefined) return condition;
  return sql`${condition} and ${place.bound(sql.raw(operator === '=' ? '=' : `${operator}=`))}`;
}

function row(parts: readonly SQL[]): SQL {
  return parts.length === 1 ? sql`${parts[0]}` : sql`(${sql.join([...parts], sql`, `)})`;
}

function reversed(descending: KeysetList['descending']): KeysetList['descending'] {
  return typeof descending === 'boolean' ? !descending : descending.map(each => !each);
}

function orderBy(columns: readonly SQL[], descending: KeysetList['descending']): SQL {
  const parts = columns.map((column, at) => {
    const isDescending = typeof descending === 'boolean' ? descending : descending[at] === true;
    return sql`${column}${isDescending ? sql` desc` : sql` asc`}`;
  });
  return sql.join(parts, sql`, `);
}

/**
 * Whether a probe of `keyset` finds a row among those that `where` is true of. Most often the
 * cursor's own row is still there, which one look tells. Otherwise the nearest is looked for, by
 * order and limit: `exists` may choose a scan from anywhere.
 */
export function probe(from: SQL, where: SQL, part: Probe | null): SQL {
  if (part === null) return sql`false`;
  return sql`coalesce(
    (select true from ${from} where ${where} and ${part.own} limit 1),
    (select true from ${from} where ${where} and ${part.where} order by ${part.order} limit 1),
    false)`;
}
