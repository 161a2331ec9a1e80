import { type SQL, sql } from 'drizzle-orm';
import { cursorInvalid } from '../core/cursor.ts';
import { cutPage, type Page, type PageRequest, toPage } from '../core/page.ts';
import { isStorableText } from '../core/text.ts';
import type { Connection } from '../db/connection.ts';
import { rows } from '../db/query.ts';
import { keyset, probe } from './keyset.ts';

/** A list that is small beside the log: keys, definitions, workspaces. */
export interface List {
  readonly columns: SQL;
  readonly from: SQL;
  readonly where: SQL;
  /** Columns by which it is ordered, unique together. */
  readonly key: readonly SQL[];
  /** @default false */
  readonly descending?: boolean;
  /** The key's values that a cursor holds. @throws GatewayError CURSOR_INVALID */
  readonly placeOf: (cursor: string) => readonly SQL[];
  readonly request: PageRequest;
  /** Of a row, where rows may be large: a page has as many as fit, at least one. */
  readonly bytes?: SQL;
}

/** So much of large rows makes a page: their texts fit an answer, with escapes. */
const PAGE_BYTES = 8_388_608;

type Ends = { behind_after: boolean; beyond_before: boolean };

/** A page of a list and what its ends are like, in one statement. */
export async function readList<Row extends object>(
  read: Connection,
  { columns, from, where, key, descending = false, placeOf, request, bytes = sql`0` }: List,
): Promise<Page<Row>> {
  const place = (cursor: string | null) => {
    if (cursor === null) return null;
    const values = placeOf(cursor);
    if (values.length !== key.length) throw cursorInvalid();
    return { values };
  };
  const { after, before } = { after: place(request.after), before: place(request.before) };
  const page = keyset({ columns: key, descending, after, before }, request);
  const found = await rows<Ends & { fits: boolean | null } & (Row | { listed: null })>(
    read,
    sql`
      select ends.*, page.* from (
        select ${probe(from, where, page.behindAfter)} as behind_after,
          ${probe(from, where, page.beyondBefore)} as beyond_before
      ) ends
      left join lateral (
        select sized.*, ord = 1 or up_to <= ${PAGE_BYTES} as fits from (
          select true as listed, row_number() over (order by ${page.order}) as ord,
            sum(${bytes}) over (order by ${page.order} rows unbounded preceding) as up_to,
            ${bytes} as own, ${columns}
          from ${from} where ${where} and ${page.where} order by ${page.order} limit ${page.limit}
        ) sized
        -- One more than fits, which tells that the list goes on.
        where ord = 1 or up_to - own <= ${PAGE_BYTES}
      ) page on true
      order by page.ord`,
  );
  const ends = {
    behindAfter: found[0]?.behind_after ?? false,
    beyondBefore: found[0]?.beyond_before ?? false,
  };
  const listed = found.filter(row => !('listed' in row && row.listed === null)) as unknown as Row[];
  const fitting = found.filter(({ fits }) => fits === true).length;
  return cutPage(toPage(listed, request, ends), fitting, request.backward);
}

/** What was found, in the order of what was asked; null where there is none. */
export function inOrderOf<Key, Found>(
  asked: readonly Key[],
  found: readonly Found[],
  keyOf: (found: Found) => Key,
): (Found | null)[] {
  const byKey = new Map(found.map(each => [keyOf(each), each]));
  return asked.map(key => byKey.get(key) ?? null);
}

/** For `placeOf`, where the key is a text. */
export function textPlace(values: readonly string[]): SQL[] {
  if (!values.every(isStorableText)) throw cursorInvalid();
  return values.map(value => sql`${value}`);
}
