/** Events as the list shows them, of which it keeps only so many. */
import type { LiveEvent } from './documents.ts';

export interface Row {
  readonly eventId: string;
  readonly position: number;
  readonly type: string;
  readonly occurredMs: number;
  readonly source: string | null;
  readonly subject: string | null;
  readonly actor: string | null;
  readonly icon: string | null;
  readonly success: boolean | null;
  readonly notify: boolean;
  /** Its description, else the beginning of its payload. */
  readonly summary: string;
}

/** Rows kept; the oldest go first. A row has no payload, so that this is a few megabytes. */
const ROWS_MAX = 5_000;
/** Rows beyond that before they are let go, so that not every event moves the rest. */
const SLACK = 1_000;
const SUMMARY_CHARS_MAX = 200;

export function rowOf(event: LiveEvent): Row {
  const { eventId, position, type, source, subject, actor, icon, success, notify } = event;
  return {
    ...{ eventId, position, type, source, subject, actor, icon, success, notify },
    occurredMs: Date.parse(event.occurredAt),
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

/** The newest rows, oldest first. */
export class Rows {
  #rows: Row[] = [];
  /** How many were ever added. */
  added = 0;

  get length(): number {
    return Math.min(this.#rows.length, ROWS_MAX);
  }

  /** Counted from the newest, which is 0. */
  at(index: number): Row | undefined {
    return this.#rows[this.#rows.length - 1 - index];
  }

  get newestPosition(): number {
    return this.at(0)?.position ?? 0;
  }

  push(row: Row): void {
    this.#rows.push(row);
    this.added += 1;
    if (this.#rows.length > ROWS_MAX + SLACK) this.#rows = this.#rows.slice(-ROWS_MAX);
  }

  /** As they are now, for someone who reads them in peace. */
  copy(): Rows {
    const copy = new Rows();
    copy.#rows = this.#rows.slice(-ROWS_MAX);
    copy.added = this.added;
    return copy;
  }
}
