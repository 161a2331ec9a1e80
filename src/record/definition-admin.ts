import { changesOf } from '../core/audit.ts';
import type {
  EventDefinitionStatus,
  SchemaCompatibility,
  ValidationMode,
} from '../core/definition.ts';
import { GatewayError } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import { LIMITS } from '../core/limits.ts';
import type { Actor } from '../core/principal.ts';
import { isStorableText, isWithinBytes } from '../core/text.ts';
import { workspaceNotFound, type Workspace } from '../core/workspace.ts';
import type { AuditedTransaction, Deed } from '../db/audit-log.ts';
import type { Connection, Pool } from '../db/client.ts';
import { columnsOf, sqlText, type Row } from '../db/columns.ts';
import { lockWorkspace } from '../db/locks.ts';
import {
  definitionSchemas,
  eventCounts,
  eventDefinitions,
  events,
  measureFills,
  workspaces,
} from '../db/schema.ts';
import { toGatewayError } from '../db/sqlstate.ts';
import type { SchemaChecker } from '../json-schema/checker.ts';
import { checkDefinable } from './payload-schema.ts';
import {
  requireCompatible,
  type JudgeSchema,
  type ProposedSchema,
  type SchemaJudgement,
} from './schema-judgement.ts';

const n = columnsOf(eventDefinitions, 'n');
const d = columnsOf(eventDefinitions, 'd');
const e = columnsOf(events, 'e');
const c = columnsOf(eventCounts, 'c');
const WORKSPACE = columnsOf(workspaces);
const DEFINITION = columnsOf(eventDefinitions);
const SCHEMA = columnsOf(definitionSchemas);
const FILL = columnsOf(measureFills);

/** Absent: unchanged. Null: cleared. */
export interface DefinitionInput {
  readonly name: string;
  readonly title?: string | null | undefined;
  readonly description?: string | null | undefined;
  readonly category?: string | null | undefined;
  readonly status?: EventDefinitionStatus | null | undefined;
  readonly payloadSchema?: JsonObject | null | undefined;
  readonly validation?: ValidationMode | null | undefined;
  readonly compatibility?: SchemaCompatibility | null | undefined;
  readonly measures?: readonly string[] | null | undefined;
}

export interface DefinitionAdmin {
  /**
   * Creates the definition, or changes what is given of it, and returns its id. From its commit
   * on, no event is recorded that was validated by what it replaces.
   * @throws GatewayError BAD_USER_INPUT, SCHEMA_INCOMPATIBLE, TYPE_LIMIT, NOT_FOUND when the workspace is gone,
   * UNAUTHENTICATED when the acting key was revoked or has expired before the commit
   */
  define(workspace: Workspace, input: DefinitionInput, actor: Actor | null): Promise<number>;
  /**
   * Removes the definition of a type that has neither events nor counts.
   * @throws GatewayError NOT_FOUND, CONFLICT where it has some, UNAUTHENTICATED as `define`
   */
  remove(workspace: Workspace, name: string, actor: Actor | null): Promise<void>;
}

export interface DefinitionAdminOptions {
  readonly write: Pool;
  readonly audited: AuditedTransaction;
  readonly schemas: SchemaChecker;
  readonly judge: JudgeSchema;
  /** After a change, whether or not it was committed. */
  readonly onDefined: (workspaceId: number) => void;
}

/**
 * How a schema would be judged. Nothing is changed.
 * @throws GatewayError BAD_USER_INPUT
 */
export type CheckDefinition = (proposed: ProposedSchema) => Promise<SchemaJudgement>;

export function createCheckDefinition(schemas: SchemaChecker, judge: JudgeSchema): CheckDefinition {
  return async proposed => {
    checkText('name', proposed.name, LIMITS.typeBytesMax);
    if (proposed.payloadSchema !== null) {
      await checkDefinable(schemas, proposed.workspaceId, proposed.payloadSchema);
    }
    return judge(proposed, { evenIfNone: true });
  };
}

