/** Who records: the sources and subjects of events, what they did lately, and what they tell. */
import { sql } from 'drizzle-orm';
import type { EventCondition, TypedName } from '../core/event-condition.ts';
import { PROPERTY_TYPES, type PropertyType, type StoredEvent } from '../core/event.ts';
import { columnsOf } from '../db/columns.ts';
import type { Connection } from '../db/connection.ts';
import type { EventRows } from '../db/event-rows.ts';
import { rows } from '../db/query.ts';
import { eventDefinitions, events } from '../db/schema.ts';
import { notExpired } from '../db/stored-event.ts';
import { shownSql, sourceOf } from './conditions.ts';
import { typedNames } from './typed-values.ts';

const n = columnsOf(events, 'n');
const e = columnsOf(events, 'e');
const d = columnsOf(eventDefinitions, 'd');
const p = columnsOf(eventDefinitions, 'p');
const EVENT = columnsOf(events);

/** A text that is null in the event is empty here. */
export interface Origin {
  readonly source: string;
  readonly subject: string;
}

export interface OriginActivity extends Origin {
  readonly count: number;
  /** Events in each slot. */
  readonly history: readonly number[];
}

export interface ActivityQuery {
  readonly from: Date;
  readonly to: Date;
  readonly slots: number;
  readonly order: 'MOST' | 'LEAST' | 'NAME' | 'NAME_DESC';
  readonly offset: number;
  readonly limit: number;
}

export interface ActivityPage {
  readonly total: number;
  readonly origins: readonly OriginActivity[];
}

/** How far back is looked for origins: so many of the newest events, and of each so few. */
const LOOKED_AT = { newest: 10_000, ofOrigin: 3, inAll: 1_000 } as const;

export interface OriginReader {
  /** The most active origins of a time, with what there was in each slot of it. */
  activity(workspaceId: number, query: ActivityQuery): Promise<ActivityPage>;
  /** Some newest events of each origin and type among the newest 10,000 of all; some at a time. */
  samples(workspaceId: number): AsyncIterable<readonly StoredEvent[]>;
  /** The properties of these events, by type and name; 1,000 at most. */
  properties(workspaceId: number, filter: EventCondition): Promise<readonly TypedName[]>;
}

export function createOriginReader(read: Connection, eventRows: EventRows): OriginReader {
  return {
    activity: (workspaceId, query) => readActivity(read, workspaceId, query),
    samples: workspaceId =>
      eventRows.chunks({
        workspaceId,
        rowsMax: LOOKED_AT.inAll,
        select: columns => sql`select ${columns} from (
            select *, row_number() over (
              partition by ${n.source}, ${n.subject}, ${n.definition_id} order by ${n.position} desc
            ) as place from (
              select * from events e
              where ${e.workspace_id} = ${workspaceId} and ${notExpired} and ${e.redacted_at} is null
              order by ${e.position} desc limit ${LOOKED_AT.newest}
            ) n
          ) e join event_definitions d on ${d.workspace_id} = ${e.workspace_id} and ${d.id} = ${e.definition_id}
          where e.place <= ${LOOKED_AT.ofOrigin} order by ${e.position} desc limit ${LOOKED_AT.inAll}`,
      }),
    async properties(workspaceId, filter) {
      const found = await rows<{ name: string; type: string }>(
        read,
        sql`select distinct ${p.name} collate "C" as name, p.type
          from ${sourceOf(filter)} cross join lateral ${typedNames}
          where ${shownSql(workspaceId, filter)} order by 1, 2 limit ${LOOKED_AT.inAll}`,
      );
      return found.flatMap(({ name, type }) => {
        const known = PROPERTY_TYPES.find(each => each === type);
        return known === undefined ? [] : [{ name, type: known satisfies PropertyType }];
      });
    },
  };
}

const ORDERS = {
  MOST: sql.raw('2 desc, 3, 4'),
  LEAST: sql.raw('2, 3, 4'),
  NAME: sql.raw('3, 4'),
  NAME_DESC: sql.raw('3 desc, 4 desc'),
} as const;

async function readActivity(
  read: Connection,
  workspaceId: number,
  { from, to, slots, order, offset, limit }: ActivityQuery,
): Promise<ActivityPage> {
  const slotMs = (to.getTime() - from.getTime()) / slots;
  const found = await rows<ActivityRow>(
    read,
    sql`
      with counted as materialized (
        select coalesce(${e.source}, '') collate "C" as ${EVENT.source},
          coalesce(${e.subject}, '') collate "C" as ${EVENT.subject},
          floor((extract(epoch from ${e.occurred_at}) * 1000 - ${from.getTime()}::numeric)
            / ${slotMs}::numeric) as slot, count(*) as n
        from events e
        where ${e.workspace_id} = ${workspaceId} and ${notExpired} and ${e.redacted_at} is null
          and ${e.occurred_at} >= ${from} and ${e.occurred_at} < ${to}
        group by 1, 2, 3
      )
      select count(*) over () as total, sum(n) as count, ${EVENT.source}, ${EVENT.subject},
        jsonb_object_agg(slot, n) as history
      from counted group by ${EVENT.source}, ${EVENT.subject}
      order by ${ORDERS[order]} limit ${limit} offset ${offset}`,
  );
  return {
    total: Number(found[0]?.total ?? 0),
    origins: found.map(row => ({
      source: row.source,
      subject: row.subject,
      count: Number(row.count),
      history: toHistory(JSON.parse(row.history) as Record<string, number>, slots),
    })),
  };
}

interface ActivityRow {
  readonly source: string;
  readonly subject: string;
  readonly total: number;
  readonly count: number | string;
  readonly history: string;
}

function toHistory(bySlot: Readonly<Record<string, number>>, slots: number): number[] {
  return Array.from({ length: slots }, (_, slot) => bySlot[slot] ?? 0);
}
