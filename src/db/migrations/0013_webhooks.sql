-- Webhooks: consumers whose worker is the gateway, which sends each event to an address.

create table webhooks (
  workspace_id int not null,
  consumer_id int not null,
  url text collate "C" not null,
  format text collate "C" not null,
  timeout_ms int not null,
  -- Sealed, as the secrets: names and values, and which of them are never shown.
  headers text collate "C" not null,
  secret text collate "C" not null,
  -- The secret before the last rotation signs beside it until then.
  previous_secret text collate "C",
  previous_valid_until timestamptz(3),
  -- When the first attempt since the last success failed.
  failing_since timestamptz(3),
  -- How many attempts there were: the newest of them are kept.
  attempt_count bigint not null default 0,
  -- Grows with each change of what a request is made of.
  revision int not null default 1,
  primary key (workspace_id, consumer_id)
) with (fillfactor = 70);

-- The newest attempts of each webhook: a ring, so that it takes no more room with time.
create table webhook_attempts (
  workspace_id int not null,
  consumer_id int not null,
  slot int not null,
  number bigint not null,
  attempted_at timestamptz(3) not null,
  event_id text collate "C" not null,
  position bigint not null,
  attempt int not null,
  status int,
  error text collate "C",
  duration_ms int not null,
  response text collate "C",
  primary key (workspace_id, consumer_id, slot)
) with (fillfactor = 70);
