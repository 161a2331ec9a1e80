/** Makes and changes consumers. Each change locks the consumer: a pull is before it, or sees it. */
import { sql, type SQL } from 'drizzle-orm';
import { changesOf, type AuditEntry, type AuditType } from '../core/audit.ts';
import { checkConsumerTexts, type ConsumerKind, type ConsumerPlace } from '../core/consumer.ts';
import { GatewayError } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import { LIMITS } from '../core/limits.ts';
import type { Actor } from '../core/principal.ts';
import type { AuditedTransaction, Deed } from '../db/audit-log.ts';
import type { Connection, Pool } from '../db/client.ts';
import { columnsOf, type Row } from '../db/columns.ts';
import { rows } from '../db/query.ts';
import {
  consumers,
  deliveries,
  notificationRules,
  webhooks,
  workspaceMarks,
  workspaces,
} from '../db/schema.ts';
import { arrayLiteral } from '../db/sql-lists.ts';
import { codeOf, SQLSTATE, toGatewayError } from '../db/sqlstate.ts';
import {
  changeSql,
  checkConsumer,
  filterText,
  type ConsumerChange,
  type NewConsumer,
} from './consumer-change.ts';
import { findPlace } from './place-sql.ts';
import { consumerNotFound } from './plans.ts';

const w = columnsOf(webhooks);
const r = columnsOf(notificationRules);
const c = columnsOf(consumers, 'c');
const q = columnsOf(deliveries, 'q');
const m = columnsOf(workspaceMarks, 'm');
const s = columnsOf(workspaces, 's');
const CONSUMER = columnsOf(consumers);
const DELIVERY = columnsOf(deliveries);

/** Which consumer, and who changes it; an actor of null is the gateway itself. */
export interface Change {
  readonly workspaceId: number;
  readonly name: string;
  readonly actor: Actor | null;
}

/**
 * Where nothing else is said, the id of the consumer. All throw GatewayError: NOT_FOUND,
 * BAD_USER_INPUT, UNAUTHENTICATED where the acting key was revoked or has expired before the commit.
 */
export interface ConsumerAdmin {
  /** @throws GatewayError CONFLICT, CONSUMER_LIMIT, CURSOR_AHEAD, CURSOR_EXPIRED */
  create(
    workspaceId: number,
    consumer: NewConsumer,
    actor: Actor | null,
    also?: Also<unknown>,
  ): Promise<number>;
  /** @throws GatewayError CONFLICT */
  update(change: Change, to: ConsumerChange): Promise<number>;
  /** @param only one of this kind is found */
  remove(change: Change, only?: ConsumerKind): Promise<number>;
  pause(change: Change, reason: string | null): Promise<number>;
  resume(change: Change): Promise<number>;
  /** Drops leases and what waits; keeps what is parked. @throws GatewayError CURSOR_AHEAD, CURSOR_EXPIRED */
  seek(change: Change, to: ConsumerPlace): Promise<number>;
  /** Parked deliveries at these positions, or all, wait for delivery again. How many there were. */
  redeliver(change: Change, positions: readonly number[] | null): Promise<number>;
  /** How many there were. */
  discard(change: Change, positions: readonly number[] | null): Promise<number>;
  /**
   * Something else that is kept of a consumer, in a transaction that has locked it. It says itself
   * what is recorded of it.
   */
  change<T>(change: Change, also: Also<T>): Promise<T>;
}

/** What is done with a consumer in the transaction that makes or changes it. */
export type Also<T> = (
  connection: Connection,
  consumerId: number,
  kind: ConsumerKind,
  deed: Deed,
) => Promise<T>;

interface Port {
  readonly write: Pool;
  readonly audited: AuditedTransaction;
}

interface Done<T> {
  readonly result: T;
  readonly facts?: AuditEntry['facts'];
}

interface Updating {
  readonly set: SQL;
  readonly also?: Also<unknown>;
  readonly facts?: AuditEntry['facts'];
}

type LockedRow = Pick<Row<typeof consumers, 'id' | 'kind'>, 'id' | 'kind'>;

