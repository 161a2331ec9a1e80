import { changesOf } from '../core/audit.ts';
import type { EventDefinitionStatus, ValidationMode } from '../core/definition.ts';
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
import { eventCounts, eventDefinitions, events, measureFills, workspaces } from '../db/schema.ts';
import { toGatewayError } from '../db/sqlstate.ts';
import type { SchemaChecker } from '../json-schema/checker.ts';
import { checkDefinable } from './payload-schema.ts';

const n = columnsOf(eventDefinitions, 'n');
const d = columnsOf(eventDefinitions, 'd');
const e = columnsOf(events, 'e');
const c = columnsOf(eventCounts, 'c');
const WORKSPACE = columnsOf(workspaces);
const DEFINITION = columnsOf(eventDefinitions);
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
  readonly measures?: readonly string[] | null | undefined;
}

export interface DefinitionAdmin {
  /**
   * Creates the definition, or changes what is given of it, and returns its id. From its commit
   * on, no event is recorded that was validated by what it replaces.
   * @throws GatewayError BAD_USER_INPUT, TYPE_LIMIT, NOT_FOUND when the workspace is gone,
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
  /** After a change, whether or not it was committed. */
  readonly onDefined: (workspaceId: number) => void;
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
      return changing(workspace, actor, (connection, deed) =>
        define(connection, deed, { workspaceId: workspace.id, input }),
      );
    },
    async remove(workspace, name, actor) {
      checkText('name', name, LIMITS.typeBytesMax);
      await changing(workspace, actor, (connection, deed) =>
        remove(connection, deed, { workspace, name }),
      );
    },
  };
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
    throw wrong(`At most ${LIMITS.measuresMax} measures are kept, but ${measures.length} came.`);
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

async function define(
  connection: Connection,
  deed: Deed,
  { workspaceId, input }: { readonly workspaceId: number; readonly input: DefinitionInput },
): Promise<number> {
  const [workspace] = await connection.query(
    sqlText`select ${WORKSPACE.id} from workspaces where ${WORKSPACE.id} = $1 for no key update`,
    [workspaceId],
  );
  if (workspace === undefined) throw workspaceNotFound();
  const isNew = await ensureExists(connection, workspaceId, input.name);
  await lockWorkspace(connection, workspaceId);
  const before = await readShown(connection, workspaceId, input.name);
  const id = await change(connection, workspaceId, input);
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

type ShownRow = Row<
  typeof eventDefinitions,
  'title' | 'description' | 'category' | 'status' | 'validation' | 'version' | 'measures'
>;

/** What the audit says of it: of its schema the version. */
async function readShown(connection: Connection, workspaceId: number, name: string) {
  const [row] = await connection.query<ShownRow>(
    sqlText`select ${DEFINITION.title}, ${DEFINITION.description}, ${DEFINITION.category}, ${DEFINITION.status},
       ${DEFINITION.validation}, ${DEFINITION.version}, ${DEFINITION.measures}
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
  workspaceId: number,
  input: DefinitionInput,
): Promise<number> {
  const given = (field: keyof DefinitionInput) => input[field] !== undefined;
  const schema = input.payloadSchema == null ? null : JSON.stringify(input.payloadSchema);
  const [row] = await connection.query<Row<typeof eventDefinitions, 'id'>>(
    sqlText`update event_definitions d set
       ${DEFINITION.title} = case when $3 then $4 else ${DEFINITION.title} end,
       ${DEFINITION.description} = case when $5 then $6 else ${DEFINITION.description} end,
       ${DEFINITION.category} = case when $7 then $8 else ${DEFINITION.category} end,
       ${DEFINITION.status} = coalesce($9, case when ${DEFINITION.status} = 'DISCOVERED' then 'ACTIVE' else ${DEFINITION.status} end),
       ${DEFINITION.payload_schema} = case when $10 then n.schema else ${DEFINITION.payload_schema} end,
       ${DEFINITION.validation} = case when $12 then coalesce($13, 'OFF') else ${DEFINITION.validation} end,
       ${DEFINITION.measures} = case when $14 then ${n.measures} else ${d.measures} end,
       ${DEFINITION.version} = ${DEFINITION.version} + (($10 and ${DEFINITION.payload_schema} is distinct from n.schema)::int),
       ${DEFINITION.revision} = ${DEFINITION.revision} + 1,
       ${DEFINITION.updated_at} = now()
     from (select $11::text::jsonb as schema, array(
       select distinct m from json_array_elements_text($15::text::json) m order by m) as measures) n
     where ${DEFINITION.workspace_id} = $1 and ${DEFINITION.name} = $2 returning ${DEFINITION.id}`,
    [
      ...[workspaceId, input.name],
      ...[given('title'), input.title ?? null],
      ...[given('description'), input.description ?? null],
      ...[given('category'), input.category ?? null],
      input.status ?? null,
      ...[given('payloadSchema'), schema],
      ...[given('validation'), input.validation ?? null],
      ...[given('measures'), JSON.stringify(input.measures ?? [])],
    ],
  );
  return (row as { id: number }).id;
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
  const from = await readShown(connection, workspace.id, name);
  await connection.query(
    sqlText`delete from event_definitions where ${DEFINITION.workspace_id} = $1 and ${DEFINITION.id} = $2`,
    [workspace.id, found.id],
  );
  const type = 'sluice.definition.deleted';
  await deed.record({ type, subject: name, workspaceId: workspace.id, from });
}
