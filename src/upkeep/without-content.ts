import { columnsOf, sqlText } from '../db/columns.ts';
import { events } from '../db/schema.ts';

const EVENT = columnsOf(events);

/**
 * What expiry and redaction leave of an event: its place, type, door, times and id. For the
 * `set` of an update.
 */
export const WITHOUT_CONTENT = sqlText`${EVENT.payload} = '{}', ${EVENT.property_types} = null,
  ${EVENT.wire} = null, ${EVENT.source} = null, ${EVENT.subject} = null, ${EVENT.actor} = null,
  ${EVENT.description} = null, ${EVENT.icon} = null, ${EVENT.client_ip} = null,
  ${EVENT.parent_id} = null, ${EVENT.group_id} = null, ${EVENT.success} = null,
  ${EVENT.notify} = false`;
