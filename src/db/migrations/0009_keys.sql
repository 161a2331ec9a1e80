alter table api_keys
  -- The key that made it. No reference: the record outlives the maker.
  add column created_by int,
  -- Where it may be used from, in CIDR notation. Null: anywhere.
  add column addresses text[],
  -- Kept from SLUICE_ADMIN_KEY: the next value of the setting ends it.
  add column from_setting boolean not null default false;
update api_keys set from_setting = true
  where name = 'SLUICE_ADMIN_KEY' and workspace_id is null and scopes = '{ADMIN}';

-- A ticket opens one subscription of one workspace. Tickets without a workspace are from before
-- this version, and are refused.
alter table stream_tickets
  add column workspace_id int references workspaces (id) on delete cascade,
  -- SHA-256 of the operation. Null: bound by the first use.
  add column operation text collate "C",
  -- When its stream gave out its first cursor, and which position that was.
  add column opened_at timestamptz(3),
  add column first_position bigint,
  -- How long who was cut off may come back.
  add column resumable_until timestamptz(3);

-- Raises SL002 unless the key is valid and has the scope. The last statement before the commit of
-- what a key does: it sees what is committed when it runs, however long the statements before it
-- have waited. Null: the gateway itself.
create function require_key(acting int, needed text) returns boolean language plpgsql volatile as $$
begin
  if acting is not null and not exists (
    select from api_keys k where k.id = acting and k.revoked_at is null
      and (k.expires_at is null or k.expires_at > clock_timestamp())
      and k.scopes && array[needed, 'ADMIN']
  ) then
    raise exception 'the key is no longer valid' using errcode = 'SL002';
  end if;
  return true;
end $$;

-- As take_workspaces, which gateways of earlier versions still call. Also raises SL002 when one of
-- the keys is no longer valid, or has lost the scope it acts by: this is found out behind the
-- locks, so that no wait lies between it and the commit. All is one statement, since the start of
-- each costs as much as its rows.
create function take_workspaces_for(
    ids int[], definition_workspaces int[], definitions int[], revisions int[],
    keys int[], scopes text[])
  returns table (workspace_id int, head bigint, recorded_at timestamptz)
  language plpgsql volatile as $$
declare
  id int;
  fault text;
begin
  foreach id in array ids loop
    perform pg_advisory_xact_lock(718301, id);
  end loop;
  for workspace_id, head, recorded_at, fault in
    select w.id, coalesce(h.head, 0),
      greatest(date_trunc('milliseconds', clock_timestamp()), h.recorded_at),
      case
        when exists (
          select from unnest(definition_workspaces, definitions, revisions)
            as used (workspace_id, definition_id, revision)
          left join event_definitions d
            on d.workspace_id = used.workspace_id and d.id = used.definition_id
          where used.workspace_id = any (ids) and d.revision is distinct from used.revision
        ) then 'SL001'
        when exists (
          select from unnest(keys, scopes) as acting (key_id, scope)
          left join api_keys k on k.id = acting.key_id and k.revoked_at is null
            and (k.expires_at is null or k.expires_at > clock_timestamp())
            and k.scopes && array[acting.scope, 'ADMIN']
          where k.id is null
        ) then 'SL002'
      end
    from unnest(ids) as taken (id)
    join workspaces w on w.id = taken.id
    left join lateral (
      select n.head, n.recorded_at from workspace_heads n
      where n.workspace_id = w.id order by n.head desc limit 1
    ) h on true
  loop
    if fault is not null then
      raise exception 'a definition has changed, or a key has ended' using errcode = fault;
    end if;
    return next;
  end loop;
end $$;
