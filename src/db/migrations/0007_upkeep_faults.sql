-- Upkeep works on all workspaces. What it can't do for one of them waits here, and holds up no other.

create table upkeep_faults (
  workspace_id int not null,
  step text collate "C" not null,
  since timestamptz(3) not null default now(),
  tries int not null default 1,
  -- Until then the step passes the workspace over.
  retry_at timestamptz(3) not null,
  message text collate "C" not null,
  primary key (workspace_id, step)
);

-- Since when a measure is counted from its events alone: one of them holds a number that is too long
-- for the rollups, whose sums have to stay within what Postgres can hold.
alter table measure_fills add column set_aside_at timestamptz(3);
