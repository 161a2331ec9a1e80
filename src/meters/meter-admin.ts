/** Makes and deletes meters. What one counts is never changed: another is made, and the old one deleted. */
import { sql } from 'drizzle-orm';
import type { AuditEntry } from '../core/audit.ts';
import { GatewayError } from '../core/errors.ts';
import { writeFilter } from '../core/filter-text.ts';
import { LIMITS } from '../core/limits.ts';
import { checkMeter, type NewMeter } from '../core/meter.ts';
import type { Actor } from '../core/principal.ts';
import type { AuditedTransaction, Deed } from '../db/audit-log.ts';
import type { Connection, Pool } from '../db/client.ts';
import { columnsOf } from '../db/columns.ts';
import { rows } from '../db/query.ts';
import { meters, meterSeries } from '../db/schema.ts';
import { codeOf, SQLSTATE, toGatewayError } from '../db/sqlstate.ts';

const METER = columnsOf(meters);
const SERIES = columnsOf(meterSeries);
const m = columnsOf(meters, 'm');

export interface MeterAdmin {
  /**
   * The id of the meter.
   * @throws GatewayError BAD_USER_INPUT, CONFLICT, METER_LIMIT, UNAUTHENTICATED where the acting key
   * was revoked or has expired before the commit
   */
  create(workspaceId: number, meter: NewMeter, actor: Actor | null): Promise<number>;
  /** @throws GatewayError NOT_FOUND, UNAUTHENTICATED */
  remove(workspaceId: number, name: string, actor: Actor | null): Promise<void>;
}

export interface MeterAdminOptions {
  readonly write: Pool;
  readonly audited: AuditedTransaction;
  /** There is something to be filled, or to be taken away. */
  readonly onChanged: (workspaceId: number) => void;
}

export function createMeterAdmin({ write, audited, onChanged }: MeterAdminOptions): MeterAdmin {
  async function committed<T>(
    workspaceId: number,
    actor: Actor | null,
    work: (connection: Connection, deed: Deed) => Promise<T>,
  ): Promise<T> {
    try {
      const result = await audited(write, work, { actor, tenant: workspaceId });
      onChanged(workspaceId);
      return result;
    } catch (error) {
      if (codeOf(error) !== SQLSTATE.uniqueViolation) throw toGatewayError(error, 'write');
      const message = 'Another meter of this workspace has this name. Choose another name.';
      throw new GatewayError('CONFLICT', message);
    }
  }

  return {
    async create(workspaceId, meter, actor) {
      checkMeter(meter);
      return committed(workspaceId, actor, async (connection, deed) => {
        const id = await insert(connection, workspaceId, meter);
        await deed.record(aboutNew(workspaceId, meter));
        return id;
      });
    },
    async remove(workspaceId, name, actor) {
      await committed(workspaceId, actor, async (connection, deed) => {
        const gone = await rows(
          connection,
          sql`update meters m set ${METER.deleted_at} = now()
            where ${m.workspace_id} = ${workspaceId} and ${m.name} = ${name} and ${m.deleted_at} is null
            returning 1`,
        );
        if (gone.length === 0) throw meterNotFound(name);
        await deed.record({
          type: 'sluice.meter.deleted',
          subject: name,
          workspaceId,
        });
      });
    },
  };
}

export function meterNotFound(name: string): GatewayError {
  return new GatewayError('NOT_FOUND', `There is no meter "${name}" in this workspace.`);
}

/** A filter may name people: so only whether there is one. */
function aboutNew(workspaceId: number, { name, filter, groupBy, measures, seriesMax }: NewMeter) {
  return {
    type: 'sluice.meter.created',
    subject: name,
    workspaceId,
    to: {
      filtered: filter !== null,
      groupBy: groupBy.map(key => ('dimension' in key ? key.dimension : key.payloadPath.join('.'))),
      measures: measures.map(({ function: name }) => name),
      seriesMax,
    },
  } as const satisfies AuditEntry;
}

async function insert(
  connection: Connection,
  workspaceId: number,
  meter: NewMeter,
): Promise<number> {
  // Locked: two that are made at once are both counted.
  await rows(
    connection,
    sql`select from workspaces w where w.id = ${workspaceId} for no key update`,
  );
  const [counted] = await rows<{ kept: number; all: number }>(
    connection,
    sql`select count(*) filter (where ${m.deleted_at} is null)::int as kept, count(*)::int as all
      from meters m where ${m.workspace_id} = ${workspaceId}`,
  );
  const { kept = 0, all = 0 } = counted ?? {};
  if (kept >= LIMITS.metersMax) {
    const message = `A workspace has at most ${LIMITS.metersMax} meters. Delete one that is not needed.`;
    throw new GatewayError('METER_LIMIT', message);
  }
  if (all >= 2 * LIMITS.metersMax) {
    const message = 'Deleted meters are still being removed. Try again in a minute.';
    throw new GatewayError('METER_LIMIT', message);
  }
  const { name, filter, groupBy, measures, seriesMax } = meter;
  const [made] = await rows<{ id: number }>(
    connection,
    sql`insert into meters (${METER.workspace_id}, ${METER.name}, ${METER.filter}, ${METER.group_by}, ${METER.measures}, ${METER.series_max})
      values (${workspaceId}, ${name}, ${filter === null ? null : writeFilter(filter)}::jsonb,
        ${JSON.stringify(groupBy)}::jsonb, ${JSON.stringify(measures)}::jsonb, ${seriesMax})
      returning ${METER.id}`,
  );
  const { id } = made as { id: number };
  // The group of all that there is no room for.
  await rows(
    connection,
    sql`insert into meter_series (${SERIES.workspace_id}, ${SERIES.meter_id}, ${SERIES.id}, ${SERIES.key})
      values (${workspaceId}, ${id}, 0, '00000000-0000-0000-0000-000000000000')`,
  );
  return id;
}
