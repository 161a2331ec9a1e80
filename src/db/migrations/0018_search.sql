-- The index of searches: see src/search. Recording writes none of it.

alter table workspaces add column search_index boolean not null default false;

-- How far the index of a workspace has come.
create table search_logs (
  workspace_id int primary key,
  -- The newest position that is in it: the last one of a block.
  indexed bigint not null,
  -- When that event was recorded.
  indexed_recorded_at timestamptz(3) not null default '-infinity',
  -- What lies below this position was cut off.
  cut bigint not null,
  worked_at timestamptz(3) not null default now()
);

-- Blocks of neighbouring events, with the terms of all of them (core/search-index.ts).
create table search_blocks (
  workspace_id int not null,
  block bigint not null,
  -- When the first and the last of its events were recorded: they bound the partitions that are read.
  recorded_from timestamptz(3) not null,
  recorded_to timestamptz(3) not null,
  -- Null: content was taken away. They are to be made anew, and until then the block is looked at.
  terms int[],
  primary key (workspace_id, block)
);
-- Numbers all over can't be compressed.
alter table search_blocks alter column terms set storage external;
create index search_blocks_terms_idx on search_blocks using gin (terms);
create index search_blocks_without_terms_idx on search_blocks (workspace_id, block) where terms is null;
