import { AUDIT_SLUG, auditIsKept, changesOf, isAudit } from '../core/audit.ts';
import { GatewayError } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import { tenantOfActor, type Actor } from '../core/principal.ts';
import { isStorableText, isWithinBytes } from '../core/text.ts';
import {
  checkSlug,
  workspaceNotFound,
  type UnknownTypePolicy,
  type Workspace,
} from '../core/workspace.ts';
import type { AuditedTransaction, Deed } from '../db/audit-log.ts';
import type { Connection, Pool } from '../db/client.ts';
import { columnsOf, sqlText } from '../db/columns.ts';
import { lockWorkspace } from '../db/locks.ts';
import { workspaceMarks, workspaces } from '../db/schema.ts';
import { toGatewayError } from '../db/sqlstate.ts';
import { toWorkspace, WORKSPACE_COLUMNS, type WorkspaceRow } from '../db/stored-workspace.ts';

const WORKSPACE = columnsOf(workspaces);
const MARKS = columnsOf(workspaceMarks);

/** Absent: the default, or unchanged. Null: cleared. */
export interface WorkspaceSettings {
  readonly name?: string | null | undefined;
  readonly retentionDays?: number | null | undefined;
  readonly dedupeDays?: number | null | undefined;
  readonly timeZone?: string | null | undefined;
  readonly unknownTypes?: UnknownTypePolicy | null | undefined;
  readonly evidence?: boolean | null | undefined;
  readonly searchIndex?: boolean | null | undefined;
}

type NewWorkspace = WorkspaceSettings & { readonly slug: string };
type ChangedWorkspace = NewWorkspace & { readonly newSlug?: string | null | undefined };

/**
 * All throw UNAUTHENTICATED where the acting key was revoked or has expired before the commit. An
 * actor of null is the gateway itself.
 */
export interface WorkspaceAdmin {
  /** @throws GatewayError BAD_USER_INPUT, CONFLICT */
  create(input: NewWorkspace, actor: Actor | null): Promise<Workspace>;
  /**
   * @throws GatewayError BAD_USER_INPUT, CONFLICT, NOT_FOUND, FORBIDDEN for the slug and the evidence
   * of the audit's
   */
  update(input: ChangedWorkspace, actor: Actor | null): Promise<Workspace>;
  /** With everything in it. @throws GatewayError NOT_FOUND, FORBIDDEN for the audit's */
  remove(slug: string, actor: Actor | null): Promise<void>;
}

const DAYS_MAX = 36_500;
const NAME_BYTES_MAX = 256;
const DEFAULTS = {
  dedupeDays: 30,
  timeZone: 'UTC',
  unknownTypes: 'DISCOVER',
  evidence: false,
  searchIndex: false,
} as const;

export function createWorkspaceAdmin(
  write: Pool,
  audited: AuditedTransaction,
  /** After it was made, changed (the days of another zone are to be made) or deleted. */
  onChanged: (workspaceId: number) => void = () => {},
): WorkspaceAdmin {
  const port = { write, audited };
  return {
    create: async (input, actor) => {
      const workspace = await create(port, input, actor);
      onChanged(workspace.id);
      return workspace;
    },
    update: async (input, actor) => {
      const workspace = await update(port, input, actor);
      onChanged(workspace.id);
      return workspace;
    },
    remove: async (slug, actor) => onChanged(await remove(port, slug, actor)),
  };
}

interface Port {
  readonly write: Pool;
  readonly audited: AuditedTransaction;
}

async function create(port: Port, input: NewWorkspace, actor: Actor | null): Promise<Workspace> {
  const slug = checkSlug(input.slug);
  checkSettings(input);
  return written(port, { slug, actor }, async (connection, deed) => {
    const rows = await connection.query<WorkspaceRow>(
      sqlText`with made as (
         insert into workspaces (${WORKSPACE.slug}, ${WORKSPACE.name}, ${WORKSPACE.retention_days}, ${WORKSPACE.dedupe_days}, ${WORKSPACE.time_zone}, ${WORKSPACE.unknown_types}, ${WORKSPACE.evidence}, ${WORKSPACE.search_index})
         values ($1, $2, $3, $4, $5, $6, $7, $8) returning ${WORKSPACE_COLUMNS}
       ), marked as (insert into workspace_marks (${MARKS.workspace_id}) select ${WORKSPACE.id} from made)
       select ${WORKSPACE_COLUMNS} from made`,
      [
        slug,
        input.name ?? slug,
        input.retentionDays ?? null,
        input.dedupeDays ?? DEFAULTS.dedupeDays,
        input.timeZone ?? DEFAULTS.timeZone,
        input.unknownTypes ?? DEFAULTS.unknownTypes,
        input.evidence ?? DEFAULTS.evidence,
        input.searchIndex ?? DEFAULTS.searchIndex,
      ],
    );
    const made = toWorkspace(rows[0] as WorkspaceRow);
    const { id: workspaceId } = made;
    const to = shown(made);
    await deed.record({ type: 'sluice.workspace.created', subject: slug, workspaceId, to });
    return made;
  });
}

/** What the audit says of it. */
function shown({ id: _id, createdAt: _createdAt, ...settings }: Workspace): JsonObject {
  return settings;
}

