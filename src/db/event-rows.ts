/**
 * Reads events whatever their content is like. Nearly always one statement reads all that is asked
 * for. Where that fails because of what the events hold (more bytes than fit, a number of a hundred
 * thousand digits, a damaged page of the table), the events are read without their content first,
 * and then their content in parts: a part that fails is halved, down to the event that is at fault.
 * That one is marked, and the others are read.
 */
import { type SQL, sql } from 'drizzle-orm';
import { LRUCache } from 'lru-cache';
import type { StoredEvent } from '../core/event.ts';
import { LIMITS } from '../core/limits.ts';
import { columnsOf } from './columns.ts';
import type { Connection, StatementOptions } from './connection.ts';
import { rows } from './query.ts';
import { events } from './schema.ts';
import { arrayLiteral } from './sql-lists.ts';
import { isRowFault, isSilence, isTimeout, ResultTooLarge } from './sqlstate.ts';
import { eventColumns, type EventRow, headColumns, toStoredEvent } from './stored-event.ts';

const e = columnsOf(events, 'e');

export interface EventStatement {
  readonly workspaceId: number;
  /** Selects these columns of each event, over the aliases of `eventSource`. */
  readonly select: (columns: SQL) => SQL;
  /** Events that it may find. */
  readonly rowsMax: number;
  readonly options?: StatementOptions;
}

export interface SomeEvents {
  readonly events: StoredEvent[];
  /** There are more, which did not fit. */
  readonly isCut: boolean;
}

/** For how long a workspace is read with care, once that was needed, and once it may have been. */
const CARE_MS = 3_600_000;
const SILENCE_CARE_MS = 60_000;
/** For a statement that took too long with content, and may take less without. */
const LATE_TIMEOUT_MS = 1_000;
const CAREFUL_WORKSPACES_MAX = 1_000;
/** Events of the first part; later parts are as large as their bytes allow. */
const PART_ROWS_FIRST = 32;
const PART_ROWS_MAX = 1_000;
const PART_GROWTH_MAX = 4;

