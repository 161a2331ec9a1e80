/**
 * What a server says of itself, asked before anything is written to it: one that would break a
 * promise is refused. A receipt says that an event survives a crash.
 */
import { serverFaults, serverNotes, type ServerFacts } from '../core/server-facts.ts';
import type { Connection } from './connection.ts';
import { GATEWAYS_SQL } from './listen.ts';

const FACTS = `
  select current_setting('server_version') as "version",
    current_setting('server_version_num')::int as "versionNumber",
    current_setting('server_encoding') as "encoding",
    pg_is_in_recovery() as "isStandby",
    current_setting('default_transaction_read_only')::bool as "isReadOnly",
    array(select name from pg_settings where setting = 'off'
      and name in ('fsync', 'full_page_writes', 'synchronous_commit') order by name) as "wronglyOff",
    array(select name from pg_settings where setting = 'on'
      and name in ('zero_damaged_pages', 'ignore_checksum_failure') order by name) as "wronglyOn",
    current_schema() as "schema",
    current_user as "role",
    coalesce(has_schema_privilege(current_schema(), 'create'), false) as "mayCreate",
    to_regclass('installation') is not null and to_regclass('schema_migrations') is not null
      as "hasTables",
    current_setting('autovacuum')::bool and current_setting('track_counts')::bool
      as "hasAutovacuum",
    least(
      current_setting('max_connections')::int
        - current_setting('superuser_reserved_connections')::int
        - coalesce(current_setting('reserved_connections', true)::int, 0),
      (select nullif(rolconnlimit, -1) from pg_roles where rolname = current_user),
      (select nullif(datconnlimit, -1) from pg_database where datname = current_database())
    ) as "connections",
    (${GATEWAYS_SQL}) as "gateways"`;

/**
 * Returns what an operator ought to know.
 * @param connectionsMax that are to be held
 * @throws Error with every reason why no gateway may work here, one a line
 */
export async function checkServer(connection: Connection, connectionsMax = 1): Promise<string[]> {
  const [row] = await connection.query<ServerFacts>(FACTS);
  const facts = row as ServerFacts;
  const faults = serverFaults(facts, connectionsMax);
  if (faults.length === 0) return serverNotes(facts, connectionsMax);
  throw new Error(`This Postgres is not usable:\n${faults.map(each => `  ${each}`).join('\n')}`);
}
