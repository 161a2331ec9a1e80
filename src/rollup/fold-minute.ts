import { WHOLE_MINUTES_SINCE } from '../core/bucket.ts';
import { columnsOf, sqlText } from '../db/columns.ts';
import { events } from '../db/schema.ts';

const e = columnsOf(events, 'e');

/**
 * Events are grouped by this before Node puts them into rows. $2 is `exactBefore()`: before it
 * minutes are not whole in every zone, and instants stay exact.
 */
export const MINUTE_OF_EVENT = sqlText`case when ${e.occurred_at} < $2::timestamptz then ${e.occurred_at}
  else date_trunc('minute', ${e.occurred_at}) end`;

export const exactBefore = () => new Date(WHOLE_MINUTES_SINCE);
