-- Notifications: rules, which are consumers that the gateway works for; what waits to be sent; and
-- browsers that take Web Push.

create table notification_rules (
  workspace_id int not null,
  consumer_id int not null,
  -- Sealed: addresses of people, and URLs that let whoever has them send.
  channels text collate "C" not null,
  quiet_ms int not null,
  -- Of a rule with a threshold; null: each matching event notifies.
  threshold_comparison text collate "C",
  threshold_count bigint,
  threshold_ms bigint,
  -- Events by when they were recorded, in steps of the threshold's time: JSON, see `core/threshold.ts`.
  counts text collate "C" not null default '[]',
  -- The consumer's revision that they are of, and since when none is missing.
  counts_revision int not null default 0,
  counts_since timestamptz(3),
  is_crossed boolean not null default false,
  -- When a threshold is to be looked at without an event.
  judge_at timestamptz(3),
  -- What came since the last notification, while it was quiet.
  pending_count bigint not null default 0,
  pending_kind text collate "C",
  pending_position bigint,
  pending_recorded_at timestamptz(3),
  -- When that is to be told.
  flush_at timestamptz(3),
  -- How many notifications there were: each has a number.
  notified_count bigint not null default 0,
  last_notified_at timestamptz(3),
  -- Why the last attempt to send failed; null after a success.
  last_error text collate "C",
  -- Grows with each change by an administrator.
  revision int not null default 1,
  primary key (workspace_id, consumer_id)
) with (fillfactor = 70);

-- What is to be sent: a row for each notification and each address. A sent one has no row.
create table notifications (
  workspace_id int not null,
  consumer_id int not null,
  number bigint not null,
  -- Which channel of the rule, by a digest of what it is.
  channel text collate "C" not null,
  -- Of Web Push; 0 for other channels.
  subscription_id int not null default 0,
  -- EVENTS, AT_LEAST or FEWER_THAN.
  kind text collate "C" not null,
  -- Of the newest event that it tells of; 0 where it tells of none.
  position bigint not null,
  recorded_at timestamptz(3) not null,
  -- How many events it tells of.
  event_count bigint not null,
  attempts int not null default 0,
  -- Who sends it; null while it waits.
  lease uuid,
  -- When it is to be sent, or the lease runs out.
  due_at timestamptz(3) not null default now(),
  primary key (workspace_id, consumer_id, number, channel, subscription_id)
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
create index notifications_due_idx on notifications (workspace_id, consumer_id, due_at);

-- Browsers that take Web Push: https://www.w3.org/TR/push-api/. A subscription is of a key, and gets
-- what the key may read.
create table push_subscriptions (
  id int generated always as identity primary key,
  key_id int not null references api_keys (id) on delete cascade,
  -- Which browser: a digest of its endpoint.
  endpoint_hash text collate "C" not null,
  -- Sealed: endpoint and keys.
  sealed text collate "C" not null,
  created_at timestamptz(3) not null default now(),
  constraint push_subscriptions_endpoint_key unique (key_id, endpoint_hash)
);

-- By which push services know this gateway (RFC 8292): one pair for all gateways on the database.
create table push_keys (
  id smallint primary key default 1 check (id = 1),
  public_key text collate "C" not null,
  -- Sealed.
  private_key text collate "C" not null,
  created_at timestamptz(3) not null default now()
);

-- Whether the workspace has had the rule that every workspace begins with.
alter table workspace_marks add column rules_begun boolean not null default false;