export function createDefinitionAdmin(options: DefinitionAdminOptions): DefinitionAdmin {
  async function changing<T>(
    { id: tenant }: Workspace,
    actor: Actor | null,
    work: (connection: Connection, deed: Deed) => Promise<T>,
  ): Promise<T> {
    try {
      return await options.audited(options.write, work, { actor, tenant });
    } catch (error) {
      throw toGatewayError(error, 'write');
    } finally {
      options.onDefined(tenant);
    }
  }
  return {
    async define(workspace, input, actor) {
      check(input);
      if (input.payloadSchema != null) {
        await checkDefinable(options.schemas, workspace.id, input.payloadSchema);
      }
      for (let tries = 0; tries < JUDGED_MAX; tries++) {
        const judgement = await judged(options.judge, workspace.id, input);
        const definable = { workspaceId: workspace.id, input, judgement, actor };
        try {
          return await changing(workspace, actor, (connection, deed) =>
            define(connection, deed, definable),
          );
        } catch (error) {
          const isChanged = error instanceof GatewayError && error.code === 'CONFLICT';
          if (!isChanged) throw error;
        }
      }
      throw changedMeanwhile();
    },
    async remove(workspace, name, actor) {
      checkText('name', name, LIMITS.typeBytesMax);
      await changing(workspace, actor, (connection, deed) =>
        remove(connection, deed, { workspace, name }),
      );
    },
  };
}

/** A definition that somebody else changed meanwhile is judged again. */
const JUDGED_MAX = 5;

/** Null where the schema stays as it is. @throws GatewayError SCHEMA_INCOMPATIBLE */
async function judged(
  judge: JudgeSchema,
  workspaceId: number,
  { name, payloadSchema, compatibility }: DefinitionInput,
): Promise<SchemaJudgement | null> {
  if (payloadSchema === undefined) return null;
  const given = compatibility === null ? 'NONE' : (compatibility ?? null);
  // Nothing is promised then, so nothing is read.
  if (given === 'NONE') return null;
  const proposed = { workspaceId, name, payloadSchema, compatibility: given };
  const judgement = await judge(proposed, { evenIfNone: false });
  requireCompatible(judgement);
  return judgement;
}

function check(input: DefinitionInput): void {
  const texts = { title: 256, description: 8_000, category: 256 } as const;
  checkText('name', input.name, LIMITS.typeBytesMax);
  if (input.name.trim() === '') throw wrong('A definition needs a name, such as user.signup.');
  for (const [field, bytesMax] of Object.entries(texts)) {
    checkText(field, input[field as keyof typeof texts], bytesMax);
  }
  const measures = input.measures ?? [];
  if (measures.length > LIMITS.measuresMax) {
    throw wrong(
      `A definition has at most ${LIMITS.measuresMax} measures, but got ` + `${measures.length}.`,
    );
  }
  for (const measure of measures) {
    if (measure === '') throw wrong('A measure is the name of a payload property.');
    checkText('measures', measure, LIMITS.payloadKeyBytesMax);
  }
}

function checkText(field: string, text: string | null | undefined, bytesMax: number): void {
  if (text == null || (isStorableText(text) && isWithinBytes(text, bytesMax))) return;
  throw wrong(`${field} takes valid Unicode of at most ${bytesMax} bytes, without U+0000.`);
}

function wrong(message: string): GatewayError {
  return new GatewayError('BAD_USER_INPUT', message);
}

interface Definable {
  readonly workspaceId: number;
  readonly input: DefinitionInput;
  readonly judgement: SchemaJudgement | null;
  readonly actor: Actor | null;
}

