import type { Database } from '../../src/db/client.ts';
import { quarterOf } from '../../src/db/partitions.ts';
import { createFold } from '../../src/rollup/fold.ts';

/** Makes the partitions of the quarters before this one, as gateways of the past have left them. */
export async function makePastQuarters(db: Database, count: number): Promise<string[]> {
  const made: string[] = [];
  for (let ago = 1; ago <= count; ago++) {
    const { name, from, to } = quarterOf(new Date(), -ago);
    await db.upkeep.query(
      `create table if not exists events_${name} partition of events
       for values from ('${from.toISOString()}') to ('${to.toISOString()}')`,
    );
    made.push(`events_${name}`);
  }
  return made;
}

/** As if the events up to a position had been recorded so many days ago. Folded ones. */
export async function backdate(
  db: Database,
  workspaceId: number,
  upto: number,
  daysAgo: number,
): Promise<void> {
  const at = new Date(Date.now() - daysAgo * 86_400_000);
  for (const table of ['events', 'event_keys']) {
    await db.upkeep.query(
      `update ${table} set recorded_at = least(recorded_at, $3)
       where workspace_id = $1 and position <= $2`,
      [workspaceId, upto, at],
    );
  }
  await db.upkeep.query(
    `update workspace_marks m set tail_recorded_at = null,
       folded_recorded_at = (
         select recorded_at from events e where e.workspace_id = $1 and e.position = m.folded)
     where workspace_id = $1`,
    [workspaceId],
  );
}

export function foldAll(db: Database): Promise<void> {
  const logger = { warn: () => {} };
  return createFold({ upkeep: db.upkeep, logger, nowMs: () => Date.now() }).foldNow();
}

/** The partitions of the log that are there, attached or not. */
export async function partitionsOf(db: Database): Promise<string[]> {
  const rows = await db.upkeep.query<{ relname: string }>(
    `select relname from pg_class where relkind = 'r' and relname ~ '^events_[0-9]' order by 1`,
  );
  return rows.map(({ relname }) => relname);
}
