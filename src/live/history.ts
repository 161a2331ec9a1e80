/**
 * The past, as subscribers that catch up read it: in pages bounded in events and bytes, a few
 * reads at a time in fair turns of the workspaces, and one read for all who ask for the same. A page is complete or an error:
 * where positions are missing, retention took them (CURSOR_EXPIRED) or the place is none of ours.
 */
import { cursorInvalid, type LogPlace } from '../core/cursor.ts';
import type { StoredEvent } from '../core/event.ts';
import type { LiveClock } from './clock.ts';
import { createBatch, createGate } from './concurrency.ts';
import type { LiveLimits } from './limits.ts';
import type { EventLog, LogBounds } from './log.ts';
import { weigh } from './ring.ts';
import { cursorExpired } from './stream-ended.ts';
import { type EventDelivery, placeOf, type ReadMatching, toDelivery } from './stream.ts';

export interface Page {
  readonly deliveries: readonly EventDelivery[];
  /** How far the page reaches: beyond its last delivery where a filter passed events over. */
  readonly end: LogPlace;
  /** How many events the next page should hold at most. */
  readonly nextLimit: number;
}

interface PageRequest {
  readonly workspaceId: number;
  readonly place: LogPlace;
  /** Whether the place is a caller's, and may be wrong. */
  readonly unproven: boolean;
  readonly limit: number;
  readonly readMatching: ReadMatching | undefined;
}

export interface History {
  /** Of a moment after the call. */
  bounds(workspaceId: number): Promise<LogBounds>;
  /** Right before the oldest event that is kept. */
  oldest(workspaceId: number): Promise<LogPlace>;
  /**
   * Events after a place that lies before the head: at least one, unless a filter says no.
   * @throws StreamEnded CURSOR_EXPIRED, GatewayError CURSOR_INVALID
   */
  page(request: PageRequest): Promise<Page>;
  /** Nobody else shares a read that began before now. */
  forget(): void;
  readonly pagesRead: number;
}

interface Reading {
  readonly events: readonly StoredEvent[];
  readonly scannedTo: LogPlace | null;
}

export const PAGE_EVENTS_FIRST = 64;
const PAGE_GROWTH_MAX = 4;

export function createHistory(
  log: EventLog,
  limits: LiveLimits,
  clock: Pick<LiveClock, 'elapsedMs'>,
): History {
  const gate = createGate(limits.catchUpReadsMax, () => clock.elapsedMs());
  const reading = new Map<string, Promise<Reading>>();
  const bounds = createBatch(log.bounds);
  let pagesRead = 0;

  function readAll({ workspaceId, place, limit }: PageRequest): Promise<Reading> {
    const key = `${workspaceId} ${place.position} ${place.recordedAt.getTime()} ${limit}`;
    const shared = reading.get(key);
    if (shared !== undefined) return shared;
    const started = gate(workspaceId, async () => {
      pagesRead++;
      return { events: await log.after(workspaceId, place, limit), scannedTo: null };
    }).finally(() => reading.delete(key));
    reading.set(key, started);
    return started;
  }

  async function readSome(request: PageRequest, read: ReadMatching): Promise<Reading> {
    const { workspaceId, place, limit } = request;
    if (request.unproven) await readWhole({ ...request, limit: 1 });
    const found = await gate(workspaceId, () => {
      pagesRead++;
      return read(workspaceId, place, limit);
    });
    // Asked after the read: what retention took before it is known by then.
    const { tail } = await bounds(workspaceId);
    const isHole = found.scannedTo.position <= place.position || tail > place.position + 1;
    if (isHole) throw await explainHole(request);
    return found;
  }

  async function readWhole(request: PageRequest): Promise<Reading> {
    const found = await readAll(request);
    if (found.events[0]?.position === request.place.position + 1) return found;
    throw await explainHole(request);
  }

  async function explainHole({ workspaceId, place, unproven }: PageRequest): Promise<Error> {
    const { tail, head } = await bounds(workspaceId);
    if (tail > place.position + 1) return cursorExpired(await log.oldest(workspaceId));
    if (unproven) return cursorInvalid();
    const asked = `after position ${place.position} of workspace ${workspaceId}`;
    return new Error(`no event ${asked}, though its head is ${head.position}`);
  }

  return {
    bounds,
    oldest: log.oldest,
    async page(request) {
      const { readMatching: read } = request;
      const found = await (read === undefined ? readWhole(request) : readSome(request, read));
      return toPage(found, request.limit, limits);
    },
    forget: () => reading.clear(),
    get pagesRead() {
      return pagesRead;
    },
  };
}

/** Cuts what is too heavy to hold, and aims for pages of the bytes that may be held. */
function toPage({ events, scannedTo }: Reading, limit: number, limits: LiveLimits): Page {
  let bytes = 0;
  let kept = 0;
  for (const event of events) {
    bytes += weigh(event);
    if (kept > 0 && bytes > limits.pageBytesMax) break;
    kept++;
  }
  const last = events[kept - 1];
  const isCut = kept < events.length || scannedTo === null;
  const end = isCut && last !== undefined ? placeOf(last) : scannedTo;
  if (end === null) throw new Error('a page without a filter holds at least one event');
  const fitting = bytes === 0 ? Infinity : (kept * limits.pageBytesMax) / bytes;
  const aim = Math.min(fitting, limit * PAGE_GROWTH_MAX, limits.pageEventsMax);
  const deliveries = events.slice(0, kept).map(toDelivery);
  return { deliveries, end, nextLimit: Math.max(1, Math.floor(aim)) };
}
