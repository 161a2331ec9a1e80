import { sql, type SQL } from 'drizzle-orm';
import { cursorInvalid, decodeCursor, encodeCursor } from '../core/cursor.ts';
import type { EventProblem, QuarantinedEvent } from '../core/event.ts';
import { checkPageArgs, type Page, type PageArgs } from '../core/page.ts';
import { isStorableText } from '../core/text.ts';
import type { Connection } from '../db/connection.ts';
import { rows } from '../db/query.ts';
import { doorOf } from '../db/stored-event.ts';
import { readList } from './lists.ts';
import { arrayLiteral } from './params.ts';

export interface QuarantinePageArgs extends PageArgs {
  /** Of the events that name it; what is no text is no type. */
  readonly type?: string | null | undefined;
}

/** One statement each. */
export interface QuarantineReader {
  /** Newest first. */
  page(workspaceId: number, args: QuarantinePageArgs): Promise<Page<QuarantinedEvent>>;
  /** In the order of what was asked, null where there is none; an id is a UUID in any case. */
  byIds(workspaceId: number, ids: readonly string[]): Promise<(QuarantinedEvent | null)[]>;
}

interface QuarantineRow {
  workspace_id: number;
  id: string;
  received_at: Date;
  door: number;
  problems: string;
  event: string;
}

const columns = sql.raw('q.workspace_id, q.id, q.received_at, q.door, q.problems, q.event');

const notExpired = sql`(q.expires_at is null or q.expires_at > now())`;

const FIELD = 'quarantine.receivedAt';
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export function quarantineCursor({ workspaceId, receivedAt, id }: QuarantinedEvent): string {
  return encodeCursor(FIELD, workspaceId, [String(receivedAt.getTime()), id]);
}

export function createQuarantineReader(read: Connection): QuarantineReader {
  return {
    async page(workspaceId, args) {
      const page = await readList<QuarantineRow>(read, {
        columns,
        from: sql`quarantined_events q`,
        where: sql`q.workspace_id = ${workspaceId} and ${notExpired} and ${ofType(args.type)}`,
        key: [sql`q.received_at`, sql`q.id`],
        descending: true,
        placeOf: cursor => readPlace(decodeCursor(cursor, FIELD, workspaceId)),
        request: checkPageArgs(args),
        bytes: sql`octet_length(q.event::text) + octet_length(q.problems::text)`,
      });
      return { ...page, items: page.items.map(toQuarantined) };
    },
    async byIds(workspaceId, ids) {
      const asked = ids.map(id => id.toLowerCase());
      const found = await rows<QuarantineRow>(
        read,
        sql`select ${columns} from quarantined_events q where q.workspace_id = ${workspaceId}
          and ${notExpired}
          and q.id = any(${arrayLiteral(asked.filter(id => UUID.test(id)))}::uuid[])`,
      );
      const byId = new Map(found.map(row => [row.id, toQuarantined(row)]));
      return asked.map(id => byId.get(id) ?? null);
    },
  };
}

function ofType(type: string | null | undefined): SQL {
  if (type == null) return sql`true`;
  return isStorableText(type) ? sql`q.event->'type' = to_jsonb(${type}::text)` : sql`false`;
}

function readPlace([milliseconds = '', id = '', ...more]: readonly string[]) {
  const isPlace = /^\d{1,14}$/.test(milliseconds) && UUID.test(id) && more.length === 0;
  if (!isPlace) throw cursorInvalid();
  return [sql`${new Date(Number(milliseconds))}`, sql`${id}`];
}

function toQuarantined(row: QuarantineRow): QuarantinedEvent {
  return {
    workspaceId: row.workspace_id,
    id: row.id,
    receivedAt: row.received_at,
    door: doorOf(row.door),
    problems: JSON.parse(row.problems) as EventProblem[],
    event: row.event,
  };
}
