import type { Connection } from '../../../src/db/connection.ts';

/** A row to be stored as it is, past every check of the writers; what is left out gets a default. */
export interface EventSeed {
  readonly position: number;
  readonly type?: string;
  /** Of the definition, which the first event of its type makes. */
  readonly category?: string | null;
  readonly eventId?: string;
  readonly recordedAt?: Date;
  readonly occurredAt?: Date;
  readonly expiresAt?: Date | null;
  readonly door?: number;
  readonly notify?: boolean;
  readonly success?: boolean | null;
  readonly source?: string | null;
  readonly subject?: string | null;
  readonly actor?: string | null;
  readonly description?: string | null;
  readonly clientIp?: string | null;
  readonly parentId?: string | null;
  readonly groupId?: string | null;
  /** JSON text. */
  readonly payload?: string;
}

/** Partitions from each of the instants to the next, and for all before and after. */
export async function createPartitions(connection: Connection, bounds: readonly Date[]) {
  const ends = ['minvalue', ...bounds.map(bound => `'${bound.toISOString()}'`), 'maxvalue'];
  for (const [index, end] of ends.slice(1).entries()) {
    await connection.query(
      `create table events_test_${index} partition of events for values from (${ends[index]}) to (${end})`,
    );
  }
}

export async function createWorkspace(connection: Connection, slug: string): Promise<number> {
  const [row] = await connection.query<{ id: number }>(
    'insert into workspaces (slug, name) values ($1, $1) returning id',
    [slug],
  );
  return row!.id;
}

export const START = new Date('2026-01-01T00:00:00.000Z');

/** One second apart, in recording and in occurring, unless a seed says otherwise. */
export async function storeEvents(
  connection: Connection,
  workspaceId: number,
  seeds: readonly EventSeed[],
): Promise<void> {
  const events = seeds.map(seed => {
    const instant = new Date(START.getTime() + seed.position * 1_000);
    const { type = 'test', eventId = `event-${seed.position}`, payload = '{}' } = seed;
    const { recordedAt = instant, occurredAt = instant, door = 1, notify = false } = seed;
    return { ...seed, type, eventId, payload, recordedAt, occurredAt, door, notify };
  });
  const json = JSON.stringify(events.map(event => ({ ...event, payload: event.payload })));
  await connection.query(
    `with seed as (
       select * from json_to_recordset($2::text::json) as s (position bigint, type text, category text)
     )
     insert into event_definitions (workspace_id, name, category)
     select distinct on (type) $1::int, type, category from seed order by type, position
     on conflict do nothing`,
    [workspaceId, json],
  );
  await connection.query(
    `with seed as (
       select * from json_to_recordset($2::text::json) as s (
         position bigint, type text, "eventId" text, "recordedAt" timestamptz, "occurredAt" timestamptz,
         "expiresAt" timestamptz, door smallint, notify boolean, success boolean, source text,
         subject text, actor text, description text, "clientIp" text, "parentId" text,
         "groupId" text, payload text)
     ), head as (
       insert into workspace_heads (workspace_id, head, recorded_at)
       select $1::int, position, "recordedAt" from seed order by position desc limit 1
     ), keyed as (
       insert into event_keys (workspace_id, key, position, recorded_at, hash)
       select $1::int,
         case when "eventId" ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then "eventId"::uuid
           else left(encode(sha256(convert_to("eventId", 'UTF8')), 'hex'), 32)::uuid end,
         position, "recordedAt", gen_random_uuid() from seed
     )
     insert into events (workspace_id, position, recorded_at, occurred_at, expires_at, definition_id,
       door, notify, success, event_id, source, subject, actor, description, client_ip, parent_id,
       group_id, payload)
     select $1::int, s.position, s."recordedAt", s."occurredAt", s."expiresAt", d.id, s.door, s.notify,
       s.success, s."eventId", s.source, s.subject, s.actor, s.description, s."clientIp",
       s."parentId", s."groupId", s.payload::jsonb
     from seed s join event_definitions d on d.workspace_id = $1::int and d.name = s.type`,
    [workspaceId, json],
  );
}
