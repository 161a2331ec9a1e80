/**
 * Type names become definitions through this cache. It may be behind the database: a flush
 * checks the revisions that its events were validated by, and what is stale is read again.
 */
import { LIMITS } from '../core/limits.ts';
import type { Actor } from '../core/principal.ts';
import type { Connection, Lane } from '../db/client.ts';
import { requireKey, transaction } from '../db/transaction.ts';
import type { FlushEntry } from './submission.ts';

/** Of a definition, what recording needs. */
export interface KnownDefinition {
  readonly id: number;
  readonly name: string;
  readonly category: string | null;
  readonly revision: number;
  readonly status: 'DISCOVERED' | 'ACTIVE' | 'DEPRECATED' | 'BLOCKED';
  readonly validation: 'OFF' | 'WARN' | 'QUARANTINE' | 'REJECT';
  /** As JSON text; null where payloads are not checked. */
  readonly schema: string | null;
}

/**
 * A definition by which an event may be refused, or get a warning, is read again after this time:
 * no flush would notice that it has changed. All others are checked by the flush.
 */
const JUDGING_KEPT_MS = 1_000;

/** A full cache forgets the workspace that it has known longest. */
const CACHED_MAX = 100_000;

interface Cached {
  readonly definition: KnownDefinition;
  readonly untilMs: number;
}

interface DefinitionRow {
  id: number;
  name: string;
  category: string | null;
  revision: number;
  status: KnownDefinition['status'];
  validation: KnownDefinition['validation'];
  payload_schema: string | null;
}

const COLUMNS = 'id, name, category, revision, status, validation, payload_schema';

export class DefinitionCache {
  readonly #write: Lane;
  readonly #nowMs: () => number;
  readonly #byWorkspace = new Map<number, Map<string, Cached>>();
  #size = 0;

  constructor(write: Lane, nowMs: () => number) {
    this.#write = write;
    this.#nowMs = nowMs;
  }

  /** The definitions of these types that exist. */
  async resolve(
    workspaceId: number,
    names: ReadonlySet<string>,
  ): Promise<Map<string, KnownDefinition>> {
    const found = new Map<string, KnownDefinition>();
    const missing: string[] = [];
    const cached = this.#byWorkspace.get(workspaceId);
    for (const name of names) {
      const known = cached?.get(name);
      if (known === undefined || known.untilMs < this.#nowMs()) missing.push(name);
      else found.set(name, known.definition);
    }
    if (missing.length === 0) return found;
    for (const definition of await this.#load(workspaceId, missing)) {
      found.set(definition.name, definition);
    }
    return found;
  }

  /**
   * Defines types on first sight, as far as the workspace has room.
   * @throws the bare error of the database, SL002 where the key was revoked meanwhile
   */
  async discover(
    workspaceId: number,
    names: readonly string[],
    actor: Actor | null,
  ): Promise<KnownDefinition[]> {
    const work = async (connection: Connection) => {
      await discover(connection, workspaceId, names);
      await requireKey(connection, actor);
    };
    await transaction(this.#write, work, { tenant: workspaceId });
    return this.#load(workspaceId, names);
  }

  /** Forgets what is cached of a workspace: its definitions are read again. */
  forget(workspaceId: number): void {
    this.#size -= this.#byWorkspace.get(workspaceId)?.size ?? 0;
    this.#byWorkspace.delete(workspaceId);
  }

  /** Which definitions are no longer at the revision that these events were validated by. */
  async stale(entries: readonly FlushEntry[]): Promise<ReadonlySet<number>> {
    const validatedBy = new Map<number, number>();
    const workspaceIds = new Set<number>();
    for (const { event, workspaceId } of entries) {
      validatedBy.set(event.definitionId, event.revision);
      workspaceIds.add(workspaceId);
    }
    const rows = await this.#write.query<{ id: number; revision: number }>(
      `select id, revision from event_definitions
       where workspace_id = any ($1::text::int[]) and id = any ($2::text::int[])`,
      [`{${[...workspaceIds].join(',')}}`, `{${[...validatedBy.keys()].join(',')}}`],
    );
    const current = new Map(rows.map(({ id, revision }) => [id, revision] as const));
    const stale = [...validatedBy].filter(([id, revision]) => current.get(id) !== revision);
    for (const workspaceId of workspaceIds) this.forget(workspaceId);
    return new Set(stale.map(([id]) => id));
  }

  async #load(workspaceId: number, names: readonly string[]): Promise<KnownDefinition[]> {
    const rows = await this.#write.query<DefinitionRow>(
      `select ${COLUMNS} from event_definitions
       where workspace_id = $1 and name in (select json_array_elements_text($2::text::json))`,
      [workspaceId, JSON.stringify(names)],
      { tenant: workspaceId },
    );
    return rows.map(row => this.#remember(workspaceId, row));
  }

  #remember(workspaceId: number, row: DefinitionRow): KnownDefinition {
    let cached = this.#byWorkspace.get(workspaceId);
    if (cached === undefined) this.#byWorkspace.set(workspaceId, (cached = new Map()));
    const known = cached.get(row.name)?.definition;
    // One text for each revision: compiled schemas are kept by their text.
    const definition = known?.revision === row.revision ? known : toKnown(row);
    if (known === undefined) this.#size += 1;
    const untilMs = judges(definition) ? this.#nowMs() + JUDGING_KEPT_MS : Infinity;
    cached.set(row.name, { definition, untilMs });
    for (const oldest of this.#byWorkspace.keys()) {
      if (this.#size <= CACHED_MAX || oldest === workspaceId) break;
      this.forget(oldest);
    }
    return definition;
  }
}

function toKnown({ payload_schema, ...row }: DefinitionRow): KnownDefinition {
  return { ...row, schema: row.validation === 'OFF' ? null : payload_schema };
}

function judges({ status, schema }: KnownDefinition): boolean {
  return status === 'BLOCKED' || status === 'DEPRECATED' || schema !== null;
}

/** Under the workspace's row lock, so that the limit holds between processes. */
async function discover(
  connection: Connection,
  workspaceId: number,
  names: readonly string[],
): Promise<void> {
  await connection.query('select id from workspaces where id = $1 for no key update', [
    workspaceId,
  ]);
  await connection.query(
    `insert into event_definitions (workspace_id, name)
     select $1, name
     from json_array_elements_text($2::text::json) with ordinality as given (name, place)
     where not exists (
       select from event_definitions d where d.workspace_id = $1 and d.name = given.name)
     order by place
     limit greatest(0, $3 - (select count(*) from event_definitions where workspace_id = $1))
     on conflict (workspace_id, name) do nothing`,
    [workspaceId, JSON.stringify(names), LIMITS.definitionsMax],
  );
}
