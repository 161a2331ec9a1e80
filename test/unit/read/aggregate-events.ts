import { createHash, randomUUID } from 'node:crypto';
import { DOORS, type Door } from '../../../src/core/event.ts';
import type { Connection } from '../../../src/db/connection.ts';
import { FLUSH_SQL } from '../../../src/record/flush.sql.ts';

/** An event on its way through the flush statement itself; what is left out gets a default. */
export interface SampleEvent {
  readonly type: string;
  readonly occurredAt: Date;
  readonly door?: Door;
  readonly eventId?: string;
  readonly expiresAt?: Date | null;
  readonly source?: string | null;
  readonly subject?: string | null;
  readonly actor?: string | null;
  readonly success?: boolean | null;
  /** JSON text. */
  readonly payload?: string;
}

export async function createOnePartition(connection: Connection): Promise<void> {
  await connection.query(
    'create table events_all partition of events for values from (minvalue) to (maxvalue)',
  );
}

export interface NewWorkspace {
  readonly slug: string;
  readonly timeZone?: string;
  /** Names, or names with their measures. */
  readonly types: readonly (string | { name: string; measures?: string[]; category?: string })[];
}

/** A workspace with its definitions; returns the ids of both. */
export async function createSampleWorkspace(
  connection: Connection,
  { slug, timeZone = 'UTC', types }: NewWorkspace,
): Promise<{ id: number; definitions: Map<string, number> }> {
  const [row] = await connection.query<{ id: number }>(
    `with made as (insert into workspaces (slug, name, time_zone) values ($1, $1, $2) returning id),
     marked as (insert into workspace_marks (workspace_id) select id from made)
     select id from made`,
    [slug, timeZone],
  );
  const id = row!.id;
  const given = types.map(type => (typeof type === 'string' ? { name: type } : type));
  const rows = await connection.query<{ name: string; id: number }>(
    `insert into event_definitions (workspace_id, name, category, measures)
     select $1::int, name, category, coalesce(array(select json_array_elements_text(measures)), '{}')
     from json_to_recordset($2::text::json) as t (name text, category text, measures json)
     returning name, id`,
    [id, JSON.stringify(given)],
  );
  return { id, definitions: new Map(rows.map(({ name, id }) => [name, id])) };
}

/** One flush. @throws what the statement throws */
export async function flushSamples(
  connection: Connection,
  { id, definitions }: { id: number; definitions: ReadonlyMap<string, number> },
  events: readonly SampleEvent[],
): Promise<number[]> {
  const items = events.map(event => {
    const eventId = event.eventId ?? randomUUID();
    const envelope = JSON.stringify({
      w: id,
      k: createHash('sha256').update(eventId).digest('hex').slice(0, 32),
      h: createHash('sha256')
        .update(event.payload ?? '')
        .digest('hex')
        .slice(0, 32),
      d: definitions.get(event.type),
      dr: DOORS[event.door ?? 'GRAPHQL'],
      o: event.occurredAt,
      e: event.expiresAt ?? undefined,
      n: false,
      s: event.success ?? undefined,
      i: eventId,
      sr: event.source ?? undefined,
      su: event.subject ?? undefined,
      ac: event.actor ?? undefined,
    });
    return `${envelope.slice(0, -1)},"p":${event.payload ?? '{}'}}`;
  });
  const rows = await connection.query<{ position: number }>(FLUSH_SQL, [
    `[${items.join(',')}]`,
    ...['{}', '{}', '{}', '{}', '{}'],
  ]);
  return rows.map(({ position }) => position);
}
