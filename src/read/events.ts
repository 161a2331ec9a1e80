/**
 * The past: pages and look-ups of events. Each question is one statement, so that all of an
 * answer is of one snapshot. Expired events are hidden in all of them.
 */
import type { LogPlace } from '../core/cursor.ts';
import type { Connection } from '../db/connection.ts';
import { EventRows } from '../db/event-rows.ts';
import { createAggregateCounts } from './aggregate-counts.ts';
import { COUNT_WITHIN_MS, countEvents, countEventsBy } from './event-count.ts';
import { readJsonPage } from './event-json-page.ts';
import { readByEventIds, readByKeys, readByPlaces } from './event-lookups.ts';
import { readPages, readWholePage } from './event-pages.ts';
import type { EventJsonPage, EventJsonPageShape, EventPage, EventReader } from './event-reader.ts';
import { readLogHeads } from './log-heads.ts';
import { type Narrow, scanAll } from './search-index.ts';
import { createSharedReads, type SharedRead } from './shared-reads.ts';

export interface EventReaderOptions {
  readonly read: Connection;
  /** Of this database (`installation.epoch`): cursors carry it. */
  readonly epoch: string;
  /** @default 2000 */
  readonly countWithinMs?: number;
  /** @default one of its own */
  readonly eventRows?: EventRows;
  /** @default all conditions are met by a scan */
  readonly narrow?: Narrow;
  /** Of those who ask for the same page. @default its own */
  readonly share?: SharedRead<EventJsonPage | null>;
  /** Tells how far back to look first; what is found does not depend on it. */
  readonly now?: () => Date;
}

const shapeIds = new WeakMap<EventJsonPageShape, number>();
let shapes = 0;

/** Shapes are made once for a document. */
function idOf(shape: EventJsonPageShape): number {
  const id = shapeIds.get(shape) ?? (shapes += 1);
  shapeIds.set(shape, id);
  return id;
}

export function createEventReader({
  read,
  epoch,
  countWithinMs = COUNT_WITHIN_MS,
  eventRows = new EventRows(read),
  narrow = scanAll,
  share = createSharedReads(),
  now = () => new Date(),
}: EventReaderOptions): EventReader {
  const counts = createAggregateCounts({ read, nowMs: () => now().getTime() });
  const sources = { read, counts, narrow };
  return {
    async page(workspaceId, args) {
      const [page] = await readPages(eventRows, {
        workspaceId,
        epoch,
        args,
        now: now(),
        parents: null,
        narrow,
      });
      return page as EventPage;
    },
    wholePage: (workspaceId, args) =>
      readWholePage(eventRows, { workspaceId, epoch, args, now: now(), narrow }),
    jsonPage: (workspaceId, args, shape) => {
      const key = `${workspaceId} ${idOf(shape)} ${JSON.stringify(args)}`;
      return share(key, () =>
        readJsonPage({ workspaceId, epoch, args, now: now(), shape, read, narrow, eventRows }),
      );
    },
    async pagesBy(workspaceId, field, values, args) {
      if (values.length === 0) return [];
      const parents = { field, values };
      return readPages(eventRows, { workspaceId, epoch, args, now: now(), parents, narrow });
    },
    byEventIds: (workspaceId, eventIds, options) =>
      readByEventIds(eventRows, workspaceId, eventIds, options),
    byKeys: (workspaceId, keys) => readByKeys(eventRows, workspaceId, keys),
    byPlaces: (workspaceId, places, options) =>
      readByPlaces(eventRows, workspaceId, places, options),
    async countBy(workspaceId, field, values, filter) {
      if (values.length === 0) return [];
      const parents = { field, values };
      return countEventsBy(sources, { workspaceId, filter, withinMs: countWithinMs, parents });
    },
    count: (workspaceId, filter, { withinMs = countWithinMs } = {}) =>
      countEvents(sources, { workspaceId, filter, withinMs }),
    async head(workspaceId) {
      const heads = await readLogHeads(read, [workspaceId]);
      return heads.get(workspaceId) as LogPlace;
    },
  };
}
