-- Consumers: named places in a workspace's log, with what is not settled yet.

create table consumers (
  workspace_id int not null,
  id int generated always as identity,
  name text collate "C" not null,
  description text collate "C",
  kind text collate "C" not null default 'PULL',
  -- As it was given; null lets every event through.
  filter jsonb,
  -- Deliveries with an equal value of it go out one after the other.
  ordered_by text collate "C",
  lease_ms int not null,
  max_attempts int not null,
  paused_at timestamptz(3),
  paused_reason text collate "C",
  -- No delivery up to here is open: from where open deliveries are looked for. It may lag behind.
  settled bigint not null,
  -- Every event up to here was looked at, and what matched has a row or is settled.
  scanned bigint not null,
  -- When the event there was recorded, or the next one: it bounds the partitions that are read.
  scanned_recorded_at timestamptz(3) not null,
  -- The first position that retention took while its delivery waited for a retry.
  gone bigint,
  -- Grows with each change of what a pull has to know before it starts.
  revision int not null default 1,
  -- Grows with each change but that of open deliveries. Who waited for the row sees what was
  -- committed meanwhile by this: the rest of its snapshot is from before the wait.
  turn bigint not null default 1,
  created_at timestamptz(3) not null default now(),
  updated_at timestamptz(3) not null default now(),
  primary key (workspace_id, id),
  constraint consumers_name_key unique (workspace_id, name)
);

-- What is between `settled` and `scanned`: leased, waiting for its turn or a retry, or parked. An
-- acknowledged delivery has no row.
create table deliveries (
  workspace_id int not null,
  consumer_id int not null,
  position bigint not null,
  recorded_at timestamptz(3) not null,
  attempts int not null,
  -- Who holds it; null while it waits.
  lease uuid,
  -- When the lease runs out, or the retry is due.
  due_at timestamptz(3) not null,
  -- Of a consumer with an order; null where the event has no such value.
  order_key text collate "C",
  parked_at timestamptz(3),
  reason text collate "C",
  primary key (workspace_id, consumer_id, position)
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
create index deliveries_parked_idx on deliveries (workspace_id, consumer_id, position)
  where parked_at is not null;
