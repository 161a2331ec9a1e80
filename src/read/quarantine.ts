import { sql, type SQL } from 'drizzle-orm';
import { cursorInvalid, decodeCursor, encodeCursor } from '../core/cursor.ts';
import type { EventProblem, QuarantinedEvent } from '../core/event.ts';
import { checkPageArgs, type Page, type PageArgs } from '../core/page.ts';
import type { QuarantineProblem } from '../core/quarantine.ts';
import { isStorableText } from '../core/text.ts';
import { columnsOf, type Row, sqlText } from '../db/columns.ts';
import type { Connection } from '../db/connection.ts';
import { readCount, rows } from '../db/query.ts';
import { quarantinedEvents } from '../db/schema.ts';
import { allOf, arrayLiteral } from '../db/sql-lists.ts';
import { doorOf } from '../db/stored-event.ts';
import { inOrderOf, readList } from './lists.ts';

const q = columnsOf(quarantinedEvents, 'q');

/** All that are given must hold. */
export interface QuarantineFilter {
  /** Of the events that name it; what is no text is no type. */
  readonly type?: string | null | undefined;
  /** Code and place of one of its problems. */
  readonly code?: string | null | undefined;
  readonly pointer?: string | null | undefined;
}

export interface QuarantinePageArgs extends PageArgs, QuarantineFilter {}

/** One statement each. */
export interface QuarantineReader {
  /** Newest first. */
  page(workspaceId: number, args: QuarantinePageArgs): Promise<Page<QuarantinedEvent>>;
  count(workspaceId: number, filter: QuarantineFilter): Promise<number>;
  /** By type, code and pointer, the most frequent first: at most 100. */
  problems(workspaceId: number, filter: QuarantineFilter): Promise<QuarantineProblem[]>;
  /** In the order of what was asked, null where there is none; an id is a UUID in any case. */
  byIds(workspaceId: number, ids: readonly string[]): Promise<(QuarantinedEvent | null)[]>;
}

type QuarantineRow = Omit<Row<typeof quarantinedEvents>, 'expires_at'>;

const columns = sql.raw(
  sqlText`${q.workspace_id}, ${q.id}, ${q.received_at}, ${q.door}, ${q.problems}, ${q.event}`,
);

const notExpired = sql`(${q.expires_at} is null or ${q.expires_at} > now())`;

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
        where: condition(workspaceId, args),
        key: [sql`${q.received_at}`, sql`${q.id}`],
        descending: true,
        placeOf: cursor => readPlace(decodeCursor(cursor, FIELD, workspaceId)),
        request: checkPageArgs(args),
        bytes: sql`octet_length(${q.event}::text) + octet_length(${q.problems}::text)`,
      });
      return { ...page, items: page.items.map(toQuarantined) };
    },
    async count(workspaceId, filter) {
      const where = condition(workspaceId, filter);
      return readCount(
        read,
        sql`select count(*) as count from quarantined_events q where ${where}`,
      );
    },
    problems: (workspaceId, filter) =>
      rows<QuarantineProblem & Record<string, unknown>>(
        read,
        sql`select case jsonb_typeof(${q.event}->'type') when 'string' then ${q.event}->>'type' end as type,
            p->>'code' as code, p->>'pointer' as pointer, min(p->>'message') as message,
            count(distinct ${q.id}) as count
          from quarantined_events q cross join lateral jsonb_array_elements(${q.problems}) p
          where ${condition(workspaceId, filter)} and ${isProblem(filter)}
          group by 1, 2, 3 order by count desc, 1, 2, 3 limit ${PROBLEMS_MAX}`,
      ),
    async byIds(workspaceId, ids) {
      const asked = ids.map(id => id.toLowerCase());
      const found = await rows<QuarantineRow>(
        read,
        sql`select ${columns} from quarantined_events q where ${q.workspace_id} = ${workspaceId}
          and ${notExpired}
          and ${q.id} = any(${arrayLiteral(asked.filter(id => UUID.test(id)))}::uuid[])`,
      );
      return inOrderOf(asked, found.map(toQuarantined), ({ id }) => id);
    },
  };
}

const PROBLEMS_MAX = 100;

function condition(workspaceId: number, filter: QuarantineFilter): SQL {
  const all = [sql`${q.workspace_id} = ${workspaceId}`, notExpired, ofType(filter.type)];
  if (filter.code != null || filter.pointer != null) {
    all.push(
      sql`exists (select from jsonb_array_elements(${q.problems}) p where ${isProblem(filter)})`,
    );
  }
  return allOf(all);
}

/** Whether the problem `p` is the one that is asked for. */
function isProblem({ code, pointer }: QuarantineFilter): SQL {
  const is = (field: string, value: string | null | undefined) => {
    if (value == null) return sql`true`;
    return isStorableText(value) ? sql`p->>${field}::text = ${value}` : sql`false`;
  };
  return sql`${is('code', code)} and ${is('pointer', pointer)}`;
}

function ofType(type: string | null | undefined): SQL {
  if (type == null) return sql`true`;
  return isStorableText(type) ? sql`${q.event}->'type' = to_jsonb(${type}::text)` : sql`false`;
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
