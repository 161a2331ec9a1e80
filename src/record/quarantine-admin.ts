import type { AuditType } from '../core/audit.ts';
import type { Door, EventInput, Receipt } from '../core/event.ts';
import { parseExact } from '../core/exact-json.ts';
import type { Actor } from '../core/principal.ts';
import type { QuarantineCorrection } from '../core/quarantine.ts';
import type { Workspace } from '../core/workspace.ts';
import type { AuditedTransaction, Deed } from '../db/audit-log.ts';
import type { Connection, Pool } from '../db/client.ts';
import { columnsOf, type Row, sqlText } from '../db/columns.ts';
import { quarantinedEvents } from '../db/schema.ts';
import { toGatewayError } from '../db/sqlstate.ts';
import { doorOf } from '../db/stored-event.ts';
import type { RecordEvents } from './record.ts';
import { unknownOutcome } from './submission.ts';

const q = columnsOf(quarantinedEvents, 'q');
const QUARANTINED = columnsOf(quarantinedEvents);

/**
 * Both throw UNAUTHENTICATED where the acting key was revoked or has expired before the commit. An
 * actor of null is the gateway itself.
 */
export interface QuarantineAdmin {
  /**
   * Records those that now pass, with their time and id, and takes them out; the others stay.
   * One receipt for each id that is there, by that id. A correction takes the place of what came.
   */
  resubmit(
    workspace: Workspace,
    ids: readonly string[],
    actor: Actor | null,
    correction?: QuarantineCorrection,
  ): Promise<ReadonlyMap<string, Receipt>>;
  /** How many there were. */
  discard(workspaceId: number, ids: readonly string[], actor: Actor | null): Promise<number>;
}

type KeptRow = Row<typeof quarantinedEvents, 'id' | 'door' | 'received_at' | 'event'>;

export interface QuarantineAdminOptions {
  readonly write: Pool;
  readonly audited: AuditedTransaction;
  readonly record: RecordEvents;
  /** What was kept aside, as its door would give it today. */
  readonly decodeAgain: (door: Door, input: EventInput) => EventInput;
}

export function createQuarantineAdmin(options: QuarantineAdminOptions): QuarantineAdmin {
  const { write, record, decodeAgain } = options;
  return {
    async resubmit(workspace, ids, actor, correction = {}) {
      const receipts = new Map<string, Receipt>();
      for (const row of await load(write, workspace.id, ids)) {
        const door = doorOf(row.door);
        const events = [corrected(decodeAgain(door, toInput(row)), correction)];
        const request = { workspace, door, events, atomic: true, actor };
        const [receipt] = await record(request).catch((error: unknown) => {
          throw [...receipts.values()].some(isStored) ? unknownOutcome(error) : error;
        });
        if (receipt !== undefined) receipts.set(row.id, receipt);
      }
      const settled = [...receipts].filter(([, receipt]) => isStored(receipt));
      const settledIds = settled.map(([id]) => id);
      await takeOut(options, settledIds, {
        type: 'sluice.quarantine.resubmitted',
        workspaceId: workspace.id,
        actor,
        // They are recorded: they are taken out whatever became of the key.
        needsKey: false,
      });
      return receipts;
    },
    discard: (workspaceId, ids, actor) =>
      takeOut(options, ids, {
        type: 'sluice.quarantine.discarded',
        workspaceId,
        actor,
        needsKey: true,
      }),
  };
}

function isStored({ status }: Receipt): boolean {
  return status === 'RECORDED' || status === 'DUPLICATE';
}

async function load(
  write: Connection,
  workspaceId: number,
  ids: readonly string[],
): Promise<KeptRow[]> {
  return write.query<KeptRow>(
    sqlText`select ${q.id}, ${q.door}, ${q.received_at}, ${q.event}
     from json_array_elements_text($2::text::json) with ordinality as given (id, place)
     join quarantined_events q on ${q.workspace_id} = $1 and ${q.id} = given.id::uuid
     order by place`,
    [workspaceId, JSON.stringify([...new Set(ids)])],
    { tenant: workspaceId },
  );
}

/**
 * An event that named no time happened when it came. One without an id takes the id it is kept
 * by, so that two resubmissions at once record it once.
 */
function toInput({ id, event, received_at }: KeptRow): EventInput {
  const kept = parseExact(event) as unknown as Omit<EventInput, 'occurredAt' | 'expiresAt'> & {
    occurredAt?: string | null;
    expiresAt?: string | null;
  };
  return {
    ...kept,
    id: kept.id ?? id,
    occurredAt: kept.occurredAt == null ? received_at : new Date(kept.occurredAt),
    expiresAt: kept.expiresAt == null ? null : new Date(kept.expiresAt),
  };
}

/** A payload that is given is whole: values with types of their own that came are not merged in. */
function corrected(input: EventInput, { type, payload }: QuarantineCorrection): EventInput {
  return {
    ...input,
    type: type ?? input.type,
    ...(payload == null ? {} : { payload, properties: [] }),
  };
}

interface TakingOut {
  readonly type: AuditType;
  readonly workspaceId: number;
  readonly actor: Actor | null;
  readonly needsKey: boolean;
}

async function takeOut(
  { write, audited }: Pick<QuarantineAdminOptions, 'write' | 'audited'>,
  ids: readonly string[],
  { type, workspaceId, actor, needsKey }: TakingOut,
): Promise<number> {
  if (ids.length === 0) return 0;
  try {
    const work = async (connection: Connection, deed: Deed) => {
      const rows = await connection.query(
        sqlText`delete from quarantined_events where ${QUARANTINED.workspace_id} = $1
           and ${QUARANTINED.id} in (select given.id::uuid from json_array_elements_text($2::text::json) as given (id))
         returning ${QUARANTINED.id}`,
        [workspaceId, JSON.stringify(ids)],
      );
      const facts = { count: rows.length };
      if (rows.length > 0) await deed.record({ type, subject: null, workspaceId, facts });
      return rows.length;
    };
    return await audited(write, work, { actor, needsKey, tenant: workspaceId });
  } catch (error) {
    throw toGatewayError(error, 'write');
  }
}
