import { type SQL, sql } from 'drizzle-orm';
import { decodeCursor, encodeCursor } from '../core/cursor.ts';
import type { EventDefinition, EventDefinitionFilter } from '../core/definition.ts';
import { checkDefinitionFilter } from '../core/filter-check.ts';
import { SEARCH_SEPARATOR, searchWords } from '../core/filter-search.ts';
import type { JsonObject } from '../core/json.ts';
import { checkPageArgs, type Page, type PageArgs } from '../core/page.ts';
import { isStorableText } from '../core/text.ts';
import { columnsOf, type Row, sqlText } from '../db/columns.ts';
import type { Connection } from '../db/connection.ts';
import { readCount, rows } from '../db/query.ts';
import { eventDefinitions } from '../db/schema.ts';
import { allOf, intArray, textArray } from '../db/sql-lists.ts';
import { inOrderOf, readList, textPlace } from './lists.ts';

const d = columnsOf(eventDefinitions, 'd');

export interface DefinitionPageArgs extends PageArgs {
  readonly filter?: EventDefinitionFilter | null | undefined;
}

/** One statement each. Look-ups answer in the order of what was asked, null where there is none. */
export interface DefinitionReader {
  /** By name, in code point order. */
  page(workspaceId: number, args: DefinitionPageArgs): Promise<Page<EventDefinition>>;
  count(workspaceId: number, filter?: EventDefinitionFilter | null): Promise<number>;
  byNames(workspaceId: number, names: readonly string[]): Promise<(EventDefinition | null)[]>;
  byIds(workspaceId: number, ids: readonly number[]): Promise<(EventDefinition | null)[]>;
}

type DefinitionRow = Row<typeof eventDefinitions>;

const columns = sql.raw(
  sqlText`${d.workspace_id}, ${d.id}, ${d.name}, ${d.title}, ${d.description}, ${d.category}, ${d.status}, ${d.payload_schema}, ${d.validation}, ${d.version}, ${d.revision}, ${d.measures}, ${d.created_at}, ${d.updated_at}, ${d.event_count}, ${d.first_recorded_at}, ${d.last_recorded_at}`,
);

const FIELD = 'definitions.name';

export function definitionCursor({ workspaceId, name }: EventDefinition): string {
  return encodeCursor(FIELD, workspaceId, [name]);
}

export function createDefinitionReader(read: Connection): DefinitionReader {
  const select = (where: SQL) =>
    rows<DefinitionRow>(read, sql`select ${columns} from event_definitions d where ${where}`);
  return {
    async page(workspaceId, args) {
      const request = checkPageArgs(args);
      const placeOf = (cursor: string) => textPlace(decodeCursor(cursor, FIELD, workspaceId));
      const page = await readList<DefinitionRow>(read, {
        columns,
        from: sql`event_definitions d`,
        where: filterCondition(workspaceId, args.filter),
        key: [sql`${d.name}`],
        placeOf,
        request,
        bytes: sql`coalesce(octet_length(${d.payload_schema}::text), 0)`,
      });
      return { ...page, items: page.items.map(toDefinition) };
    },
    async count(workspaceId, filter) {
      const where = filterCondition(workspaceId, filter);
      return readCount(read, sql`select count(*) as count from event_definitions d where ${where}`);
    },
    async byNames(workspaceId, names) {
      const found = await select(
        sql`${d.workspace_id} = ${workspaceId} and ${d.name} = any(${textArray(names.filter(isStorableText))})`,
      );
      return inOrderOf(names, found.map(toDefinition), ({ name }) => name);
    },
    async byIds(workspaceId, ids) {
      const found = await select(
        sql`${d.workspace_id} = ${workspaceId} and ${d.id} = any(${intArray(ids)})`,
      );
      return inOrderOf(ids, found.map(toDefinition), ({ id }) => id);
    },
  };
}

function filterCondition(
  workspaceId: number,
  filter: EventDefinitionFilter | null | undefined,
): SQL {
  checkDefinitionFilter(filter);
  const conditions = [sql`${d.workspace_id} = ${workspaceId}`];
  const among = (column: SQL, values: readonly string[] | null | undefined) => {
    if (values != null) conditions.push(sql`${column} = any(${textArray(values)})`);
  };
  among(sql`${d.name}`, filter?.names);
  among(sql`${d.category}`, filter?.categories);
  among(sql`${d.status}`, filter?.statuses);
  if (filter?.namePrefix != null) {
    conditions.push(sql`starts_with(${d.name}, ${filter.namePrefix})`);
  }
  for (const word of searchWords(filter?.search ?? '')) {
    const texts = sql`concat_ws(${SEARCH_SEPARATOR}::text, ${d.name}, ${d.title}, ${d.description}, ${d.category})`;
    conditions.push(sql`strpos(lower(${texts} collate "C"), ${word}) > 0`);
  }
  return allOf(conditions);
}

function toDefinition(row: DefinitionRow): EventDefinition {
  return {
    workspaceId: row.workspace_id,
    id: row.id,
    name: row.name,
    title: row.title,
    description: row.description,
    category: row.category,
    status: row.status,
    payloadSchema:
      row.payload_schema === null ? null : (JSON.parse(row.payload_schema) as JsonObject),
    validation: row.validation,
    version: row.version,
    revision: row.revision,
    measures: row.measures,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    eventCount: row.event_count,
    firstRecordedAt: row.first_recorded_at,
    lastRecordedAt: row.last_recorded_at,
  };
}
