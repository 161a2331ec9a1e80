-- How many batches of events were redacted here. Each gateway compares it with what it saw before,
-- and lets go of what it holds of the workspace: also where it heard of no redaction.
alter table workspaces add column redactions bigint not null default 0;
