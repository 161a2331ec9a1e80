/**
 * Records administrative acts as events of the workspace `sluice`, each in the transaction that does
 * the act. The positions of that workspace are given by the statement that gives all others, under
 * the same lock. Its id is the greatest, so that its lock is the last one of flushes and of acts.
 */
import { randomUUID } from 'node:crypto';
import {
  AUDIT_SLUG,
  AUDIT_TYPES,
  AUDIT_WORKSPACE_ID,
  auditEvent,
  type AuditEntry,
  type AuditedBy,
} from '../core/audit.ts';
import type { LogPlace } from '../core/cursor.ts';
import type { PreparedEvent } from '../core/event.ts';
import { uuidV7 } from '../core/isomorphic.ts';
import { prepareEvent } from '../core/prepare-event.ts';
import type { Actor } from '../core/principal.ts';
import type { AuditedTransaction, Deed, DeedOptions } from '../db/audit-log.ts';
import type { Connection, Database } from '../db/client.ts';
import { columnsOf, sqlText, type Row } from '../db/columns.ts';
import { lockWorkspace } from '../db/locks.ts';
import { ensurePartitions } from '../db/partitions.ts';
import { apiKeys, eventDefinitions, events, workspaceMarks, workspaces } from '../db/schema.ts';
import { arrayLiteral } from '../db/sql-lists.ts';
import { requireKey, transaction } from '../db/transaction.ts';
import { entryJson } from './entry-json.ts';
import { FLUSH_NEW_SQL } from './flush.sql.ts';
import { isPartitionMissing } from './flush.ts';
import type { FlushEntry, Outcome } from './submission.ts';
import type { Recorded } from './writers.ts';

const KEY = columnsOf(apiKeys);
const WORKSPACE = columnsOf(workspaces);
const MARKS = columnsOf(workspaceMarks);
const DEFINITION = columnsOf(eventDefinitions);

export interface AuditOptions {
  /** Makes the partition that the present needs. */
  readonly ensurePartitions: () => Promise<void>;
  readonly now: () => Date;
  readonly newId: () => string;
  /** After a commit. */
  readonly onRecorded: (recorded: Recorded) => void;
}

export function createAuditedTransaction(options: AuditOptions): AuditedTransaction {
  return async (holder, work, { tenant, ...deedOptions }) => {
    let deed: AuditedDeed | undefined;
    const acting = async (connection: Connection) => {
      deed = new AuditedDeed(connection, deedOptions, options);
      const result = await work(connection, deed);
      await deed.finish();
      return result;
    };
    const run = () => transaction(holder, acting, tenant === undefined ? {} : { tenant });
    const result = await run().catch(async (error: unknown) => {
      if (!isPartitionMissing(error)) throw error;
      // Not before the end of the transaction, which has a lock on the table.
      await options.ensurePartitions();
      return run();
    });
    const recorded = deed?.recorded;
    if (recorded !== undefined && recorded.heads.size > 0) options.onRecorded(recorded);
    return result;
  };
}

/** The same, where nobody of this process listens: streams find what it recorded in the log. */
export function createUnheardAudit({ upkeep }: Pick<Database, 'upkeep'>): AuditedTransaction {
  return createAuditedTransaction({
    ensurePartitions: async () => void (await ensurePartitions(upkeep)),
    now: () => new Date(),
    newId: () => uuidV7(Date.now(), randomUUID()),
    onRecorded: () => {},
  });
}

class AuditedDeed implements Deed {
  readonly #connection: Connection;
  readonly #deed: Omit<DeedOptions, 'tenant'>;
  readonly #options: AuditOptions;
  readonly #entries = new Map<FlushEntry, Outcome>();
  #head: LogPlace | undefined;
  #isRequired = false;

  constructor(connection: Connection, deed: Omit<DeedOptions, 'tenant'>, options: AuditOptions) {
    this.#connection = connection;
    this.#deed = deed;
    this.#options = options;
  }