/** @throws GatewayError CONFLICT where the definition is no longer what was judged */
async function define(
  connection: Connection,
  deed: Deed,
  { workspaceId, input, judgement, actor }: Definable,
): Promise<number> {
  const [workspace] = await connection.query(
    sqlText`select ${WORKSPACE.id} from workspaces where ${WORKSPACE.id} = $1 for no key update`,
    [workspaceId],
  );
  if (workspace === undefined) throw workspaceNotFound();
  const isNew = await ensureExists(connection, workspaceId, input.name);
  await lockWorkspace(connection, workspaceId);
  const before = await readShown(connection, workspaceId, input.name);
  if (judgement !== null && !isOf(judgement, before, isNew)) throw changedMeanwhile();
  const id = await change(connection, { workspaceId, input, isNew, actor });
  const after = await readShown(connection, workspaceId, input.name);
  await deed.record({
    subject: input.name,
    workspaceId,
    ...(isNew
      ? { type: 'sluice.definition.created', to: after }
      : { type: 'sluice.definition.updated', ...changesOf(before, after) }),
  });
  return id;
}

function changedMeanwhile(): GatewayError {
  return new GatewayError(
    'CONFLICT',
    'The definition is being changed by another request. Try again.',
  );
}

function isOf(judgement: SchemaJudgement, before: ShownRow, isNew: boolean): boolean {
  if (isNew) return judgement.version === null;
  return judgement.version === before.version && judgement.promised === before.compatibility;
}

type ShownRow = Row<
  typeof eventDefinitions,
  | 'title'
  | 'description'
  | 'category'
  | 'status'
  | 'validation'
  | 'compatibility'
  | 'version'
  | 'measures'
>;

/** What the audit says of it: of its schema the version. */
async function readShown(connection: Connection, workspaceId: number, name: string) {
  const [row] = await connection.query<ShownRow>(
    sqlText`select ${DEFINITION.title}, ${DEFINITION.description}, ${DEFINITION.category}, ${DEFINITION.status},
       ${DEFINITION.validation}, ${DEFINITION.compatibility}, ${DEFINITION.version}, ${DEFINITION.measures}
     from event_definitions where ${DEFINITION.workspace_id} = $1 and ${DEFINITION.name} = $2`,
    [workspaceId, name],
  );
  return { ...(row as ShownRow) };
}

/** Whether it was made. */
async function ensureExists(
  connection: Connection,
  workspaceId: number,
  name: string,
): Promise<boolean> {
  const rows = await connection.query(
    sqlText`insert into event_definitions (${DEFINITION.workspace_id}, ${DEFINITION.name}, ${DEFINITION.status})
     select $1, $2, 'ACTIVE'
     where (select count(*) from event_definitions where ${DEFINITION.workspace_id} = $1) < $3
     on conflict (${DEFINITION.workspace_id}, ${DEFINITION.name}) do nothing returning ${DEFINITION.id}`,
    [workspaceId, name, LIMITS.definitionsMax],
  );
  if (rows.length > 0) return true;
  const [known] = await connection.query(
    sqlText`select ${DEFINITION.id} from event_definitions where ${DEFINITION.workspace_id} = $1 and ${DEFINITION.name} = $2`,
    [workspaceId, name],
  );
  if (known !== undefined) return false;
  const message = `A workspace has at most ${LIMITS.definitionsMax} event definitions.`;
  throw new GatewayError('TYPE_LIMIT', message);
}