type OnChanged = (workspaceId: number, consumerId: number) => void;

/** The ways in which a consumer that is there is changed. */
function createChanging({ write, audited }: Port, onChanged: OnChanged) {
  /** Locks the consumer, changes it, and tells whoever waits for it. */
  async function changing<T>({ workspaceId, name, actor }: Change, work: Also<T>): Promise<T> {
    const of = { workspaceId, actor };
    const { id, result } = await committed({ write, audited }, of, async (connection, deed) => {
      const [row] = await rows<LockedRow>(
        connection,
        sql`select ${c.id}, ${c.kind} from consumers c
          where ${c.workspace_id} = ${workspaceId} and ${c.name} = ${name} for update`,
      );
      if (row === undefined) throw consumerNotFound(name);
      return { id: row.id, result: await work(connection, row.id, row.kind as ConsumerKind, deed) };
    });
    onChanged(workspaceId, id);
    return result;
  }

  /** The same, and it is recorded, with what differs afterwards and what `work` says of it. */
  const recording = <T>(change: Change, type: AuditType, work: Also<Done<T>>): Promise<T> =>
    changing(change, async (connection, id, kind, deed) => {
      const own = { workspaceId: change.workspaceId, id };
      const before = await readShown(connection, own);
      const { result, facts } = await work(connection, id, kind, deed);
      await deed.record({
        type,
        subject: change.name,
        workspaceId: change.workspaceId,
        ...changesOf(before, await readShown(connection, own)),
        facts: { kind, ...facts },
      });
      return result;
    });
  const updating = (change: Change, type: AuditType, { set, also, facts }: Updating) =>
    recording(change, type, async (connection, id, kind, deed) => {
      await also?.(connection, id, kind, deed);
      await rows(
        connection,
        sql`update consumers c set ${set}, ${CONSUMER.turn} = ${c.turn} + 1, ${CONSUMER.updated_at} = now()
          where ${c.workspace_id} = ${change.workspaceId} and ${c.id} = ${id}`,
      );
      return { result: id, facts };
    });
  return { changing, recording, updating };
}

export function createConsumerAdmin(port: Port, onChanged: OnChanged): ConsumerAdmin {
  const { changing, recording, updating } = createChanging(port, onChanged);
  return {
    async create(workspaceId, consumer, actor, also) {
      checkConsumer(consumer);
      return committed(port, { workspaceId, actor }, async (connection, deed) => {
        const id = await insert(connection, workspaceId, consumer);
        if (also !== undefined) await also(connection, id, consumer.kind, deed);
        else await deed.record(await aboutNew(connection, { workspaceId, id }, consumer.name));
        return id;
      });
    },
    async update(change, to) {
      checkConsumer({ ...to, ...(to.newName !== undefined && { name: to.newName }) });
      return updating(change, 'sluice.consumer.updated', {
        set: changeSql(to),
        also: checkLease(to),
      });
    },
    remove: (change, only) =>
      recording(change, 'sluice.consumer.deleted', async (connection, id, kind) => {
        if (only !== undefined && kind !== only) throw consumerNotFound(change.name);
        return { result: await remove(connection, { ...change, id }) };
      }),
    async pause(change, reason) {
      checkConsumerTexts({ reason });
      return updating(change, 'sluice.consumer.paused', {
        set: sql`${CONSUMER.paused_at} = coalesce(${c.paused_at}, now()), ${CONSUMER.paused_reason} = ${reason}`,
        facts: { reason },
      });
    },
    resume: change =>
      updating(change, 'sluice.consumer.resumed', {
        set: sql`${CONSUMER.paused_at} = null, ${CONSUMER.paused_reason} = null`,
        also: forgetFailures(change),
      }),
    seek: (change, to) =>
      recording(change, 'sluice.consumer.moved', (connection, id) =>
        seek(connection, { ...change, id }, to),
      ),
    redeliver: (change, positions) =>
      recording(change, 'sluice.consumer.redelivered', async (connection, id) => {
        const result = await redeliver(connection, { ...change, id }, positions);
        return { result, facts: { count: result } };
      }),
    discard: (change, positions) =>
      recording(change, 'sluice.consumer.discarded', async (connection, id) => {
        const found = await rows(
          connection,
          sql`delete from deliveries q where ${parkedAt({ ...change, id }, positions)} returning 1`,
        );
        return { result: found.length, facts: { count: found.length } };
      }),
    change: changing,
  };
}