async function update(
  port: Port,
  input: ChangedWorkspace,
  actor: Actor | null,
): Promise<Workspace> {
  const newSlug = input.newSlug == null ? null : checkSlug(input.newSlug);
  checkSettings(input);
  return written(port, { slug: newSlug ?? input.slug, actor }, async (connection, deed) => {
    const before = await lock(connection, input.slug);
    if (isAudit(before.id)) checkAuditChange(input, newSlug);
    const after = await change(connection, input, newSlug);
    await deed.record({
      type: 'sluice.workspace.updated',
      subject: after.slug,
      workspaceId: after.id,
      ...changesOf(shown(before), shown(after)),
    });
    return after;
  });
}

/** @throws GatewayError FORBIDDEN for what would end the audit, or hide it */
function checkAuditChange({ evidence }: ChangedWorkspace, newSlug: string | null): void {
  if (newSlug !== null && newSlug !== AUDIT_SLUG) throw auditIsKept('renamed');
  if (evidence === false || evidence === null) throw auditIsKept('kept without evidence');
}

/** @throws GatewayError NOT_FOUND */
async function lock(connection: Connection, slug: string): Promise<Workspace> {
  const [row] = await connection.query<WorkspaceRow>(
    sqlText`select ${WORKSPACE_COLUMNS} from workspaces where ${WORKSPACE.slug} = $1 for update`,
    [slug.toLowerCase()],
  );
  if (row === undefined) throw workspaceNotFound(slug);
  return toWorkspace(row);
}

async function change(
  connection: Connection,
  input: ChangedWorkspace,
  newSlug: string | null,
): Promise<Workspace> {
  const [row] = await connection.query<WorkspaceRow>(
    sqlText`update workspaces set
         ${WORKSPACE.slug} = coalesce($2, ${WORKSPACE.slug}), ${WORKSPACE.name} = coalesce($3, ${WORKSPACE.name}),
         ${WORKSPACE.retention_days} = case when $4 then $5 else ${WORKSPACE.retention_days} end,
         ${WORKSPACE.dedupe_days} = coalesce($6, ${WORKSPACE.dedupe_days}), ${WORKSPACE.time_zone} = coalesce($7, ${WORKSPACE.time_zone}),
         ${WORKSPACE.unknown_types} = coalesce($8, ${WORKSPACE.unknown_types}), ${WORKSPACE.evidence} = coalesce($9, ${WORKSPACE.evidence}),
         ${WORKSPACE.search_index} = coalesce($10, ${WORKSPACE.search_index})
       where ${WORKSPACE.slug} = $1 returning ${WORKSPACE_COLUMNS}`,
    [
      input.slug.toLowerCase(),
      newSlug,
      cleared(input.name, input.slug),
      input.retentionDays !== undefined,
      input.retentionDays ?? null,
      cleared(input.dedupeDays, DEFAULTS.dedupeDays),
      cleared(input.timeZone, DEFAULTS.timeZone),
      cleared(input.unknownTypes, DEFAULTS.unknownTypes),
      cleared(input.evidence, DEFAULTS.evidence),
      cleared(input.searchIndex, DEFAULTS.searchIndex),
    ],
  );
  return toWorkspace(row as WorkspaceRow);
}

/** Null sets back to the default, absent keeps. */
function cleared<T>(given: T | null | undefined, byDefault: T): T | null {
  return given === null ? byDefault : (given ?? null);
}

/** What it held can't be reached from now on, and is taken away by upkeep. */
async function remove(port: Port, slug: string, actor: Actor | null): Promise<number> {
  return written(port, { slug, actor }, async (connection, deed) => {
    const workspace = await lock(connection, slug);
    const { id } = workspace;
    if (isAudit(id)) throw auditIsKept('deleted');
    // No flush is under way behind this, and none that comes later finds the workspace.
    await lockWorkspace(connection, id);
    await connection.query(sqlText`delete from workspaces where ${WORKSPACE.id} = $1`, [id]);
    await deed.record({
      type: 'sluice.workspace.deleted',
      subject: workspace.slug,
      workspaceId: null,
      workspace: workspace.slug,
      from: shown(workspace),
    });
    return id;
  });
}

interface Written {
  readonly slug: string;
  readonly actor: Actor | null;
}

/** Commits what `work` does, if the acting key is still valid then. */
async function written<T>(
  { write, audited }: Port,
  { slug, actor }: Written,
  work: (connection: Connection, deed: Deed) => Promise<T>,
): Promise<T> {
  try {
    return await audited(write, work, { actor, tenant: tenantOfActor(actor) });
  } catch (error) {
    const conflict = `The slug "${slug}" is already in use. Choose another.`;
    throw toGatewayError(error, 'write', conflict);
  }
}

function checkSettings({ name, retentionDays, dedupeDays }: WorkspaceSettings): void {
  const isNameFit =
    name == null ||
    (name.trim() !== '' && isStorableText(name) && isWithinBytes(name, NAME_BYTES_MAX));
  if (!isNameFit) {
    const message = `A workspace's name has 1 to ${NAME_BYTES_MAX} bytes, without U+0000.`;
    throw new GatewayError('BAD_USER_INPUT', message);
  }
  for (const [field, days] of Object.entries({ retentionDays, dedupeDays })) {
    if (days == null || (days >= 1 && days <= DAYS_MAX)) continue;
    const message = `${field} expects 1 to ${DAYS_MAX} days, but got ${days}.`;
    throw new GatewayError('BAD_USER_INPUT', message);
  }
}
