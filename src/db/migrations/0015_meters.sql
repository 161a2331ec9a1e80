-- Meters: declared questions whose answers the fold keeps up to date.

create table meters (
  workspace_id int not null,
  id int generated always as identity,
  name text collate "C" not null,
  -- As it was given; null lets every event through.
  filter jsonb,
  group_by jsonb not null,
  measures jsonb not null,
  series_max int not null,
  series_count int not null default 0,
  -- More groups came than it may have: the others are counted as one.
  overflowed boolean not null default false,
  -- A value that it groups by was longer than is kept.
  values_cut boolean not null default false,
  -- Operands of measures that are counted from the events alone, since a number of theirs is too long.
  set_aside smallint[] not null default '{}',
  -- The newest position that it counts, and when the event there was recorded.
  folded bigint not null default 0,
  folded_recorded_at timestamptz(3) not null default '-infinity',
  -- When it first had come to where the rollups stood. From then on it answers.
  active_at timestamptz(3),
  -- Zone of the rows by day and month, and the version of the time-zone database; empty while the
  -- rows of an earlier zone are taken away.
  days_zone text collate "C" not null default '',
  -- Quarter hours before this one are in the rows by day and month.
  days_built timestamptz(3) not null default 'infinity',
  -- What keeps it from being counted on, since when, how often it was tried, and when it is again.
  fault text collate "C",
  failed_at timestamptz(3),
  tries int not null default 0,
  retry_at timestamptz(3),
  -- When something was last done for it in the background.
  worked_at timestamptz(3),
  created_at timestamptz(3) not null default now(),
  -- Its rows are being taken away.
  deleted_at timestamptz(3),
  primary key (workspace_id, id)
);
create unique index meters_name_idx on meters (workspace_id, name) where deleted_at is null;

-- The groups of a meter, in the columns that its groups are made of. Number 0 stands for all that
-- came after there were as many as it may have.
create table meter_series (
  workspace_id int not null,
  meter_id int not null,
  id int not null,
  -- Of all its values: half of a SHA-256.
  key uuid not null,
  definition_id int,
  door smallint,
  success boolean,
  source text collate "C",
  subject text collate "C",
  actor text collate "C",
  value_1 text collate "C",
  value_2 text collate "C",
  value_3 text collate "C",
  primary key (workspace_id, meter_id, id),
  constraint meter_series_key_key unique (workspace_id, meter_id, key)
);

-- Counters change where they stand: with room on the page their index entries stay.
create table meter_counts (
  workspace_id int not null,
  meter_id int not null,
  grain smallint not null,
  bucket timestamptz(3) not null,
  series_id int not null,
  count bigint not null,
  primary key (workspace_id, meter_id, grain, bucket, series_id)
) with (fillfactor = 80);

-- Sums and ends of the numbers of an operand.
create table meter_values (
  workspace_id int not null,
  meter_id int not null,
  grain smallint not null,
  bucket timestamptz(3) not null,
  series_id int not null,
  operand smallint not null,
  count bigint not null,
  sum numeric not null,
  min numeric not null,
  max numeric not null,
  primary key (workspace_id, meter_id, grain, bucket, series_id, operand)
) with (fillfactor = 80);

-- What stands for different values and for percentiles.
create table meter_sketches (
  workspace_id int not null,
  meter_id int not null,
  grain smallint not null,
  bucket timestamptz(3) not null,
  series_id int not null,
  operand smallint not null,
  sketch bytea not null,
  primary key (workspace_id, meter_id, grain, bucket, series_id, operand)
) with (fillfactor = 80);
