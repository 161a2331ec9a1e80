import { GatewayError } from '../core/errors.ts';
import { checkSlug } from '../core/slug.ts';
import { isStorableText, isWithinBytes } from '../core/text.ts';
import type { UnknownTypePolicy, Workspace } from '../core/workspace.ts';
import type { Connection, Lane } from '../db/client.ts';
import { codeOf, SQLSTATE, toGatewayError } from '../db/sqlstate.ts';
import { toWorkspace, WORKSPACE_COLUMNS, type WorkspaceRow } from '../db/stored-workspace.ts';
import { transaction } from '../db/transaction.ts';
import { lockWorkspace } from '../db/workspace-lock.ts';

/** Absent: the default, or unchanged. Null: cleared. */
export interface WorkspaceSettings {
  readonly name?: string | null | undefined;
  readonly retentionDays?: number | null | undefined;
  readonly dedupeDays?: number | null | undefined;
  readonly timeZone?: string | null | undefined;
  readonly unknownTypes?: UnknownTypePolicy | null | undefined;
}

export interface WorkspaceAdmin {
  /** @throws GatewayError BAD_USER_INPUT, CONFLICT */
  create(input: WorkspaceSettings & { readonly slug: string }): Promise<Workspace>;
  /** @throws GatewayError BAD_USER_INPUT, CONFLICT, NOT_FOUND */
  update(
    input: WorkspaceSettings & {
      readonly slug: string;
      readonly newSlug?: string | null | undefined;
    },
  ): Promise<Workspace>;
  /** With everything in it. @throws GatewayError NOT_FOUND */
  remove(slug: string): Promise<void>;
}

const DAYS_MAX = 36_500;
const NAME_BYTES_MAX = 256;
const DEFAULTS = { dedupeDays: 30, timeZone: 'UTC', unknownTypes: 'DISCOVER' } as const;

/** @param onChanged after a change of settings: the days of another zone are to be made. */
export function createWorkspaceAdmin(
  write: Lane,
  /** Also when it is deleted. */
  onChanged: (workspaceId: number) => void = () => {},
): WorkspaceAdmin {
  return {
    create: input => create(write, input),
    update: async input => {
      const workspace = await update(write, input);
      onChanged(workspace.id);
      return workspace;
    },
    remove: async slug => onChanged(await remove(write, slug)),
  };
}

async function create(
  write: Connection,
  input: WorkspaceSettings & { readonly slug: string },
): Promise<Workspace> {
  const slug = checkSlug(input.slug);
  checkSettings(input);
  const rows = await taken(slug, () =>
    write.query<WorkspaceRow>(
      `with made as (
         insert into workspaces (slug, name, retention_days, dedupe_days, time_zone, unknown_types)
         values ($1, $2, $3, $4, $5, $6) returning ${WORKSPACE_COLUMNS}
       ), marked as (insert into workspace_marks (workspace_id) select id from made)
       select ${WORKSPACE_COLUMNS} from made`,
      [
        slug,
        input.name ?? slug,
        input.retentionDays ?? null,
        input.dedupeDays ?? DEFAULTS.dedupeDays,
        input.timeZone ?? DEFAULTS.timeZone,
        input.unknownTypes ?? DEFAULTS.unknownTypes,
      ],
    ),
  );
  return toWorkspace(rows[0] as WorkspaceRow);
}

async function update(
  write: Connection,
  input: Parameters<WorkspaceAdmin['update']>[0],
): Promise<Workspace> {
  const newSlug = input.newSlug == null ? null : checkSlug(input.newSlug);
  checkSettings(input);
  const rows = await taken(newSlug ?? input.slug, () =>
    write.query<WorkspaceRow>(
      `update workspaces set
         slug = coalesce($2, slug), name = coalesce($3, name),
         retention_days = case when $4 then $5 else retention_days end,
         dedupe_days = coalesce($6, dedupe_days), time_zone = coalesce($7, time_zone),
         unknown_types = coalesce($8, unknown_types)
       where slug = $1 returning ${WORKSPACE_COLUMNS}`,
      [
        input.slug.toLowerCase(),
        newSlug,
        cleared(input.name, input.slug),
        input.retentionDays !== undefined,
        input.retentionDays ?? null,
        cleared(input.dedupeDays, DEFAULTS.dedupeDays),
        cleared(input.timeZone, DEFAULTS.timeZone),
        cleared(input.unknownTypes, DEFAULTS.unknownTypes),
      ],
    ),
  );
  if (rows[0] === undefined) throw notFound();
  return toWorkspace(rows[0]);
}

/** Null sets back to the default, absent keeps. */
function cleared<T>(given: T | null | undefined, byDefault: T): T | null {
  return given === null ? byDefault : (given ?? null);
}

/** What it held can't be reached from now on, and is taken away by upkeep. */
async function remove(write: Lane, slug: string): Promise<number> {
  return transaction(write, async connection => {
    const [row] = await connection.query<{ id: number }>(
      'select id from workspaces where slug = $1 for update',
      [slug.toLowerCase()],
    );
    if (row === undefined) throw notFound();
    // No flush is under way behind this, and none that comes later finds the workspace.
    await lockWorkspace(connection, row.id);
    await connection.query('delete from workspaces where id = $1', [row.id]);
    return row.id;
  });
}

function notFound(): GatewayError {
  return new GatewayError('NOT_FOUND', 'There is no such workspace for this key.');
}

async function taken<T>(slug: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (codeOf(error) !== SQLSTATE.uniqueViolation) throw toGatewayError(error, 'write');
    throw new GatewayError('CONFLICT', `The slug "${slug}" is taken: choose another.`);
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
    const message = `${field} is 1 to ${DAYS_MAX} days, but ${days} came.`;
    throw new GatewayError('BAD_USER_INPUT', message);
  }
}
