import { LOG_BEGINNING } from '../../src/core/cursor.ts';
import { GatewayError } from '../../src/core/errors.ts';
import type { StoredEvent } from '../../src/core/event.ts';
import type { EventLog, LogBounds } from '../../src/live/log.ts';
import { placeOf } from '../../src/live/stream.ts';
import { aStoredEvent } from '../unit/live/kit.ts';
import type { VirtualTime } from './virtual-time.ts';

const REDACTED = '{"redacted":true}';

interface Workspace {
  readonly events: StoredEvent[];
  redactions: number;
  /** When each event was redacted, by position. */
  readonly redactedAtMs: Map<number, number>;
}

/** The database: it holds what was committed, and changes it at once for whoever asks later. */
export class SimulatedDatabase {
  readonly #time: VirtualTime;
  readonly #workspaces = new Map<number, Workspace>();

  constructor(time: VirtualTime) {
    this.#time = time;
  }

  of(workspaceId: number): Workspace {
    let workspace = this.#workspaces.get(workspaceId);
    if (workspace === undefined) {
      workspace = { events: [], redactions: 0, redactedAtMs: new Map() };
      this.#workspaces.set(workspaceId, workspace);
    }
    return workspace;
  }

  get eventCount(): number {
    return [...this.#workspaces.values()].reduce((sum, { events }) => sum + events.length, 0);
  }

  /** Commits so many events. */
  record(workspaceId: number, count: number): StoredEvent[] {
    const { events } = this.of(workspaceId);
    const recordedAt = this.#time.now();
    const added = Array.from({ length: count }, (_, n) =>
      aStoredEvent(events.length + 1 + n, { workspaceId, recordedAt, payload: '{"secret":1}' }),
    );
    events.push(...added);
    return added;
  }

  redact(workspaceId: number, position: number): void {
    const workspace = this.of(workspaceId);
    const event = workspace.events[position - 1];
    if (event === undefined || workspace.redactedAtMs.has(position)) return;
    workspace.events[position - 1] = { ...event, payload: REDACTED, redactedAt: this.#time.now() };
    workspace.redactions += 1;
    workspace.redactedAtMs.set(position, this.#time.elapsedMs());
  }

  /** Since when somebody sees what was taken away; null where nobody does. */
  exposedSinceMs(event: StoredEvent): number | null {
    if (event.payload === REDACTED) return null;
    return this.of(event.workspaceId).redactedAtMs.get(event.position) ?? null;
  }
}

export interface LogFaults {
  /** Whether the gateway cannot reach the database now. */
  isAway(): boolean;
  /** Sabotage: nobody counts redactions. */
  readonly countsNoRedactions: boolean;
}

export interface SimulatedLog extends EventLog {
  readonly counts: { eventReads: number; headReads: number };
}

/** The database as one gateway reads it: answers are true of a moment after the question. */
export function createSimulatedLog(
  database: SimulatedDatabase,
  time: VirtualTime,
  faults: LogFaults,
): SimulatedLog {
  const counts = { eventReads: 0, headReads: 0 };

  function boundsOf(workspaceId: number): LogBounds {
    const { events, redactions } = database.of(workspaceId);
    const newest = events.at(-1);
    const head = newest === undefined ? LOG_BEGINNING : placeOf(newest);
    return { head, tail: 1, redactions: faults.countsNoRedactions ? 0 : redactions };
  }

  async function answer<T>(read: () => T): Promise<T> {
    await time.sleep(5 * time.random());
    if (faults.isAway()) {
      throw new GatewayError('SERVICE_UNAVAILABLE', 'The database does not answer.');
    }
    const found = read();
    await time.sleep(20 * time.random());
    return found;
  }

  const boundsOfAll = (workspaceIds: readonly number[]) =>
    answer(() => new Map(workspaceIds.map(id => [id, boundsOf(id)])));

  return {
    counts,
    heads(workspaceIds) {
      counts.headReads += 1;
      return boundsOfAll(workspaceIds);
    },
    bounds: boundsOfAll,
    after(workspaceId, { position }, limit) {
      counts.eventReads += 1;
      return answer(() => database.of(workspaceId).events.slice(position, position + limit));
    },
    oldest: () => Promise.resolve(LOG_BEGINNING),
  };
}
