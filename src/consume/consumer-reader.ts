import { sql, type SQL } from 'drizzle-orm';
import type { Consumer, ConsumerPlan, ParkedDelivery } from '../core/consumer.ts';
import { cursorInvalid, decodeCursor, encodeCursor } from '../core/cursor.ts';
import { checkPageArgs, type Page, type PageArgs } from '../core/page.ts';
import { isStorableText } from '../core/text.ts';
import { columnsOf, type Row } from '../db/columns.ts';
import type { Connection } from '../db/connection.ts';
import { rows } from '../db/query.ts';
import { consumers, deliveries, events as eventTable } from '../db/schema.ts';
import { intArray } from '../db/sql-lists.ts';
import { notExpired } from '../db/stored-event.ts';
import type { EventReader } from '../read/event-reader.ts';
import { readList, textPlace } from '../read/lists.ts';
import {
  consumerColumns,
  consumerSource,
  planColumns,
  toConsumer,
  toPlan,
  type ConsumerRow,
  type PlanRow,
} from './consumer-rows.ts';

const c = columnsOf(consumers, 'c');
const q = columnsOf(deliveries, 'q');
const e = columnsOf(eventTable, 'e');

/** One statement each, but for parked deliveries, whose events are read by a second one. */
export interface ConsumerReader {
  /** By name, in code point order. */
  page(workspaceId: number, args: PageArgs): Promise<Page<Consumer>>;
  /** In the order of what was asked, null where there is none. */
  byIds(workspaceId: number, ids: readonly number[]): Promise<(Consumer | null)[]>;
  byName(workspaceId: number, name: string): Promise<Consumer | null>;
  planByName(workspaceId: number, name: string): Promise<ConsumerPlan | null>;
  /** In the order of positions. One whose event is no longer shown is left out. */
  parked(workspaceId: number, consumerId: number, args: PageArgs): Promise<Page<ParkedDelivery>>;
  parkedAt(
    workspaceId: number,
    consumerId: number,
    position: number,
  ): Promise<ParkedDelivery | null>;
}

const NAME_FIELD = 'consumers.name';
const PARKED_FIELD = 'parked.position';

export function consumerCursor({ workspaceId, name }: Consumer): string {
  return encodeCursor(NAME_FIELD, workspaceId, [name]);
}

export function parkedCursor({ workspaceId, consumerId, event }: ParkedDelivery): string {
  return encodeCursor(PARKED_FIELD, workspaceId, [String(consumerId), String(event.position)]);
}

export function createConsumerReader(
  read: Connection,
  events: Pick<EventReader, 'byPlaces'>,
): ConsumerReader {
  async function select(where: SQL): Promise<Consumer[]> {
    const statement = sql`select ${consumerColumns} from ${consumerSource} where ${where}`;
    return (await rows<ConsumerRow>(read, statement)).map(toConsumer);
  }

  return {
    async page(workspaceId, args) {
      const page = await readList<ConsumerRow>(read, {
        columns: consumerColumns,
        from: consumerSource,
        where: sql`${c.workspace_id} = ${workspaceId}`,
        key: [sql`${c.name}`],
        placeOf: cursor => textPlace(decodeCursor(cursor, NAME_FIELD, workspaceId)),
        request: checkPageArgs(args),
      });
      return { ...page, items: page.items.map(toConsumer) };
    },
    async byIds(workspaceId, ids) {
      const found = await select(
        sql`${c.workspace_id} = ${workspaceId} and ${c.id} = any(${intArray(ids)})`,
      );
      const byId = new Map(found.map(consumer => [consumer.id, consumer]));
      return ids.map(id => byId.get(id) ?? null);
    },
    async byName(workspaceId, name) {
      if (!isStorableText(name)) return null;
      const [found] = await select(sql`${c.workspace_id} = ${workspaceId} and ${c.name} = ${name}`);
      return found ?? null;
    },
    async planByName(workspaceId, name) {
      if (!isStorableText(name)) return null;
      const [found] = await rows<PlanRow>(
        read,
        sql`select ${planColumns} from consumers c
          where ${c.workspace_id} = ${workspaceId} and ${c.name} = ${name}`,
      );
      return found === undefined ? null : toPlan(found);
    },
    ...createParkedReader(read, events),
  };
}

function createParkedReader(
  read: Connection,
  events: Pick<EventReader, 'byPlaces'>,
): Pick<ConsumerReader, 'parked' | 'parkedAt'> {
  async function withEvents(
    workspaceId: number,
    consumerId: number,
    found: readonly ParkedRow[],
  ): Promise<ParkedDelivery[]> {
    const places = found.map(row => ({ position: row.position, recordedAt: row.recorded_at }));
    const shown = await events.byPlaces(workspaceId, places);
    return found.flatMap(({ attempts, parked_at: parkedAt, reason }, at) => {
      const event = shown[at] ?? null;
      if (event === null) return [];
      return [{ workspaceId, consumerId, attempts, parkedAt, reason: reason ?? '', event }];
    });
  }

  return {
    async parked(workspaceId, consumerId, args) {
      const page = await readList<ParkedRow>(read, {
        columns: parkedColumns,
        from: parkedSource,
        where: parkedWhere(workspaceId, consumerId),
        key: [sql`${q.position}`],
        placeOf: cursor => parkedPlace(decodeCursor(cursor, PARKED_FIELD, workspaceId), consumerId),
        request: checkPageArgs(args),
      });
      return { ...page, items: await withEvents(workspaceId, consumerId, page.items) };
    },
    async parkedAt(workspaceId, consumerId, position) {
      const found = await rows<ParkedRow>(
        read,
        sql`select ${parkedColumns} from ${parkedSource}
          where ${parkedWhere(workspaceId, consumerId)} and ${q.position} = ${position}`,
      );
      return (await withEvents(workspaceId, consumerId, found))[0] ?? null;
    },
  };
}

type ParkedRow = Row<typeof deliveries, 'position' | 'recorded_at' | 'attempts' | 'reason'> & {
  readonly parked_at: Date;
};

const parkedColumns = sql`${q.position}, ${q.recorded_at}, ${q.attempts}, ${q.parked_at}, ${q.reason}`;
const parkedSource = sql`deliveries q join events e on ${e.workspace_id} = ${q.workspace_id}
  and ${e.position} = ${q.position} and ${e.recorded_at} = ${q.recorded_at}`;

function parkedWhere(workspaceId: number, consumerId: number): SQL {
  return sql`${q.workspace_id} = ${workspaceId} and ${q.consumer_id} = ${consumerId}
    and ${q.parked_at} is not null and ${notExpired}`;
}

function parkedPlace([id, position = '', ...more]: readonly string[], consumerId: number): SQL[] {
  const isPlace = id === String(consumerId) && /^\d{1,15}$/.test(position) && more.length === 0;
  if (!isPlace) throw cursorInvalid();
  return [sql`${Number(position)}`];
}
