import { sql } from 'drizzle-orm';
import type { EventCondition } from '../core/event-condition.ts';
import type { StoredEvent } from '../core/event.ts';
import { columnsOf } from '../db/columns.ts';
import type { EventRows } from '../db/event-rows.ts';
import { events } from '../db/schema.ts';
import { eventSource } from '../db/stored-event.ts';
import { shownSql } from './conditions.ts';

const e = columnsOf(events, 'e');
const latest = columnsOf(events, 'latest');

export interface LatestEventsRequest {
  readonly filter: EventCondition;
  readonly subjectsMax: number;
}

/**
 * The latest event of each subject, by its time, of those that the filter chooses; the subjects
 * with the newest ones first, as many at a time as fit.
 * @throws GatewayError BAD_USER_INPUT, QUERY_TOO_EXPENSIVE, SERVICE_UNAVAILABLE
 */
export function readLatestBySubject(
  eventRows: EventRows,
  workspaceId: number,
  { filter, subjectsMax }: LatestEventsRequest,
): AsyncIterable<readonly StoredEvent[]> {
  return eventRows.chunks({
    workspaceId,
    rowsMax: subjectsMax,
    select: columns => sql`
      select * from (
        select distinct on (${e.subject}) ${columns} from ${eventSource}
        where ${shownSql(workspaceId, filter)} and ${e.subject} is not null
        order by ${e.subject}, ${e.occurred_at} desc, ${e.position} desc
      ) latest
      order by ${latest.occurred_at} desc, ${latest.position} desc limit ${subjectsMax}`,
  });
}
