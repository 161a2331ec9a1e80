import { type SQL, sql } from 'drizzle-orm';
import { AUDIT_WORKSPACE_ID } from '../core/audit.ts';
import { decodeCursor, encodeCursor, type LogPlace } from '../core/cursor.ts';
import { checkPageArgs, type Page, type PageArgs } from '../core/page.ts';
import { isStorableText } from '../core/text.ts';
import type { Workspace } from '../core/workspace.ts';
import { columnsOf, type Row } from '../db/columns.ts';
import type { Connection } from '../db/connection.ts';
import { rows } from '../db/query.ts';
import { searchLogs, workspaceMarks, workspaces } from '../db/schema.ts';
import { intArray, textArray } from '../db/sql-lists.ts';
import { toWorkspace, WORKSPACE_COLUMNS, type WorkspaceRow } from '../db/stored-workspace.ts';
import { inOrderOf, readList, textPlace } from './lists.ts';
import { readLogHeads } from './log-heads.ts';

const w = columnsOf(workspaces, 'w');
const m = columnsOf(workspaceMarks, 'm');
const l = columnsOf(searchLogs, 'l');

/** One statement each. Look-ups answer in the order of what was asked, null where there is none. */
export interface WorkspaceReader {
  /** By slug, in code point order, without that of the audit; `only` is the one workspace that a key covers, null for all. */
  page(only: number | null, args: PageArgs): Promise<Page<Workspace>>;
  byIds(ids: readonly number[]): Promise<(Workspace | null)[]>;
  /** Slugs match without regard to case. */
  bySlugs(slugs: readonly string[]): Promise<(Workspace | null)[]>;
  /** The first of all by slug, so many at most, without that of the audit. */
  first(count: number): Promise<Workspace[]>;
  /** The newest event of each; LOG_BEGINNING where there is none. */
  heads(workspaceIds: readonly number[]): Promise<Map<number, LogPlace>>;
  /** Position of the oldest event still kept; 1 where none was removed. */
  tails(workspaceIds: readonly number[]): Promise<Map<number, number>>;
  /** Position of the newest event in the index of searches; null where none is kept. */
  indexed(workspaceIds: readonly number[]): Promise<Map<number, number | null>>;
}

const columns = sql.raw(WORKSPACE_COLUMNS);

const FIELD = 'workspaces.slug';
/** That of the audit is found by its slug alone: nobody comes upon it by accident. */
const IS_LISTED = sql`${w.id} <> ${AUDIT_WORKSPACE_ID}`;
/** The list of workspaces is within no workspace. */
const SCOPE = 0;

export function workspaceCursor({ slug }: Workspace): string {
  return encodeCursor(FIELD, SCOPE, [slug]);
}

export function createWorkspaceReader(read: Connection): WorkspaceReader {
  const select = async (where: SQL) => {
    const statement = sql`select ${columns} from workspaces w where ${where}`;
    return (await rows<WorkspaceRow>(read, statement)).map(toWorkspace);
  };
  return {
    async page(only, args) {
      const page = await readList<WorkspaceRow>(read, {
        columns,
        from: sql`workspaces w`,
        where: only === null ? IS_LISTED : sql`${w.id} = ${only}`,
        key: [sql`${w.slug}`],
        placeOf: cursor => textPlace(decodeCursor(cursor, FIELD, SCOPE)),
        request: checkPageArgs(args),
      });
      return { ...page, items: page.items.map(toWorkspace) };
    },
    async byIds(ids) {
      const found = await select(sql`${w.id} = any(${intArray(ids)})`);
      return inOrderOf(ids, found, ({ id }) => id);
    },
    async bySlugs(slugs) {
      const asked = slugs.map(slug => slug.toLowerCase());
      const found = await select(sql`${w.slug} = any(${textArray(asked.filter(isStorableText))})`);
      return inOrderOf(asked, found, ({ slug }) => slug);
    },
    first: count => select(sql`${IS_LISTED} order by ${w.slug} limit ${count}`),
    heads: workspaceIds => readLogHeads(read, workspaceIds),
    async tails(workspaceIds) {
      const found = await rows<Row<typeof workspaceMarks, 'workspace_id' | 'tail'>>(
        read,
        sql`select ${m.workspace_id}, ${m.tail} from workspace_marks m
          where ${m.workspace_id} = any(${intArray(workspaceIds)})`,
      );
      const tails = new Map(workspaceIds.map(id => [id, 1]));
      for (const row of found) tails.set(row.workspace_id, row.tail);
      return tails;
    },
    async indexed(workspaceIds) {
      const found = await rows<Row<typeof searchLogs, 'workspace_id' | 'indexed'>>(
        read,
        sql`select ${l.workspace_id}, greatest(${l.indexed}, 0) as indexed from search_logs l
          join workspaces w on ${w.id} = ${l.workspace_id}
          where ${l.workspace_id} = any(${intArray(workspaceIds)}) and ${w.search_index}`,
      );
      const none = workspaceIds.map(id => [id, null] as const);
      const known = found.map(row => [row.workspace_id, row.indexed] as const);
      return new Map<number, number | null>([...none, ...known]);
    },
  };
}
