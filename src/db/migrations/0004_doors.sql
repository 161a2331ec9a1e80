-- What doors keep for all gateways on one database.

-- Seals the access tokens that doors give out: 244 random bits. It opens a token and makes none:
-- what is sealed is a key, of which the database knows the hash alone.
alter table installation
  add column sealing_secret text collate "C" not null
    default gen_random_uuid()::text || gen_random_uuid()::text;

-- What vendors' clients say of themselves, by a name of theirs, such as the capabilities of a
-- Logspace controller.
create table door_notes (
  workspace_id int not null references workspaces (id) on delete cascade,
  door smallint not null,
  name text collate "C" not null,
  value jsonb not null,
  -- In whole seconds, and later with each change: HTTP dates have no more.
  changed_at timestamptz(3) not null,
  noted_at timestamptz(3) not null,
  primary key (workspace_id, door, name)
);
