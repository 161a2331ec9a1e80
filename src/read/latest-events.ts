import { sql } from 'drizzle-orm';
import type { StoredEvent } from '../core/event.ts';
import { checkFilter } from '../core/filter-check.ts';
import type { EventFilter } from '../core/filter.ts';
import { columnsOf } from '../db/columns.ts';
import type { EventRows } from '../db/event-rows.ts';
import { events } from '../db/schema.ts';
import { eventSource, notExpired } from '../db/stored-event.ts';
import { filterSql } from './filters.ts';

const e = columnsOf(events, 'e');
const latest = columnsOf(events, 'latest');

export interface LatestEventsRequest {
  readonly workspaceId: number;
  readonly filter: EventFilter;
  readonly subjectsMax: number;
}

/**
 * The latest event of each subject, by its time, of those that the filter chooses; the subjects
 * with the newest ones first, as many at a time as fit.
 * @throws GatewayError BAD_USER_INPUT, QUERY_TOO_EXPENSIVE, SERVICE_UNAVAILABLE
 */
export function readLatestBySubject(
  eventRows: EventRows,
  { workspaceId, filter, subjectsMax }: LatestEventsRequest,
): AsyncIterable<readonly StoredEvent[]> {
  checkFilter(filter);
  return eventRows.chunks({
    workspaceId,
    rowsMax: subjectsMax,
    select: columns => sql`
      select * from (
        select distinct on (${e.subject}) ${columns} from ${eventSource}
        where ${e.workspace_id} = ${workspaceId} and ${e.subject} is not null and ${notExpired}
          and ${filterSql(filter, workspaceId)}
        order by ${e.subject}, ${e.occurred_at} desc, ${e.position} desc
      ) latest
      order by ${latest.occurred_at} desc, ${latest.position} desc limit ${subjectsMax}`,
  });
}
