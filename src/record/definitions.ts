/**
 * Type names become definitions through this cache. It may be behind the database: a flush
 * checks the revisions that its events were validated by, and what is stale is read again.
 */
import { LRUCache } from 'lru-cache';
import { LIMITS } from '../core/limits.ts';
import type { Actor } from '../core/principal.ts';
import type { Connection, Pool } from '../db/client.ts';
import { columnsOf, type Row, sqlText } from '../db/columns.ts';
import { eventDefinitions, workspaces } from '../db/schema.ts';
import { arrayLiteral } from '../db/sql-lists.ts';
import { requireKey, transaction } from '../db/transaction.ts';
import type { FlushEntry } from './submission.ts';

const d = columnsOf(eventDefinitions, 'd');
const DEFINITION = columnsOf(eventDefinitions);
const WORKSPACE = columnsOf(workspaces);

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

/** Definitions. A full cache forgets the workspace that recorded nothing for longest. */
const CACHED_MAX = 100_000;

interface Cached {
  readonly definition: KnownDefinition;
  readonly untilMs: number;
}

type DefinitionRow = Row<
  typeof eventDefinitions,
  'id' | 'name' | 'category' | 'revision' | 'status' | 'validation' | 'payload_schema'
>;

const COLUMNS = sqlText`${DEFINITION.id}, ${DEFINITION.name}, ${DEFINITION.category}, ${DEFINITION.revision}, ${DEFINITION.status}, ${DEFINITION.validation}, ${DEFINITION.payload_schema}`;

export class DefinitionCache {
  readonly #write: Pool;
  readonly #nowMs: () => number;
  readonly #byWorkspace = new LRUCache<number, Map<string, Cached>>({
    maxSize: CACHED_MAX,
    sizeCalculation: ({ size }) => Math.max(1, size),
  });

  constructor(write: Pool, nowMs: () => number) {
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
    const rows = await this.#write.query<Row<typeof eventDefinitions, 'id' | 'revision'>>(
      sqlText`select ${DEFINITION.id}, ${DEFINITION.revision} from event_definitions
       where ${DEFINITION.workspace_id} = any ($1::text::int[]) and ${DEFINITION.id} = any ($2::text::int[])`,
      [arrayLiteral(workspaceIds), arrayLiteral(validatedBy.keys())],
    );
    const current = new Map(rows.map(({ id, revision }) => [id, revision] as const));
    const stale = [...validatedBy].filter(([id, revision]) => current.get(id) !== revision);
    for (const workspaceId of workspaceIds) this.forget(workspaceId);
    return new Set(stale.map(([id]) => id));
  }

  async #load(workspaceId: number, names: readonly string[]): Promise<KnownDefinition[]> {
    const rows = await this.#write.query<DefinitionRow>(
      sqlText`select ${COLUMNS} from event_definitions
       where ${DEFINITION.workspace_id} = $1 and ${DEFINITION.name} in (select json_array_elements_text($2::text::json))`,
      [workspaceId, JSON.stringify(names)],
      { tenant: workspaceId },
    );
    const cached = this.#byWorkspace.get(workspaceId) ?? new Map<string, Cached>();
    const loaded = rows.map(row => {
      const known = cached.get(row.name)?.definition;
      // One text for each revision: compiled schemas are kept by their text.
      const definition = known?.revision === row.revision ? known : toKnown(row);
      const untilMs = judges(definition) ? this.#nowMs() + JUDGING_KEPT_MS : Infinity;
      cached.set(row.name, { definition, untilMs });
      return definition;
    });
    // Its size is told anew only for an entry that is new.
    this.#byWorkspace.delete(workspaceId);
    this.#byWorkspace.set(workspaceId, cached);
    return loaded;
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
  await connection.query(
    sqlText`select ${WORKSPACE.id} from workspaces where ${WORKSPACE.id} = $1 for no key update`,
    [workspaceId],
  );
  await connection.query(
    sqlText`insert into event_definitions (${DEFINITION.workspace_id}, ${DEFINITION.name})
     select $1, given.name
     from json_array_elements_text($2::text::json) with ordinality as given (name, place)
     where not exists (
       select from event_definitions d where ${d.workspace_id} = $1 and ${d.name} = given.name)
     order by place
     limit greatest(0, $3 - (select count(*) from event_definitions where ${DEFINITION.workspace_id} = $1))
     on conflict (${DEFINITION.workspace_id}, ${DEFINITION.name}) do nothing`,
    [workspaceId, JSON.stringify(names), LIMITS.definitionsMax],
  );
}
