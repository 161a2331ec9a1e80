/** What is set of a consumer, and how it becomes SQL. */
import { sql, type SQL } from 'drizzle-orm';
import {
  checkConsumerTexts,
  checkCount,
  checkLeaseMs,
  type ConsumerKind,
  type ConsumerOrder,
  type ConsumerPlace,
} from '../core/consumer.ts';
import { writeFilter } from '../core/filter-text.ts';
import type { EventFilter } from '../core/filter.ts';
import { LIMITS } from '../core/limits.ts';
import { columnsOf } from '../db/columns.ts';
import { consumers } from '../db/schema.ts';
import { compileStreamFilter } from '../live/stream-filter.ts';

const c = columnsOf(consumers, 'c');
const CONSUMER = columnsOf(consumers);

export interface NewConsumer {
  readonly name: string;
  readonly description: string | null;
  readonly kind: ConsumerKind;
  readonly filter: EventFilter | null;
  readonly from: ConsumerPlace;
  readonly orderedBy: ConsumerOrder | null;
  readonly leaseMs: number;
  readonly maxAttempts: number;
}

/** Absent: unchanged. */
export interface ConsumerChange {
  readonly newName?: string;
  readonly description?: string | null;
  readonly filter?: EventFilter | null;
  readonly leaseMs?: number;
  readonly maxAttempts?: number;
}

/** @throws GatewayError BAD_USER_INPUT, and as a stream for its filter */
export function checkConsumer(given: Partial<NewConsumer>): void {
  checkConsumerTexts(given);
  if (given.leaseMs !== undefined) checkLeaseMs(given.leaseMs);
  if (given.maxAttempts !== undefined) {
    checkCount('maxAttempts', given.maxAttempts, LIMITS.attemptsMax);
  }
  // New events are told of by a stream with this filter.
  if (given.filter != null) compileStreamFilter(given.filter);
}

export function changeSql(to: ConsumerChange): SQL {
  const set = [sql`${CONSUMER.revision} = ${c.revision} + 1`];
  if (to.newName !== undefined) set.push(sql`${CONSUMER.name} = ${to.newName}`);
  if (to.description !== undefined) set.push(sql`${CONSUMER.description} = ${to.description}`);
  if (to.filter !== undefined) set.push(sql`${CONSUMER.filter} = ${filterText(to.filter)}::jsonb`);
  if (to.leaseMs !== undefined) set.push(sql`${CONSUMER.lease_ms} = ${to.leaseMs}`);
  if (to.maxAttempts !== undefined) set.push(sql`${CONSUMER.max_attempts} = ${to.maxAttempts}`);
  return sql.join(set, sql`, `);
}

export function filterText(filter: EventFilter | null): string | null {
  return filter === null ? null : writeFilter(filter);
}
