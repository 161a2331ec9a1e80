/** Events as the list shows them, of which it keeps only so many. */
import type { RecordedEvent } from './documents.ts';

export interface Row {
  readonly eventId: string;
  readonly position: number;
  readonly cursor: string;
  readonly type: string;
  readonly occurredMs: number;
  readonly recordedMs: number;
  /** The local day on which it occurred: two rows of one day have the same number. */
  readonly day: number;
  readonly source: string | null;
  readonly subject: string | null;
  readonly actor: string | null;
  readonly groupId: string | null;
  readonly clientIp: string | null;
  readonly door: RecordedEvent['door'];
  readonly icon: string | null;
  readonly success: boolean | null;
  readonly notify: boolean;
  /** Its description, else the beginning of its payload. */
  readonly summary: string;
}

/** Rows kept while they come; the oldest go first, and are read again by who scrolls to them. */
const ROWS_MAX = 5_000;
/** Rows beyond that before they are let go, so that not every event moves the rest. */
const SLACK = 1_000;
/** Rows up to which older ones are added. A row has no payload, so that this is some 20 MB. */
export const READ_MAX = 50_000;
const SUMMARY_CHARS_MAX = 200;

export function rowOf(event: RecordedEvent): Row {
  const { eventId, position, cursor, type, source, subject, actor } = event;
  const { groupId, clientIp, door, icon, success, notify } = event;
  const occurred = new Date(event.occurredAt);
  return {
    eventId,
    position,
    cursor,
    type,
    source,
    subject,
    actor,
    groupId,
    clientIp,
    door,
    icon,
    success,
    notify,
    occurredMs: occurred.getTime(),
    recordedMs: Date.parse(event.recordedAt),
    day: (occurred.getFullYear() * 12 + occurred.getMonth()) * 31 + occurred.getDate(),
    summary: (event.description ?? summaryOf(event.payload)).slice(0, SUMMARY_CHARS_MAX),
  };
}

function summaryOf(payload: Record<string, unknown>): string {
  let text = '';
  for (const [name, value] of Object.entries(payload)) {
    if (text.length >= SUMMARY_CHARS_MAX) break;
    text += `${text && '  '}${name}: ${shown(value)}`;
  }
  return text;
}

function shown(value: unknown): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return `[${value.length}]`;
  if (typeof value === 'object' && value !== null) return '{…}';
  return String(value);
}

/** The newest rows, oldest first, and where those before them are found. */
export class Rows {
  #rows: Row[] = [];
  /** How many ever came after the first page. */
  added = 0;
  /** The page after this cursor has the next older rows; null where there are none. */
  olderAfter: string | null = null;

  get length(): number {
    return this.#rows.length;
  }

  /** Counted from the newest, which is 0. */
  at(index: number): Row | undefined {
    return this.#rows[this.#rows.length - 1 - index];
  }

  /** Whether this row is of another day than the one above it. */
  beginsDay(index: number): boolean {
    return index > 0 && this.at(index)?.day !== this.at(index - 1)?.day;
  }

  indexOf(eventId: string): number {
    const at = this.#rows.findLastIndex(row => row.eventId === eventId);
    return at === -1 ? -1 : this.#rows.length - 1 - at;
  }

  get newestPosition(): number {
    return this.at(0)?.position ?? 0;
  }

  push(row: Row): void {
    this.#rows.push(row);
    this.added += 1;
    if (this.#rows.length <= ROWS_MAX + SLACK) return;
    this.#rows = this.#rows.slice(-ROWS_MAX);
    this.olderAfter = this.#rows[0]?.cursor ?? null;
  }

  /** Adds a page of older rows, newest first. */
  addOlder(rows: readonly Row[], olderAfter: string | null): void {
    this.#rows = [...rows.toReversed(), ...this.#rows];
    this.olderAfter = olderAfter;
  }

  /** As they are now, for someone who reads them in peace. */
  copy(): Rows {
    const copy = new Rows();
    copy.#rows = [...this.#rows];
    copy.added = this.added;
    copy.olderAfter = this.olderAfter;
    return copy;
  }
}
