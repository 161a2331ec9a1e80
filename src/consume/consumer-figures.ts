import { sql } from 'drizzle-orm';
import type { ConsumerKind } from '../core/consumer.ts';
import { columnsOf } from '../db/columns.ts';
import type { Connection } from '../db/connection.ts';
import { rows } from '../db/query.ts';
import { consumers, workspaceHeads } from '../db/schema.ts';
import { consumerSource } from './consumer-rows.ts';

const c = columnsOf(consumers, 'c');
const h = columnsOf(workspaceHeads, 'h');

/** What an operator watches of all consumers of a kind. */
export interface ConsumerFigures {
  readonly kind: ConsumerKind;
  readonly paused: number;
  /** Of the active one that is furthest behind. */
  readonly lagEvents: number;
  readonly inFlight: number;
  readonly waiting: number;
  readonly parked: number;
}

interface FiguresRow extends Omit<ConsumerFigures, 'lagEvents' | 'inFlight'> {
  readonly lag_events: number;
  readonly in_flight: number;
}

export async function readConsumerFigures(read: Connection): Promise<ConsumerFigures[]> {
  const found = await rows<FiguresRow>(
    read,
    sql`
      select ${c.kind}, count(${c.paused_at})::int as paused,
        coalesce(max(${h.head} - coalesce(o.first - 1, ${c.scanned})) filter (where ${c.paused_at} is null), 0)
          as lag_events,
        sum(o.in_flight)::int as in_flight, sum(o.retrying)::int as waiting, sum(p.parked)::int as parked
      from ${consumerSource} group by ${c.kind}`,
  );
  return found.map(({ lag_events: lagEvents, in_flight: inFlight, ...row }) => ({
    ...row,
    lagEvents: Math.max(0, lagEvents),
    inFlight,
  }));
}
