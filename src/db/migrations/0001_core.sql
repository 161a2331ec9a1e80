-- Texts compare by code point (collation "C"): keyset order, filters and the live predicate
-- then mean the same on every server. Times are instants in milliseconds.

create table installation (
  id smallint primary key default 1 check (id = 1),
  epoch text collate "C" not null
);
insert into installation (epoch) values (substr(replace(gen_random_uuid()::text, '-', ''), 1, 8));

create table workspaces (
  id int generated always as identity primary key,
  slug text collate "C" not null,
  name text collate "C" not null,
  created_at timestamptz(3) not null default now(),
  retention_days int,
  dedupe_days int not null default 30,
  time_zone text collate "C" not null default 'UTC',
  unknown_types text collate "C" not null default 'DISCOVER',
  constraint workspaces_slug_key unique (slug)
);

-- The newest position, once a flush: appended, never updated, the old ones taken away by upkeep.
-- Whoever reads the newest row descends the index once, however long a snapshot stays open.
create table workspace_heads (
  workspace_id int not null,
  head bigint not null,
  recorded_at timestamptz(3) not null,
  primary key (workspace_id, head)
);

-- How far upkeep has come: the oldest position kept, and the newest that the rollups count.
create table workspace_marks (
  workspace_id int primary key,
  tail bigint not null default 1,
  folded bigint not null default 0,
  folded_recorded_at timestamptz(3) not null default '-infinity'
);

create table api_keys (
  id int generated always as identity primary key,
  name text collate "C" not null,
  prefix text collate "C" not null,
  hash text collate "C" not null,
  scopes text[] not null,
  workspace_id int references workspaces (id) on delete cascade,
  created_at timestamptz(3) not null default now(),
  last_used_at timestamptz(3),
  expires_at timestamptz(3),
  revoked_at timestamptz(3),
  constraint api_keys_hash_key unique (hash)
);
create index api_keys_workspace_idx on api_keys (workspace_id, id);

create table event_definitions (
  workspace_id int not null,
  id int generated always as identity,
  name text collate "C" not null,
  title text collate "C",
  description text collate "C",
  category text collate "C",
  status text collate "C" not null default 'DISCOVERED',
  payload_schema jsonb,
  validation text collate "C" not null default 'OFF',
  version int not null default 1,
  revision int not null default 1,
  measures text[] not null default '{}',
  created_at timestamptz(3) not null default now(),
  updated_at timestamptz(3) not null default now(),
  event_count bigint not null default 0,
  first_recorded_at timestamptz(3),
  last_recorded_at timestamptz(3),
  primary key (workspace_id, id),
  constraint event_definitions_name_key unique (workspace_id, name)
);
create index event_definitions_updated_idx on event_definitions (updated_at);

create table event_keys (
  workspace_id int not null,
  key uuid not null,
  position bigint not null,
  recorded_at timestamptz(3) not null,
  hash uuid not null,
  primary key (workspace_id, key)
) partition by hash (workspace_id, key);

do $$
begin
  for i in 0..15 loop
    execute format(
      'create table event_keys_%s partition of event_keys for values with (modulus 16, remainder %s)',
      lpad(i::text, 2, '0'), i);
  end loop;
end $$;

create table events (
  workspace_id int not null,
  position bigint not null,
  recorded_at timestamptz(3) not null,
  occurred_at timestamptz(3) not null,
  expires_at timestamptz(3),
  redacted_at timestamptz(3),
  definition_id int not null,
  door smallint not null,
  notify boolean not null,
  success boolean,
  event_id text collate "C" not null,
  source text collate "C",
  subject text collate "C",
  actor text collate "C",
  description text collate "C",
  icon text collate "C",
  client_ip text collate "C",
  parent_id text collate "C",
  group_id text collate "C",
  payload jsonb not null,
  property_types jsonb,
  wire jsonb,
  primary key (workspace_id, position, recorded_at)
) partition by range (recorded_at);
create index events_occurred_idx on events (workspace_id, occurred_at, position);
create index events_definition_idx on events (workspace_id, definition_id, position);
create index events_subject_idx on events (workspace_id, subject, position) where subject is not null;
create index events_actor_idx on events (workspace_id, actor, position) where actor is not null;
create index events_group_idx on events (workspace_id, group_id, position) where group_id is not null;
create index events_parent_idx on events (workspace_id, parent_id, position) where parent_id is not null;
create index events_expires_idx on events (expires_at) where expires_at is not null;

create table event_counts (
  workspace_id int not null,
  grain smallint not null,
  bucket timestamptz(3) not null,
  definition_id int not null,
  door smallint not null,
  count bigint not null,
  primary key (workspace_id, grain, bucket, definition_id, door)
);

create table event_measures (
  workspace_id int not null,
  grain smallint not null,
  bucket timestamptz(3) not null,
  definition_id int not null,
  door smallint not null,
  property text collate "C" not null,
  count bigint not null,
  sum numeric not null,
  min numeric not null,
  max numeric not null,
  primary key (workspace_id, grain, bucket, definition_id, door, property)
);

create table quarantined_events (
  workspace_id int not null,
  id uuid not null default gen_random_uuid(),
  received_at timestamptz(3) not null default now(),
  door smallint not null,
  problems jsonb not null,
  event jsonb not null,
  primary key (workspace_id, id)
);
create index quarantined_events_received_idx on quarantined_events (workspace_id, received_at, id);

-- Takes the lock of each workspace in id order and says where its log ends. It is a function
-- because a statement sees the snapshot from before it waited for a lock; the queries of a
-- volatile function take a new one each. The caller's commit becomes visible before its locks
-- are let go (PostgreSQL, CommitTransaction), so positions become visible in order, without a gap.
-- Raises SL001 when a definition of theirs is no longer at the revision that events were
-- validated by.
create function take_workspaces(
    ids int[], definition_workspaces int[], definitions int[], revisions int[])
  returns table (workspace_id int, head bigint, recorded_at timestamptz)
  language plpgsql volatile as $$
declare
  id int;
begin
  foreach id in array ids loop
    perform pg_advisory_xact_lock(718301, id);
  end loop;
  if exists (
    select from unnest(definition_workspaces, definitions, revisions)
      as used (workspace_id, definition_id, revision)
    left join event_definitions d
      on d.workspace_id = used.workspace_id and d.id = used.definition_id
    where used.workspace_id = any (ids) and d.revision is distinct from used.revision
  ) then
    raise exception 'a definition has changed' using errcode = 'SL001';
  end if;
  return query
    select w.id, coalesce(h.head, 0),
      greatest(date_trunc('milliseconds', clock_timestamp()), h.recorded_at)
    from unnest(ids) as taken (id)
    join workspaces w on w.id = taken.id
    left join lateral (
      select n.head, n.recorded_at from workspace_heads n
      where n.workspace_id = w.id order by n.head desc limit 1
    ) h on true;
end $$;