/** What the audit says of it: a filter may name people, so only whether there is one. */
async function readShown(connection: Connection, { workspaceId, id }: Own) {
  const [row] = await rows<JsonObject>(
    connection,
    sql`select ${c.name}, ${c.description}, ${c.filter} is not null as filtered, ${c.ordered_by} as "orderedBy",
        ${c.lease_ms} as "leaseMs", ${c.max_attempts} as "maxAttempts", ${c.revision},
        ${c.paused_at} is not null as paused
      from consumers c where ${c.workspace_id} = ${workspaceId} and ${c.id} = ${id}`,
  );
  return row === undefined ? {} : { ...row };
}

async function aboutNew(connection: Connection, own: Own, subject: string): Promise<AuditEntry> {
  const to = await readShown(connection, own);
  const { workspaceId } = own;
  return { type: 'sluice.consumer.created', subject, workspaceId, to, facts: { kind: 'PULL' } };
}

/** A lease of a webhook lasts a little longer than a request of it; of others none is to be seen. */
function checkLease({ leaseMs }: ConsumerChange): Also<void> {
  return async (_connection, _id, kind) => {
    if (leaseMs === undefined || kind === 'PULL') return;
    const message =
      kind === 'WEBHOOK'
        ? 'leaseDuration follows from the timeout of a webhook. Change the timeout with ' +
          'updateWebhook.'
        : 'leaseDuration does not apply to notification rules: the gateway is their ' + 'worker.';
    throw new GatewayError('BAD_USER_INPUT', message);
  };
}

/** A webhook that is resumed has as many days again. */
function forgetFailures({ workspaceId }: Change): Also<void> {
  return async (connection, id, kind) => {
    if (kind !== 'WEBHOOK') return;
    await rows(
      connection,
      sql`update webhooks set ${w.failing_since} = null
        where ${w.workspace_id} = ${workspaceId} and ${w.consumer_id} = ${id}`,
    );
  };
}

const KEPT_BESIDE = [
  'deliveries',
  'webhook_attempts',
  'webhooks',
  'notifications',
  'notification_rules',
];

async function remove(connection: Connection, { workspaceId, id }: Own): Promise<number> {
  const own = sql`${CONSUMER.workspace_id} = ${workspaceId}`;
  // No pull is under way behind the lock, and none that comes later finds the consumer.
  for (const table of KEPT_BESIDE) {
    await rows(
      connection,
      sql`delete from ${sql.raw(table)} where ${own} and ${w.consumer_id} = ${id}`,
    );
  }
  await rows(connection, sql`delete from consumers where ${own} and ${CONSUMER.id} = ${id}`);
  return id;
}

async function seek(
  connection: Connection,
  { workspaceId, id }: Own,
  to: ConsumerPlace,
): Promise<Done<number>> {
  const { position, recordedAt } = await findPlace(connection, workspaceId, to);
  await rows(
    connection,
    sql`delete from deliveries q where ${q.workspace_id} = ${workspaceId}
      and ${q.consumer_id} = ${id} and ${q.parked_at} is null`,
  );
  await rows(
    connection,
    sql`update consumers c set ${CONSUMER.settled} = ${position}, ${CONSUMER.scanned} = ${position},
        ${CONSUMER.gone} = null, ${CONSUMER.scanned_recorded_at} = ${recordedAt},
        ${CONSUMER.turn} = ${c.turn} + 1, ${CONSUMER.updated_at} = now()
      where ${c.workspace_id} = ${workspaceId} and ${c.id} = ${id}`,
  );
  // A threshold counts anew from there.
  await rows(
    connection,
    sql`update notification_rules set ${r.counts_revision} = 0
      where ${r.workspace_id} = ${workspaceId} and ${r.consumer_id} = ${id}`,
  );
  return { result: id, facts: { position } };
}

