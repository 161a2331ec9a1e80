import { type SQL, sql } from 'drizzle-orm';
import { cursorInvalid, decodeCursor, encodeCursor } from '../core/cursor.ts';
import type { EventDefinition, EventDefinitionFilter, SchemaVersion } from '../core/definition.ts';
import { checkDefinitionFilter } from '../core/filter-check.ts';
import { SEARCH_SEPARATOR, searchWords } from '../core/filter-search.ts';
import type { JsonObject } from '../core/json.ts';
import { checkPageArgs, type Page, type PageArgs } from '../core/page.ts';
import type { SchemaPlace } from '../core/schema-version.ts';
import { isStorableText } from '../core/text.ts';
import { columnsOf, type Row, sqlText } from '../db/columns.ts';
import type { Connection } from '../db/connection.ts';
import { readCount, rows } from '../db/query.ts';
import { definitionSchemas, eventDefinitions } from '../db/schema.ts';
import { allOf, intArray, textArray } from '../db/sql-lists.ts';
import { inOrderOf, readList, textPlace } from './lists.ts';

const d = columnsOf(eventDefinitions, 'd');
const v = columnsOf(definitionSchemas, 'v');

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
  /** Versions of the schema of a definition, the newest first. */
  versions(workspaceId: number, id: number, args: PageArgs): Promise<Page<SchemaVersion>>;
  /** By definition, where each version of its schema began, in their order. */
  schemaPlaces(workspaceId: number, ids: readonly number[]): Promise<Map<number, SchemaPlace[]>>;
}

type DefinitionRow = Row<typeof eventDefinitions>;

const columns = sql.raw(
  sqlText`${d.workspace_id}, ${d.id}, ${d.name}, ${d.title}, ${d.description}, ${d.category}, ${d.status}, ${d.payload_schema}, ${d.validation}, ${d.compatibility}, ${d.version}, ${d.revision}, ${d.measures}, ${d.created_at}, ${d.updated_at}, ${d.event_count}, ${d.first_recorded_at}, ${d.last_recorded_at}`,
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
    async versions(workspaceId, id, args) {
      const page = await readList<SchemaRow>(read, {
        columns: schemaColumns,
        from: schemaSource,
        where: sql`${s.workspace_id} = ${workspaceId} and ${s.definition_id} = ${id}`,
        key: [sql`${s.version}`],
        descending: true,
        placeOf: cursor => numberPlace(decodeCursor(cursor, VERSION_FIELD, workspaceId)),
        request: checkPageArgs(args),
        bytes: sql`coalesce(octet_length(${s.payload_schema}::text), 0)`,
      });
      return { ...page, items: page.items.map(toSchemaVersion) };
    },
    async schemaPlaces(workspaceId, ids) {
      const found = await rows<Pick<SchemaRow, 'definition_id' | 'version' | 'after_position'>>(
        read,
        sql`select ${s.definition_id}, ${s.version}, ${s.after_position} from ${schemaSource}
          where ${s.workspace_id} = ${workspaceId} and ${s.definition_id} = any(${intArray(ids)})
          order by ${s.definition_id}, ${s.version}`,
      );
      const places = new Map<number, SchemaPlace[]>();
      for (const { definition_id: id, version, after_position: afterPosition } of found) {
        places.set(id, [...(places.get(id) ?? []), { version, afterPosition }]);
      }
      return places;
    },
  };
}

type SchemaRow = Row<typeof definitionSchemas>;

const s = columnsOf(definitionSchemas, 's');

/** A definition whose schema has never changed has no rows: its one version is its own. */
const schemaSource = sql.raw(
  sqlText`(
    select ${v.workspace_id}, ${v.definition_id}, ${v.version}, ${v.after_position}, ${v.payload_schema}, ${v.created_at}, ${v.created_by}
    from definition_schemas v
    union all
    select ${d.workspace_id}, ${d.id}, ${d.version}, 0, ${d.payload_schema}, ${d.created_at}, null
    from event_definitions d where not exists (
      select from definition_schemas v where ${v.workspace_id} = ${d.workspace_id} and ${v.definition_id} = ${d.id})
  ) s`,
);

const schemaColumns = sql.raw(
  sqlText`${s.workspace_id}, ${s.definition_id}, ${s.version}, ${s.after_position}, ${s.payload_schema}, ${s.created_at}, ${s.created_by}`,
);

const VERSION_FIELD = 'definitions.schemaVersions';

export function schemaVersionCursor({ workspaceId, version }: SchemaVersion): string {
  return encodeCursor(VERSION_FIELD, workspaceId, [String(version)]);
}

function numberPlace(values: readonly string[]): SQL[] {
  if (!values.every(value => /^\d{1,9}$/.test(value))) throw cursorInvalid();
  return values.map(value => sql`${Number(value)}::int`);
}

function toSchemaVersion(row: SchemaRow): SchemaVersion {
  return {
    workspaceId: row.workspace_id,
    definitionId: row.definition_id,
    version: row.version,
    afterPosition: row.after_position,
    payloadSchema:
      row.payload_schema === null ? null : (JSON.parse(row.payload_schema) as JsonObject),
    createdAt: row.created_at,
    createdBy: row.created_by,
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
    compatibility: row.compatibility,
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
