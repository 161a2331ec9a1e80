/**
 * The one function that every read and write passes on its way to a workspace. A workspace that
 * the key does not cover is not there: NOT_FOUND, never FORBIDDEN, which would tell that it is.
 */
import DataLoader from 'dataloader';
import { checkAuditAccess, isAudit } from '../core/audit.ts';
import { requireScope, type Principal, type Scope } from '../core/principal.ts';
import {
  workspaceNotFound,
  workspaceRequired,
  WORKSPACES_KNOWN_MAX,
  type Workspace,
} from '../core/workspace.ts';
import { createLookupCache } from './lookup-cache.ts';

/** Where workspaces are looked up; null for those that are not there. */
export interface WorkspaceSource {
  byIds(ids: readonly number[]): Promise<(Workspace | null)[]>;
  bySlugs(slugs: readonly string[]): Promise<(Workspace | null)[]>;
  /** The first of all by slug, so many at most, without that of the audit. */
  first(count: number): Promise<Workspace[]>;
}

/**
 * The workspace that a principal means: by its slug, else the key's own, else the only one there is.
 * @throws GatewayError UNAUTHENTICATED, FORBIDDEN without the scope, NOT_FOUND, WORKSPACE_REQUIRED
 */
export type Access = (
  principal: Principal | null,
  slug: string | null | undefined,
  scope: Scope,
) => Promise<Workspace>;

/** A change of settings is seen at once where it was made, and by all processes after this time. */
const KEPT_MS = 1_000;

export interface AccessControl {
  readonly access: Access;
  /** What is kept of a workspace, for who has passed `access` before; null: it is not there. */
  readonly find: (workspaceId: number) => Workspace | Promise<Workspace | null>;
  /**
   * The workspace was made, changed or deleted: what is kept of it, or is being read, is not used
   * again.
   */
  readonly forget: (workspaceId: number) => void;
}

export function createAccess(source: WorkspaceSource, nowMs: () => number): AccessControl {
  const byId = gathered<number>(ids => source.byIds(ids));
  const bySlug = gathered<string>(slugs => source.bySlugs(slugs));
  const workspaces = createLookupCache({
    lookUp: (name: string | number) =>
      typeof name === 'number' ? byId.load(name) : bySlug.load(name),
    namesOf: ({ id, slug }: Workspace) => [id, slug],
    keptMs: KEPT_MS,
    nowMs,
  });
  const all = createLookupCache({
    lookUp: (count: number) => source.first(count),
    keptMs: KEPT_MS,
    nowMs,
  });
  const findOnly = async () => {
    const known = (await all.find(WORKSPACES_KNOWN_MAX)) ?? [];
    if (known.length > 1) throw workspaceRequired(known);
    return known[0] ?? null;
  };
  /**
   * Of a key of one workspace, whatever name is given. No other name is looked up: how long that takes
   * would tell whether there is such a workspace.
   */
  const findOwn = async (workspaceId: number, name: string | undefined) => {
    const found = workspaces.find(workspaceId);
    const own = found instanceof Promise ? await found : found;
    if (own === null || name === undefined || own.slug === name) return own;
    // It may have got that name a moment ago.
    const now = await byId.load(workspaceId);
    return now?.slug === name ? now : null;
  };
  return {
    async access(principal, slug, scope) {
      const caller = requireScope(principal, scope);
      const { workspaceId } = caller;
      const name = slug?.toLowerCase();
      const found =
        workspaceId !== null
          ? findOwn(workspaceId, name)
          : name === undefined
            ? findOnly()
            : workspaces.find(name);
      const workspace = found instanceof Promise ? await found : found;
      if (workspace === null) throw workspaceNotFound(slug);
      if (isAudit(workspace.id)) checkAuditAccess(caller, scope, slug);
      return workspace;
    },
    find: workspaceId => workspaces.find(workspaceId),
    forget(workspaceId) {
      workspaces.forget(({ id }) => id === workspaceId);
      all.forget(() => true);
    },
  };
}

/** One statement for all that are looked up in one turn of the event loop, however many there are. */
function gathered<Name>(lookUp: (names: readonly Name[]) => Promise<(Workspace | null)[]>) {
  return new DataLoader<Name, Workspace | null>(lookUp, {
    cache: false,
    batchScheduleFn: setImmediate,
  });
}