async function insert(
  connection: Connection,
  workspaceId: number,
  consumer: NewConsumer,
): Promise<number> {
  // Locked: two that are made at once are both counted.
  await rows(
    connection,
    sql`select from workspaces s where ${s.id} = ${workspaceId} for no key update`,
  );
  const [counted] = await rows<{ count: number }>(
    connection,
    sql`select count(*)::int as count from consumers c where ${c.workspace_id} = ${workspaceId}`,
  );
  if ((counted?.count ?? 0) >= LIMITS.consumersMax) {
    const message =
      `A workspace has at most ${LIMITS.consumersMax} consumers. Delete one that is not ` +
      'needed.';
    throw new GatewayError('CONSUMER_LIMIT', message);
  }
  const { position, recordedAt } = await findPlace(connection, workspaceId, consumer.from);
  const { name, description, kind, filter, orderedBy, leaseMs, maxAttempts } = consumer;
  const [made] = await rows<{ id: number }>(
    connection,
    sql`
      insert into consumers (${CONSUMER.workspace_id}, ${CONSUMER.name}, ${CONSUMER.description},
        ${CONSUMER.kind}, ${CONSUMER.filter}, ${CONSUMER.ordered_by}, ${CONSUMER.lease_ms},
        ${CONSUMER.max_attempts}, ${CONSUMER.settled}, ${CONSUMER.scanned}, ${CONSUMER.scanned_recorded_at})
      values (${workspaceId}, ${name}, ${description}, ${kind}, ${filterText(filter)}::jsonb,
        ${orderedBy}, ${leaseMs}, ${maxAttempts}, ${position}, ${position}, ${recordedAt})
      returning ${CONSUMER.id}`,
  );
  return (made as { id: number }).id;
}

interface Own {
  readonly workspaceId: number;
  readonly id: number;
}

function parkedAt({ workspaceId, id }: Own, positions: readonly number[] | null): SQL {
  const own = sql`${q.workspace_id} = ${workspaceId} and ${q.consumer_id} = ${id} and ${q.parked_at} is not null`;
  if (positions === null) return own;
  return sql`${own} and ${q.position} = any(${arrayLiteral(positions.map(String))}::bigint[])`;
}

/** With as many attempts before them as at first. What retention took is left to be removed. */
async function redeliver(
  connection: Connection,
  own: Own,
  positions: readonly number[] | null,
): Promise<number> {
  const [row] = await rows<{ count: number }>(
    connection,
    sql`
      with woken as (
        update deliveries q set ${DELIVERY.parked_at} = null, ${DELIVERY.reason} = null,
          ${DELIVERY.lease} = null, ${DELIVERY.attempts} = 0, ${DELIVERY.due_at} = now()
        where ${parkedAt(own, positions)} and ${q.position} >= coalesce((
          select ${m.tail} from workspace_marks m where ${m.workspace_id} = ${own.workspaceId}), 1)
        returning ${q.position} as woken_at
      ), moved as (
        update consumers c set ${CONSUMER.turn} = ${c.turn} + 1, ${CONSUMER.updated_at} = now(),
          ${CONSUMER.settled} = least(${c.settled}, (select min(woken.woken_at) - 1 from woken))
        where ${c.workspace_id} = ${own.workspaceId} and ${c.id} = ${own.id} returning 1
      )
      select count(*)::int as count from woken`,
  );
  return row?.count ?? 0;
}

/** Commits what `work` does, if the acting key is still valid then. */
async function committed<T>(
  { write, audited }: Port,
  { workspaceId, actor }: Pick<Change, 'workspaceId' | 'actor'>,
  work: (connection: Connection, deed: Deed) => Promise<T>,
): Promise<T> {
  try {
    return await audited(write, work, { actor, tenant: workspaceId });
  } catch (error) {
    if (codeOf(error) !== SQLSTATE.uniqueViolation) throw toGatewayError(error, 'write');
    const message = 'Another consumer of this workspace has this name. Choose another name.';
    throw new GatewayError('CONFLICT', message);
  }
}
