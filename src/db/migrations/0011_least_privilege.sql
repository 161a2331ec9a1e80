-- What upkeep does to the tables themselves, with the rights of whoever owns them: so the role of
-- a gateway needs to own nothing. Only "sluice migrate --role" lets another role call them. Each
-- does one thing, however often and with whatever it is called.

-- Makes the partition that is so many quarters ahead of the database's present; returns its name,
-- or null where it is there. It is made like the parent and then attached: CREATE … PARTITION OF
-- would wait for every open snapshot, with all recording behind it.
create function make_partition(ahead int) returns text
  language plpgsql volatile security definer set lock_timeout = '2s' as $$
declare
  first_day timestamp;
  partition text;
begin
  if (ahead between 0 and 4) is not true then
    raise exception 'a partition is made 0 to 4 quarters ahead' using errcode = '22023';
  end if;
  perform pg_advisory_xact_lock(718304);
  first_day := date_trunc('quarter', clock_timestamp() at time zone 'UTC')
    + ahead * interval '3 months';
  partition := to_char(first_day, '"events_"YYYY"q"Q');
  if exists (
    select from pg_class made join pg_class log using (relnamespace)
    where log.oid = 'events'::regclass and made.relname = partition
  ) then
    return null;
  end if;
  execute format('create table %I (like events including all)', partition);
  execute format('alter table events attach partition %I for values from (%L) to (%L)', partition,
    to_char(first_day, 'YYYY-MM-DD"T00:00:00Z"'),
    to_char(first_day + interval '3 months', 'YYYY-MM-DD"T00:00:00Z"'));
  return partition;
end $$;

-- Drops a partition of the log whose quarter is over and in which nothing is kept any more; goes
-- on where an earlier removal had to stop. False where something in it is kept. One that is still
-- attached is detached with a lock that recording waits behind, for a quarter of a second at most.
create function remove_partition(partition text) returns boolean
  language plpgsql volatile security definer as $$
declare
  is_attached boolean;
  is_pending boolean;
  is_kept boolean;
begin
  select i.inhrelid is not null, coalesce(i.inhdetachpending, false) into is_attached, is_pending
    from pg_class c join pg_class log using (relnamespace)
    left join pg_inherits i on i.inhrelid = c.oid and i.inhparent = log.oid
    where log.oid = 'events'::regclass and c.relkind = 'r' and c.relname = partition
      and partition ~ '^events_\d{4}q[1-4]$'
      and make_date(substr(partition, 8, 4)::int, 3 * right(partition, 1)::int, 1)
        + interval '1 month' <= now() at time zone 'UTC';
  if not found then
    raise exception 'no partition of a quarter that is over' using errcode = '22023';
  end if;
  execute format(
    'select exists (
       select from workspaces w left join workspace_marks m on m.workspace_id = w.id
       cross join lateral (select max(position) as last from %I where workspace_id = w.id) p
       where p.last >= coalesce(m.tail, 1))', partition) into is_kept;
  if is_kept then
    return false;
  end if;
  if is_pending then
    execute format('alter table events detach partition %I finalize', partition);
  elsif is_attached then
    perform set_config('lock_timeout', '250ms', true);
    execute format('alter table events detach partition %I', partition);
  end if;
  execute format('drop table %I', partition);
  return true;
end $$;

-- The planner's figures of a partitioned table, which autovacuum does not make.
create function analyze_log(part text) returns void
  language plpgsql volatile security definer as $$
begin
  if (part in ('events', 'event_keys')) is not true then
    raise exception 'only events and event_keys are analysed' using errcode = '22023';
  end if;
  execute format('analyze %I', part);
end $$;

-- They look nowhere but where the tables are, and belong to whom the tables belong.
do $$
declare
  owner regrole;
  signature text;
begin
  select relowner into owner from pg_class where oid = 'events'::regclass;
  foreach signature in array
    array['make_partition(int)', 'remove_partition(text)', 'analyze_log(text)'] loop
    execute format('alter function %s set search_path = %I, pg_temp', signature, current_schema());
    execute format('revoke all on function %s from public', signature);
    if owner <> current_user::regrole then
      execute format('alter function %s owner to %s', signature, owner);
    end if;
  end loop;
end $$;
