-- Evidence: a Merkle tree over a workspace's log, by which a later change can be found.

alter table workspaces add column evidence boolean not null default false;

-- Keys that sign checkpoints. Old ones stay, so that what they signed can be verified.
create table evidence_keys (
  id int primary key generated always as identity,
  public_key bytea not null,
  -- Null: it is a setting's, and not kept here.
  seed bytea,
  created_at timestamptz(3) not null default now(),
  constraint evidence_keys_public_key_key unique (public_key)
);

-- How far the tree of a workspace has come.
create table evidence_logs (
  workspace_id int primary key,
  -- The name of the log in its checkpoints.
  origin text collate "C" not null,
  -- Of the database when the tree began: it stands in every leaf.
  epoch text collate "C" not null,
  -- The position of leaf 0.
  first_position bigint not null,
  -- Leaves that are in the tree.
  size bigint not null default 0,
  -- When the newest of these events was recorded: it bounds the partitions that are read.
  built_recorded_at timestamptz(3),
  built_at timestamptz(3) not null default now(),
  -- What lies below this leaf was cut: what it needed alone is gone.
  cut bigint not null default 0,
  -- It is no longer wanted, and is being taken away.
  ended_at timestamptz(3)
);

-- Hashes of the tree. The last tile of each level grows.
create table evidence_tiles (
  workspace_id int not null,
  level smallint not null,
  number bigint not null,
  hashes bytea not null,
  primary key (workspace_id, level, number)
);
-- Hashes cannot be compressed.
alter table evidence_tiles alter column hashes set storage external;

-- Salts and commitments of the leaves of a tile of level 0, 32 bytes each. A salt of zeros is gone.
create table evidence_bundles (
  workspace_id int not null,
  number bigint not null,
  -- When the first and the last of its events were recorded.
  recorded_from timestamptz(3) not null,
  recorded_to timestamptz(3) not null,
  salts bytea not null,
  commitments bytea not null,
  primary key (workspace_id, number)
);
alter table evidence_bundles alter column salts set storage external;
alter table evidence_bundles alter column commitments set storage external;
