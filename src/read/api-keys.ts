import { sql } from 'drizzle-orm';
import type { ApiKeyInfo } from '../core/api-key.ts';
import { cursorInvalid, decodeCursor, encodeCursor } from '../core/cursor.ts';
import { checkPageArgs, type Page, type PageArgs } from '../core/page.ts';
import type { RecordedEvents } from '../core/quota.ts';
import { columnsOf } from '../db/columns.ts';
import type { Connection } from '../db/connection.ts';
import { readUsage } from '../db/key-usage.ts';
import { rows } from '../db/query.ts';
import { apiKeys } from '../db/schema.ts';
import { intArray } from '../db/sql-lists.ts';
import { API_KEY_COLUMNS, toApiKeyInfo, type ApiKeyRow } from '../db/stored-api-key.ts';
import { inOrderOf, readList } from './lists.ts';

const k = columnsOf(apiKeys, 'k');

/** One statement each. Never a secret or its hash. */
export interface ApiKeyReader {
  /** The keys of one workspace, or of all where it is null; in the order they were made. */
  page(workspaceId: number | null, args: PageArgs): Promise<Page<ApiKeyInfo>>;
  /** In the order of what was asked, null where there is none. */
  byIds(ids: readonly number[]): Promise<(ApiKeyInfo | null)[]>;
  /** What they have recorded, in the order of what was asked. */
  usage(ids: readonly number[]): Promise<KeyUsage[]>;
}

export interface KeyUsage extends RecordedEvents {
  /** When that is: it says which day and month are meant. */
  readonly at: Date;
}

const columns = sql.raw(API_KEY_COLUMNS);

const FIELD = 'apiKeys.id';
/** Of the list of all keys; a workspace's id is never 0. */
const ALL = 0;

/** `workspaceId` as it was given to `page`: a cursor belongs to one list. */
export function apiKeyCursor(workspaceId: number | null, key: ApiKeyInfo): string {
  return encodeCursor(FIELD, workspaceId ?? ALL, [String(key.id)]);
}

export function createApiKeyReader(read: Connection): ApiKeyReader {
  return {
    async page(workspaceId, args) {
      const page = await readList<ApiKeyRow>(read, {
        columns,
        from: sql`api_keys k`,
        where: workspaceId === null ? sql`true` : sql`${k.workspace_id} = ${workspaceId}`,
        key: [sql`${k.id}`],
        placeOf: cursor => decodeCursor(cursor, FIELD, workspaceId ?? ALL).map(readId),
        request: checkPageArgs(args),
      });
      return { ...page, items: page.items.map(toApiKeyInfo) };
    },
    async byIds(ids) {
      const found = await rows<ApiKeyRow>(
        read,
        sql`select ${columns} from api_keys k where ${k.id} = any(${intArray(ids)})`,
      );
      return inOrderOf(ids, found.map(toApiKeyInfo), ({ id }) => id);
    },
    async usage(ids) {
      const at = new Date();
      const found = await readUsage(read, ids, at);
      return ids.map(id => ({ today: 0, thisMonth: 0, ...found.get(id), at }));
    },
  };
}

function readId(text: string) {
  if (!/^\d{1,9}$/.test(text)) throw cursorInvalid();
  return sql`${text}`;
}
