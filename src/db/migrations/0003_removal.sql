-- What retention, expiry and redaction keep, and the indexes that lead to what is due.

-- When its content was taken away because it had expired: then the row is empty, but for its
-- place, type, times and id.
alter table events add column expired_at timestamptz(3);

-- Whoever asks for what has expired asks for one workspace: an index by time alone led through
-- all workspaces' (with 200 of equal size 200 times as many entries).
drop index events_expires_idx;
create index events_expires_idx on events (workspace_id, expires_at) where expires_at is not null;

alter table workspace_marks
  -- When the event at `tail` was recorded; null until it is looked up, and while there is none.
  -- So what retention has to do is known without a look at the log.
  add column tail_recorded_at timestamptz(3),
  -- The earliest expiry of any folded event that still has its content.
  add column expires_next timestamptz(3);
update workspace_marks set expires_next = expires_first;

alter table quarantined_events add column expires_at timestamptz(3);
create index quarantined_events_expires_idx on quarantined_events (expires_at)
  where expires_at is not null;

-- When all keys were last looked at for those whose events and days of dedupe are gone.
alter table installation add column keys_swept_at timestamptz(3);

-- Nothing asks for it.
drop index event_definitions_updated_idx;
