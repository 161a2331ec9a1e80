-- What the fold keeps beside the rollups.

alter table workspace_marks
  -- The zone of the day rows and the version of the time-zone database they were made by,
  -- such as "Europe/Vienna 2025c"; empty before the first fold.
  add column days_zone text collate "C" not null default '',
  -- The earliest expiry of any folded event: until then none of them has expired.
  add column expires_first timestamptz(3);

-- A declared measure: its rollup counts the positions 1 to `filled`, and those after `upto`.
create table measure_fills (
  workspace_id int not null,
  definition_id int not null,
  property text collate "C" not null,
  filled bigint not null,
  upto bigint not null,
  dropped boolean not null default false,
  primary key (workspace_id, definition_id, property)
);

create index event_definitions_measures_idx on event_definitions (workspace_id, id)
  where measures <> '{}';

-- Counters change where they stand: with room on the page their index entries stay.
alter table event_counts set (fillfactor = 80);
alter table event_measures set (fillfactor = 80);
