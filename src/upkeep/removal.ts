import type { Connection, HeldConnection, Pool } from '../db/client.ts';
import { columnsOf, sqlText } from '../db/columns.ts';
import { tryLocked, tryLockedSession } from '../db/locks.ts';
import { events } from '../db/schema.ts';

const EVENT = columnsOf(events);

/** What was done, and whether to look at once for more. */
export interface Batch {
  readonly events: number;
  readonly isMore: boolean;
}

export const NOTHING: Batch = { events: 0, isMore: false };

/** One process removes and empties at a time. */
const LOCK_KEY = 718_305;

/** One batch, in a transaction; null while another process has one. */
export function removing<T>(upkeep: Pool, work: (connection: Connection) => Promise<T>) {
  return tryLocked(upkeep, LOCK_KEY, async connection => {
    await connection.query(BATCH_SETTINGS_SQL);
    return work(connection);
  });
}

/**
 * For the transaction of a batch: each is planned for its own values, and every row is looked up
 * by an index. A plan for any values takes retention through an index of the whole workspace; one
 * that was made on a small table, or without statistics, reads all of it for ever.
 */
export const BATCH_SETTINGS_SQL = `
  select set_config('plan_cache_mode', 'force_custom_plan', true),
    set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true),
    set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true)`;

/** The same for what can't be done in a transaction. */
export function removingOutside<T>(upkeep: Pool, work: (connection: HeldConnection) => Promise<T>) {
  return tryLockedSession(upkeep, LOCK_KEY, work);
}

/**
 * What expiry and redaction leave of an event: its place, type, door, times and id. For the
 * `set` of an update.
 */
export const WITHOUT_CONTENT = sqlText`${EVENT.payload} = '{}', ${EVENT.property_types} = null,
  ${EVENT.wire} = null, ${EVENT.source} = null, ${EVENT.subject} = null, ${EVENT.actor} = null,
  ${EVENT.description} = null, ${EVENT.icon} = null, ${EVENT.client_ip} = null,
  ${EVENT.parent_id} = null, ${EVENT.group_id} = null, ${EVENT.success} = null,
  ${EVENT.notify} = false`;