/** A definition that somebody writes is no longer only DISCOVERED. */
async function change(
  connection: Connection,
  { workspaceId, input, isNew, actor }: Omit<Definable, 'judgement'> & { readonly isNew: boolean },
): Promise<number> {
  const given = (field: keyof DefinitionInput) => input[field] !== undefined;
  const schema = input.payloadSchema == null ? null : JSON.stringify(input.payloadSchema);
  const [row] = await connection.query<Row<typeof eventDefinitions, 'id' | 'version'>>(
    sqlText`update event_definitions d set
       ${DEFINITION.title} = case when $3 then $4 else ${DEFINITION.title} end,
       ${DEFINITION.description} = case when $5 then $6 else ${DEFINITION.description} end,
       ${DEFINITION.category} = case when $7 then $8 else ${DEFINITION.category} end,
       ${DEFINITION.status} = coalesce($9, case when ${DEFINITION.status} = 'DISCOVERED' then 'ACTIVE' else ${DEFINITION.status} end),
       ${DEFINITION.payload_schema} = case when $10 then n.schema else ${DEFINITION.payload_schema} end,
       ${DEFINITION.validation} = case when $12 then coalesce($13, 'OFF') else ${DEFINITION.validation} end,
       ${DEFINITION.measures} = case when $14 then ${n.measures} else ${d.measures} end,
       ${DEFINITION.version} = ${DEFINITION.version} + ((not $16 and $10 and ${DEFINITION.payload_schema} is distinct from n.schema)::int),
       ${DEFINITION.compatibility} = case when $17 then coalesce($18, 'NONE') else ${DEFINITION.compatibility} end,
       ${DEFINITION.revision} = ${DEFINITION.revision} + 1,
       ${DEFINITION.updated_at} = now()
     from (select $11::text::jsonb as schema, array(
       select distinct m from json_array_elements_text($15::text::json) m order by m) as measures) n
     where ${DEFINITION.workspace_id} = $1 and ${DEFINITION.name} = $2 returning ${DEFINITION.id}, ${DEFINITION.version}`,
    [
      ...[workspaceId, input.name],
      ...[given('title'), input.title ?? null],
      ...[given('description'), input.description ?? null],
      ...[given('category'), input.category ?? null],
      input.status ?? null,
      ...[given('payloadSchema'), schema],
      ...[given('validation'), input.validation ?? null],
      ...[given('measures'), JSON.stringify(input.measures ?? [])],
      isNew,
      ...[given('compatibility'), input.compatibility ?? null],
    ],
  );
  const { id, version } = row as { id: number; version: number };
  if (actor !== null && given('payloadSchema')) {
    // A trigger wrote the row, if this is a new version.
    await connection.query(
      sqlText`update definition_schemas set ${SCHEMA.created_by} = $4
       where ${SCHEMA.workspace_id} = $1 and ${SCHEMA.definition_id} = $2 and ${SCHEMA.version} = $3
         and ${SCHEMA.created_at} = now()::timestamptz(3) and ${SCHEMA.created_by} is null`,
      [workspaceId, id, version, actor.keyId],
    );
  }
  return id;
}

/** Under the lock of recording: an event that comes at the same time is there, or finds no definition. */
async function remove(
  connection: Connection,
  deed: Deed,
  { workspace, name }: { readonly workspace: Workspace; readonly name: string },
): Promise<void> {
  const what = `event definition ${JSON.stringify(name)}`;
  await lockWorkspace(connection, workspace.id);
  const [found] = await connection.query<Row<typeof eventDefinitions, 'id'> & { is_used: boolean }>(
    sqlText`select ${d.id}, exists (
         select from events e where ${e.workspace_id} = ${d.workspace_id} and ${e.definition_id} = ${d.id}
       ) or exists (
         select from event_counts c where ${c.workspace_id} = ${d.workspace_id} and ${c.definition_id} = ${d.id}
       ) as is_used
     from event_definitions d where ${d.workspace_id} = $1 and ${d.name} = $2`,
    [workspace.id, name],
  );
  if (found === undefined) {
    const message = `There is no ${what} in the workspace ${JSON.stringify(workspace.slug)}.`;
    throw new GatewayError('NOT_FOUND', message);
  }
  if (found.is_used) {
    const message = `The ${what} has events, or counts of events that were removed. Only one without them can be deleted. Set its status to BLOCKED to refuse further events.`;
    throw new GatewayError('CONFLICT', message);
  }
  await connection.query(
    sqlText`delete from measure_fills where ${FILL.workspace_id} = $1 and ${FILL.definition_id} = $2`,
    [workspace.id, found.id],
  );
  await connection.query(
    sqlText`delete from definition_schemas where ${SCHEMA.workspace_id} = $1 and ${SCHEMA.definition_id} = $2`,
    [workspace.id, found.id],
  );
  const from = await readShown(connection, workspace.id, name);
  await connection.query(
    sqlText`delete from event_definitions where ${DEFINITION.workspace_id} = $1 and ${DEFINITION.id} = $2`,
    [workspace.id, found.id],
  );
  const type = 'sluice.definition.deleted';
  await deed.record({ type, subject: name, workspaceId: workspace.id, from });
}
