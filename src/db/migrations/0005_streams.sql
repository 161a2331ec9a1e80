-- Where the database stood when its epoch was made: cluster, database and timeline. Where that is
-- another now, it was restored or copied, and the epoch is due. Null until a gateway starts on it.
alter table installation add column home text collate "C";

create function database_home() returns text language plpgsql stable as $$
begin
  return (
    select format('%s/%s/%s', s.system_identifier, d.oid,
      left(pg_walfile_name(pg_current_wal_lsn()), 8))
    from pg_control_system() s, pg_database d where d.datname = current_database());
exception when others then
  -- Not every server lets everybody look: then nobody is told.
  return null;
end $$;

-- Tickets for streams of an EventSource, by the SHA-256 of each.
create table stream_tickets (
  hash text collate "C" primary key,
  key_id int not null references api_keys (id) on delete cascade,
  expires_at timestamptz(3) not null,
  used boolean not null default false
);
create index stream_tickets_key_idx on stream_tickets (key_id, expires_at);
