-- Lists of doors leave redacted events out and count the others from rollups, which count all: how
-- many are to be taken off is looked up here. Few events are in it.
create index events_redacted_idx on events (workspace_id, occurred_at) where redacted_at is not null;
