-- Quotas of keys: how many events a key may record in a day and in a month of UTC. Null: any number.
alter table api_keys
  add column events_per_day bigint,
  add column events_per_month bigint;

-- What keys have recorded. Each gateway counts in memory and adds to these rows once a second, so
-- that no request ever waits for one: see src/record/key-usage.ts. There is no reference to
-- api_keys, since checking it would lock a key's row: upkeep removes what a deleted key left.
create table key_usage (
  key_id int not null,
  day date not null,
  recorded bigint not null,
  primary key (key_id, day)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
