-- Versions of the payload schemas of definitions. A definition whose schema has never changed has no
-- rows here: its one version is its own.

create table definition_schemas (
  workspace_id int not null,
  definition_id int not null,
  version int not null,
  -- The newest position when it came: events after it, up to the next version, were recorded under it.
  after_position bigint not null,
  payload_schema jsonb,
  created_at timestamptz(3) not null,
  -- The key that made it. No reference: the record outlives the maker.
  created_by int,
  primary key (workspace_id, definition_id, version)
);

alter table event_definitions add column compatibility text collate "C" not null default 'NONE';

-- Whoever changes a schema, also a gateway of the version before, holds the lock under which positions
-- are given: no event is recorded between the position that is read here and the commit.
create function keep_schema_version() returns trigger
  language plpgsql volatile security definer as $$
begin
  insert into definition_schemas
    (workspace_id, definition_id, version, after_position, payload_schema, created_at)
    values (old.workspace_id, old.id, old.version, 0, old.payload_schema, old.created_at)
    on conflict do nothing;
  insert into definition_schemas
    (workspace_id, definition_id, version, after_position, payload_schema, created_at)
    select new.workspace_id, new.id, new.version, coalesce(max(h.head), 0), new.payload_schema, now()
    from workspace_heads h where h.workspace_id = new.workspace_id
    on conflict do nothing;
  return null;
end $$;

create trigger keep_schema_version after update of version on event_definitions
  for each row when (old.version <> new.version) execute function keep_schema_version();

-- Of definitions whose schema has changed before, what came earlier was not kept. The trigger's lock
-- lets no change be under way now.
insert into definition_schemas
    (workspace_id, definition_id, version, after_position, payload_schema, created_at)
  select d.workspace_id, d.id, d.version, coalesce(
      (select max(h.head) from workspace_heads h where h.workspace_id = d.workspace_id), 0),
    d.payload_schema, d.updated_at
  from event_definitions d where d.version > 1;

-- It looks nowhere but where the tables are, and belongs to whom the tables belong.
do $$
declare
  owner regrole;
begin
  select relowner into owner from pg_class where oid = 'events'::regclass;
  execute format('alter function keep_schema_version() set search_path = %I, pg_temp', current_schema());
  revoke all on function keep_schema_version() from public;
  if owner <> current_user::regrole then
    execute format('alter function keep_schema_version() owner to %s', owner);
    execute format('alter table definition_schemas owner to %s', owner);
  end if;
end $$;