  get recorded(): Recorded {
    const heads = new Map<number, LogPlace>();
    if (this.#head !== undefined) heads.set(AUDIT_WORKSPACE_ID, this.#head);
    return { heads, entries: this.#entries };
  }

  async require(): Promise<void> {
    if (this.#isRequired) return;
    this.#isRequired = true;
    await lockWorkspace(this.#connection, AUDIT_WORKSPACE_ID);
    await this.#requireKey();
  }

  /** Where nothing was recorded, the audit's turn is not waited for. */
  async finish(): Promise<void> {
    if (!this.#isRequired) await this.#requireKey();
  }

  async #requireKey(): Promise<void> {
    const { actor, needsKey = true } = this.#deed;
    if (needsKey) await requireKey(this.#connection, actor);
  }

  async record({ workspaceId, workspace, ...entry }: AuditEntry): Promise<void> {
    const { slug, ...by } = await readNames(this.#connection, this.#deed.actor, workspaceId);
    const input = auditEvent({ ...entry, workspace: workspace ?? slug }, by);
    const { now, newId } = this.#options;
    const { event, problems } = prepareEvent(input, { door: 'GRAPHQL', now, newId });
    if (event === null) throw new Error(`an act can't be recorded: ${JSON.stringify(problems)}`);
    await this.#store(event);
  }

  async #findDefinition(type: string): Promise<{ id: number }> {
    const known = await findDefinition(this.#connection, type);
    if (known !== undefined) return known;
    await this.require();
    await makeDefinition(this.#connection, type);
    return (await findDefinition(this.#connection, type)) as { id: number };
  }

  async #store(event: PreparedEvent): Promise<void> {
    const definition = await this.#findDefinition(event.type);
    const entry: FlushEntry = {
      workspaceId: AUDIT_WORKSPACE_ID,
      event: { ...event, definitionId: definition.id, category: CATEGORY, revision: 0 },
      request: 1,
      atomic: false,
      actor: null,
    };
    // Its own definitions are not looked at again: nothing is validated by them. The key is, unless it
    // was before: the statement takes the turn, and looks behind it.
    const { actor, needsKey = true } = this.#deed;
    const keys = this.#isRequired || !needsKey || actor === null ? [] : [actor];
    this.#isRequired = true;
    const [place] = await this.#connection.query<Row<typeof events, 'position' | 'recorded_at'>>(
      FLUSH_NEW_SQL,
      [
        `[${entryJson(entry)}]`,
        ...['{}', '{}', '{}'],
        arrayLiteral(keys.map(({ keyId }) => keyId)),
        arrayLiteral(keys.map(({ scope }) => scope)),
      ],
    );
    if (place === undefined) throw new Error('the workspace of the audit is missing');
    this.#head = { position: place.position, recordedAt: place.recorded_at };
    this.#entries.set(entry, { status: 'RECORDED', ...this.#head });
  }
}

async function readNames(
  connection: Connection,
  actor: Actor | null,
  workspaceId: number | null,
): Promise<AuditedBy & { readonly slug: string | null }> {
  const [row] = await connection.query<{ key: string | null; slug: string | null }>(
    sqlText`select (select ${KEY.name} from api_keys where ${KEY.id} = $1) as key,
       (select ${WORKSPACE.slug} from workspaces where ${WORKSPACE.id} = $2) as slug`,
    [actor?.keyId ?? null, workspaceId],
  );
  const address = actor?.clientAddress?.() ?? '';
  return {
    key: actor === null ? null : { id: actor.keyId, name: row?.key ?? '' },
    clientIp: address === '' ? null : address,
    slug: row?.slug ?? null,
  };
}

const CATEGORY = 'audit';

async function findDefinition(
  connection: Connection,
  type: string,
): Promise<{ id: number } | undefined> {
  const [found] = await connection.query<Row<typeof eventDefinitions, 'id'>>(
    sqlText`select ${DEFINITION.id} from event_definitions
     where ${DEFINITION.workspace_id} = $1 and ${DEFINITION.name} = $2`,
    [AUDIT_WORKSPACE_ID, type],
  );
  return found;
}

/** Under the audit's lock: two that made it at a time would wait for each other. */
async function makeDefinition(connection: Connection, type: string): Promise<void> {
  await connection.query(
    sqlText`insert into event_definitions (${DEFINITION.workspace_id}, ${DEFINITION.name},
       ${DEFINITION.description}, ${DEFINITION.category}, ${DEFINITION.status})
     values ($1, $2, $3, $4, 'ACTIVE') on conflict (${DEFINITION.workspace_id}, ${DEFINITION.name}) do nothing`,
    [AUDIT_WORKSPACE_ID, type, AUDIT_TYPES[type as keyof typeof AUDIT_TYPES], CATEGORY],
  );
}

/** How many slugs are tried: somebody has all others. */
const SLUGS_MAX = 100;

/**
 * Makes the workspace of the audit where it is not there yet. A workspace that has its slug keeps it.
 * @returns its slug
 */
export async function ensureAuditWorkspace(write: Connection): Promise<string> {
  for (let number = 1; number <= SLUGS_MAX; number++) {
    const suffix = number === 1 ? '' : number === 2 ? '-audit' : `-audit-${number - 1}`;
    await write.query(
      sqlText`with made as (
         insert into workspaces (${WORKSPACE.id}, ${WORKSPACE.slug}, ${WORKSPACE.name}, ${WORKSPACE.evidence})
         overriding system value values ($1, $2, $3, true)
         on conflict do nothing returning ${WORKSPACE.id}
       ) insert into workspace_marks (${MARKS.workspace_id}) select ${WORKSPACE.id} from made
       on conflict do nothing`,
      [AUDIT_WORKSPACE_ID, `${AUDIT_SLUG}${suffix}`, 'Audit of the gateway'],
    );
    const [kept] = await write.query<Row<typeof workspaces, 'slug'>>(
      sqlText`select ${WORKSPACE.slug} from workspaces where ${WORKSPACE.id} = $1`,
      [AUDIT_WORKSPACE_ID],
    );
    if (kept !== undefined) return kept.slug;
  }
  throw new Error('every slug that the workspace of the audit could have is in use');
}
