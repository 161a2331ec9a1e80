/**
 * The readers whose questions go to a standby where there is one: pages, counts and aggregates, which
 * are most of what reading costs. Look-ups by id and place stay at the primary: they are cheap, and
 * who asks for one event has its receipt.
 */
import type { AggregateReader } from '../core/aggregate.ts';
import type { EventCondition } from '../core/event-condition.ts';
import type { PageArgs, Seen } from '../core/page.ts';
import { onBehalfOf, type Connection } from '../db/connection.ts';
import type { AggregateCounts } from './aggregate-counts.ts';
import type { EventListArgs, EventReader } from './event-reader.ts';
import type { EventStatistics } from './event-statistics.ts';
import type { Offload } from './offload.ts';

/** A reader at the primary, and how one is made for a question at the standby. */
interface Both<Reader> {
  readonly primary: Reader;
  readonly make: (connection: Connection) => Reader;
}

type Ask<Reader> = <T>(
  workspaceId: number,
  seen: Seen,
  ask: (reader: Reader) => Promise<T>,
) => Promise<T>;

function askerOf<Reader>(offload: Offload, { primary, make }: Both<Reader>): Ask<Reader> {
  return (workspaceId, seen, ask) =>
    offload.answer({
      workspaceId,
      seen,
      atStandby: connection => ask(make(onBehalfOf(workspaceId, connection))),
      atPrimary: () => ask(primary),
    });
}

export function offloadEvents(offload: Offload, readers: Both<EventReader>): EventReader {
  const ask = askerOf(offload, readers);
  return {
    ...readers.primary,
    page: (id, args) => ask(id, seenBy(args), reader => reader.page(id, args)),
    wholePage: (id, args) => ask(id, seenBy(args), reader => reader.wholePage(id, args)),
    jsonPage: (id, args, shape) =>
      ask(id, seenBy(args), reader => reader.jsonPage(id, args, shape)),
    pagesBy: (id, field, values, args) =>
      ask(id, seenBy(args), reader => reader.pagesBy(id, field, values, args)),
    // Of parents that were read before.
    countBy: (id, field, values, filter) =>
      ask(id, { goesOn: true }, reader => reader.countBy(id, field, values, filter)),
    count: (id, filter, options = {}) =>
      ask(id, options, reader => reader.count(id, filter, options)),
  };
}

export function offloadAggregates(
  offload: Offload,
  readers: Both<AggregateReader>,
): AggregateReader {
  const ask = askerOf(offload, readers);
  return {
    page: (id, query, args) => ask(id, seenBy(args), reader => reader.page(id, query, args)),
  };
}

export function offloadCounts(
  offload: Offload,
  readers: Both<AggregateCounts>,
): Pick<AggregateCounts, 'definitionCounts'> {
  const ask = askerOf(offload, readers);
  return {
    // Of definitions that were read at the primary.
    definitionCounts: (id, ids) =>
      ask(id, { goesOn: true }, reader => reader.definitionCounts(id, ids)),
  };
}

export function offloadStatistics(
  offload: Offload,
  readers: Both<EventStatistics>,
): EventStatistics {
  const ask = askerOf(offload, readers);
  return {
    // What is iterated stays with `latestBySubject` and `samples` at the primary.
    ...readers.primary,
    countSince: (id, filter, asked) => ask(id, {}, reader => reader.countSince(id, filter, asked)),
    countByType: (id, filter, asked) =>
      ask(id, {}, reader => reader.countByType(id, filter, asked)),
    topValues: (id, filter, asked) => ask(id, {}, reader => reader.topValues(id, filter, asked)),
    activity: (id, query) => ask(id, {}, reader => reader.activity(id, query)),
    properties: (id, filter) => ask(id, {}, reader => reader.properties(id, filter)),
    series: (id, query) => ask(id, {}, reader => reader.series(id, query)),
  };
}

/** Who asks for a page beyond a first one has seen that. */
function seenBy(args: PageArgs & Seen & Partial<Pick<EventListArgs, 'offset' | 'filter'>>): Seen {
  const { after = null, before = null, offset = 0, filter = null, atLeast } = args;
  const isFirst = after === null && before === null && offset === 0 && !namesPlace(filter);
  return { atLeast, goesOn: args.goesOn === true || !isFirst };
}

function namesPlace(condition: EventCondition | null): boolean {
  if (condition === null) return false;
  if ('allOf' in condition) return condition.allOf.some(namesPlace);
  return 'through' in condition;
}