export class EventRows {
  /** Of the result of one statement. */
  readonly bytesMax: number;
  readonly #connection: Connection;
  /** Workspaces where a statement failed, and how many events it was to read. */
  #careful = new LRUCache<number, { readonly rowsMax: number }>({
    max: CAREFUL_WORKSPACES_MAX,
  });
  /** Statements that ran into their time limit. */
  readonly #late = new WeakSet<object>();

  constructor(connection: Connection, bytesMax: number = LIMITS.answerBytesMax) {
    this.#connection = connection;
    this.bytesMax = bytesMax;
  }

  /** By another connection, with what is known of workspaces. */
  on(connection: Connection): EventRows {
    const other = new EventRows(connection, this.bytesMax);
    other.#careful = this.#careful;
    return other;
  }

  /** Bytes of a page that is cut. */
  get pageBytes(): number {
    return this.bytesMax / 4;
  }

  /** All events. @throws ResultTooLarge where they do not fit together. */
  async all(statement: EventStatement): Promise<StoredEvent[]> {
    const whole = await this.whole(statement);
    if (whole !== null) return whole.map(toStoredEvent);
    const events: StoredEvent[] = [];
    let bytes = 0;
    for await (const part of this.fill(statement.workspaceId, await this.heads(statement))) {
      for (const row of part) bytes += bytesOf(row);
      if (bytes > this.bytesMax) throw new ResultTooLarge(this.bytesMax);
      events.push(...part.map(toStoredEvent));
    }
    return events;
  }

  /** From the first event on as many as fit, at least one. */
  async some(statement: EventStatement): Promise<SomeEvents> {
    const whole = await this.whole(statement);
    if (whole !== null) return { events: whole.map(toStoredEvent), isCut: false };
    const events: StoredEvent[] = [];
    let bytes = 0;
    for await (const part of this.fill(statement.workspaceId, await this.heads(statement))) {
      for (const row of part) {
        bytes += bytesOf(row);
        if (events.length > 0 && bytes > this.pageBytes) return { events, isCut: true };
        events.push(toStoredEvent(row));
      }
    }
    return { events, isCut: false };
  }

  /** All events in their order, as many at a time as fit. */
  async *chunks(statement: EventStatement): AsyncGenerator<readonly StoredEvent[]> {
    const whole = await this.whole(statement);
    if (whole !== null) yield whole.map(toStoredEvent);
    else yield* this.contents(statement.workspaceId, await this.heads(statement));
  }

  /** The events of these rows, as many at a time as fit. */
  async *contents(
    workspaceId: number,
    heads: readonly EventRow[],
  ): AsyncGenerator<readonly StoredEvent[]> {
    for await (const part of this.fill(workspaceId, heads)) yield part.map(toStoredEvent);
  }

  /** Rows with their content; null where they are to be read by `heads` and `fill`. */
  whole<Row extends object = EventRow>(statement: EventStatement): Promise<Row[] | null> {
    const { select } = statement;
    return this.attempt(statement, () =>
      rows<Row>(this.#connection, select(eventColumns), this.#optionsOf(statement)),
    );
  }

  /** Rows without content. */
  heads<Row extends object = EventRow>(statement: EventStatement): Promise<Row[]> {
    const options = this.#optionsOf(statement);
    const late = this.#late.has(statement) ? { timeoutMs: LATE_TIMEOUT_MS } : {};
    return rows<Row>(this.#connection, statement.select(headColumns), { ...options, ...late });
  }

  /** Runs what reads content at once. Null: it is to be read with care. */
  async attempt<T>(
    statement: Pick<EventStatement, 'workspaceId' | 'rowsMax'>,
    run: () => Promise<T>,
  ): Promise<T | null> {
    const { workspaceId, rowsMax } = statement;
    if (this.#isCareful(workspaceId, rowsMax)) return null;
    try {
      return await run();
    } catch (error) {
      if (error instanceof ResultTooLarge || isRowFault(error)) {
        this.#takeCare(workspaceId, rowsMax);
        return null;
      }
      // Writing a number of a hundred thousand digits takes its time, and can't be interrupted.
      if (isSilence(error)) this.#takeCare(workspaceId, rowsMax, SILENCE_CARE_MS);
      if (!isTimeout(error)) throw error;
      this.#late.add(statement);
      return null;
    }
  }

  /**
   * Reads the content of rows, in their order and as many at a time as fit. What is gone meanwhile
   * is left out, and so is what is not wanted any more when its turn comes.
   */
  async *fill<Row extends EventRow>(
    workspaceId: number,
    heads: readonly Row[],
    isWanted: (row: Row) => boolean = () => true,
  ): AsyncGenerator<readonly Row[]> {
    let size = PART_ROWS_FIRST;
    for (let at = 0; at < heads.length;) {
      const part: Row[] = [];
      let stored = 0;
      for (; at < heads.length && part.length < size; at++) {
        const row = heads[at] as Row;
        if (!isWanted(row)) continue;
        stored += row.stored_bytes ?? 0;
        if (part.length > 0 && stored > this.pageBytes) break;
        part.push(row);
      }
      if (part.length === 0) return;
      const filled = await this.#fillPart(workspaceId, part);
      yield filled;
      const bytes = filled.reduce((sum, row) => sum + bytesOf(row), 1);
      const fitting = Math.floor((this.pageBytes * Math.max(1, filled.length)) / bytes);
      size = Math.max(1, Math.min(fitting, size * PART_GROWTH_MAX, PART_ROWS_MAX));
    }
  }

  async #fillPart<Row extends EventRow>(workspaceId: number, part: readonly Row[]): Promise<Row[]> {
    let found: ContentRow[];
    try {
      const statement = contentSql(workspaceId, part, this.#eventBytesMax);
      const options = this.#optionsOf({ workspaceId, options: { byIndex: true } });
      found = await rows<ContentRow>(this.#connection, statement, options);
    } catch (error) {
      const isFault = error instanceof ResultTooLarge || isRowFault(error);
      if (part.length > 1 && (isFault || isTimeout(error))) {
        const half = Math.ceil(part.length / 2);
        const first = await this.#fillPart(workspaceId, part.slice(0, half));
        return [...first, ...(await this.#fillPart(workspaceId, part.slice(half)))];
      }
      if (!isFault) throw error;
      this.#takeCare(workspaceId, 1);
      const fault = error instanceof ResultTooLarge ? 'TOO_LARGE' : 'DAMAGED';
      return part.map(row => Object.assign(row, { fault } as const));
    }
    const byPosition = new Map(found.map(row => [row.position, row]));
    return part.flatMap(row => {
      const content = byPosition.get(row.position);
      return content === undefined ? [] : [this.#filled(row, content)];
    });
  }

  #filled<Row extends EventRow>(row: Row, { too_large, ...content }: ContentRow): Row {
    Object.assign(row, content);
    if (!too_large && (content.payload?.length ?? 0) <= this.#eventBytesMax) return row;
    this.#takeCare(row.workspace_id, 1);
    return Object.assign(row, { payload: null, fault: 'TOO_LARGE' } as const);
  }

  get #eventBytesMax(): number {
    return this.bytesMax / 2;
  }

  /** It is bounded, and takes the turn of its workspace. */
  #optionsOf({
    workspaceId,
    options,
  }: Pick<EventStatement, 'workspaceId' | 'options'>): StatementOptions {
    return { ...options, bytesMax: this.bytesMax, tenant: workspaceId };
  }

  #isCareful(workspaceId: number, rowsMax: number): boolean {
    const known = this.#careful.get(workspaceId);
    return known !== undefined && rowsMax >= known.rowsMax;
  }

  #takeCare(workspaceId: number, rowsMax: number, forMs = CARE_MS): void {
    const known = this.#careful.get(workspaceId)?.rowsMax ?? Infinity;
    this.#careful.set(workspaceId, { rowsMax: Math.min(known, rowsMax) }, { ttl: forMs });
  }
}

/** Its texts; the other columns are short. */
export function bytesOf({ payload, property_types, wire }: EventRow): number {
  return (payload?.length ?? 0) + (property_types?.length ?? 0) + (wire?.length ?? 0);
}

interface ContentRow extends Pick<EventRow, 'position' | 'payload' | 'property_types' | 'wire'> {
  readonly too_large: boolean;
}

/**
 * A number of few bytes in the table may have 131,072 digits as text, and a long text may be
 * compressed: how long the payload is as text is told before it is written.
 */
function contentSql(workspaceId: number, part: readonly EventRow[], bytesMax: number): SQL {
  const positions = arrayLiteral(part.map(row => row.position));
  const instants = arrayLiteral(part.map(row => row.recorded_at.toISOString()));
  return sql`
    select e.* from unnest(${positions}::bigint[], ${instants}::timestamptz[])
      as place (position, recorded_at)
    cross join lateral (
      select ${e.position}, case when not l.too_large then ${e.payload} end as payload,
        ${e.property_types}, ${e.wire}, l.too_large
      from events e cross join lateral (
        select coalesce(sum(${TEXT_BYTES}), 0) > ${bytesMax}::numeric as too_large
        from jsonb_path_query(${e.payload}, 'strict $.**') v
      ) l
      where ${e.workspace_id} = ${workspaceId} and ${e.position} = place.position
        and ${e.recorded_at} = place.recorded_at
      limit 1
    ) e`;
}

/** Of a value `v`, without those within it: of a number no fewer than it has. */
const TEXT_BYTES = sql.raw(`case jsonb_typeof(v)
  when 'string' then octet_length(v::text)
  when 'number' then scale(v::numeric) + (
    array[20, 400, 4000, 20000, 60000, 131073])[1 + width_bucket(
      abs(v::numeric), array[1e20, 1e400, 1e4000, 1e20000, 1e60000]::numeric[])]
  end`);
