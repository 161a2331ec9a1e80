/** A table for PostGraphile: the columns of an event, and the indexes that its reads need. */
export async function likeTable(db) {
  await db.upkeep.query(
    `create schema peer;
     create table peer.events (
       position bigint generated always as identity primary key,
       recorded_at timestamptz not null default now(),
       event_id text collate "C" not null unique,
       type text collate "C" not null,
       occurred_at timestamptz not null,
       source text collate "C",
       subject text collate "C",
       actor text collate "C",
       payload jsonb not null
     );
     create index on peer.events (occurred_at, position);
     create index on peer.events (type, position);
     create index on peer.events (subject, position);
     create index on peer.events (actor, position);`,
    [],
    { script: true },
  );
}

/** Every event of the log, in its order. */
export async function fillLikeTable(db) {
  await db.upkeep.query(
    `insert into peer.events (event_id, type, occurred_at, recorded_at, source, subject, actor, payload)
     select e.event_id, d.name, e.occurred_at, e.recorded_at, e.source, e.subject, e.actor, e.payload
     from events e join event_definitions d on d.workspace_id = e.workspace_id and d.id = e.definition_id
     order by e.position`,
  );
}
