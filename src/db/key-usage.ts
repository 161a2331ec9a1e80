/** What keys have recorded: counts by day, which gateways add to. */
import { dayOf, dayText, monthOf, type RecordedEvents } from '../core/quota.ts';
import { columnsOf, sqlText, type Row } from './columns.ts';
import type { Connection } from './connection.ts';
import { keyUsage } from './schema.ts';
import { arrayLiteral } from './sql-lists.ts';

const USAGE = columnsOf(keyUsage);
const u = columnsOf(keyUsage, 'u');

export interface AddedUsage {
  readonly keyId: number;
  /** As `dayOf` counts. */
  readonly day: number;
  readonly events: number;
}

/** In the order of keys, so that gateways that add to the same ones never wait for each other in a circle. */
const ADD_SQL = sqlText`insert into key_usage as u (${USAGE.key_id}, ${USAGE.day}, ${USAGE.recorded})
  select a.key, a.date, a.count
  from unnest($1::text::int[], $2::text::date[], $3::text::bigint[]) as a (key, date, count)
  order by a.key, a.date
  on conflict (${USAGE.key_id}, ${USAGE.day}) do update
    set ${USAGE.recorded} = ${u.recorded} + excluded.${USAGE.recorded}`;

export async function addUsage(write: Connection, added: readonly AddedUsage[]): Promise<void> {
  await write.query(ADD_SQL, [
    arrayLiteral(added.map(({ keyId }) => keyId)),
    arrayLiteral(added.map(({ day }) => dayText(day))),
    arrayLiteral(added.map(({ events }) => events)),
  ]);
}

const READ_SQL = sqlText`select ${USAGE.key_id},
    coalesce(sum(${USAGE.recorded}) filter (where ${USAGE.day} = $2::text::date), 0)::bigint as today,
    sum(${USAGE.recorded})::bigint as this_month
  from key_usage
  where ${USAGE.key_id} = any($1::text::int[])
    and ${USAGE.day} >= $3::text::date and ${USAGE.day} <= $2::text::date
  group by ${USAGE.key_id}`;

type UsageRow = Row<typeof keyUsage, 'key_id'> & { today: number; this_month: number };

/** By key. Those that recorded nothing in this month have no entry. */
export async function readUsage(
  read: Connection,
  keyIds: readonly number[],
  at: Date,
): Promise<Map<number, RecordedEvents>> {
  const today = dayOf(at);
  const found = await read.query<UsageRow>(READ_SQL, [
    arrayLiteral(keyIds),
    dayText(today),
    dayText(monthOf(today)),
  ]);
  return new Map(
    found.map(({ key_id, today: ofDay, this_month }) => [
      key_id,
      { today: ofDay, thisMonth: this_month },
    ]),
  );
}
