/**
 * What a gateway needs of tables that it does not own. `sluice migrate --role` grants it, and a
 * start looks whether it is there.
 */
import type { Connection } from './connection.ts';

const ROWS = 'select, insert, update, delete';

/** By table. Who takes a row lock needs UPDATE. */
export const GRANTS: Readonly<Record<string, string>> = {
  schema_migrations: 'select',
  installation: 'select, update (home, keys_swept_at)',
  workspaces: ROWS,
  workspace_heads: 'select, insert, delete',
  workspace_marks: ROWS,
  // Revoked ones stay; those of a deleted workspace go with it, by the right of the tables' owner.
  api_keys: 'select, insert, update',
  key_usage: ROWS,
  event_definitions: ROWS,
  definition_schemas: ROWS,
  event_keys: ROWS,
  events: ROWS,
  event_counts: ROWS,
  event_measures: ROWS,
  measure_fills: ROWS,
  meters: ROWS,
  meter_series: ROWS,
  meter_counts: ROWS,
  meter_values: ROWS,
  meter_sketches: ROWS,
  quarantined_events: ROWS,
  consumers: ROWS,
  deliveries: ROWS,
  // Old keys stay: what they signed is verified by them.
  evidence_keys: 'select, insert',
  evidence_logs: ROWS,
  evidence_tiles: ROWS,
  evidence_bundles: ROWS,
  search_logs: ROWS,
  search_blocks: ROWS,
  webhooks: ROWS,
  webhook_attempts: ROWS,
  notification_rules: ROWS,
  notifications: ROWS,
  push_subscriptions: ROWS,
  push_keys: 'select, insert',
  upkeep_faults: ROWS,
  door_notes: ROWS,
  stream_tickets: ROWS,
};

/** What upkeep does to the tables themselves. */
const FUNCTIONS = ['make_partition(int)', 'remove_partition(text)', 'analyze_log(text)'] as const;

/** Of `events` the parent is enough; keys are swept block by block, in each partition. */
const SWEPT_SQL = `select inhrelid::regclass::text as name from pg_inherits
  where inhparent = to_regclass('event_keys') order by 1`;
const SWEEP = 'select, delete';

/** @throws Error that says what the role of this connection lacks, where the tables are there */
export async function checkGrants(connection: Connection): Promise<void> {
  const needs = Object.entries(await grantsOf(connection)).flatMap(([name, privileges]) =>
    privileges.split(/, (?![^(]*\))/).map(each => ({ name, privilege: each.split(' ')[0] })),
  );
  const [row] = await connection.query<{ role: string; lacks: string[] }>(
    `select current_user as role, array(
       select format('%s on %s', privilege, needed.name)
       from jsonb_to_recordset($1::text::jsonb) as needed (name text, privilege text)
       where to_regclass(needed.name) is not null and not case privilege
         when 'delete' then has_table_privilege(to_regclass(needed.name), privilege)
         else has_any_column_privilege(to_regclass(needed.name), privilege) end
       union all
       select format('execute on %s', needed.name)
       from jsonb_array_elements_text($2::text::jsonb) as needed (name)
       where to_regprocedure(needed.name) is not null
         and not has_function_privilege(to_regprocedure(needed.name), 'execute')
     ) as lacks`,
    [JSON.stringify(needs), JSON.stringify(FUNCTIONS)],
  );
  if (row === undefined || row.lacks.length === 0) return;
  throw new Error(
    `the role ${row.role} may not ${row.lacks.join(', ')}: run "sluice migrate --role ${row.role}" ` +
      "with the DATABASE_URL of the tables' owner",
  );
}

/**
 * Grants a role what a gateway needs, and nothing else of these tables. In a transaction.
 * @throws Error where there is no such role, and where it could do more all the same
 */
export async function grantGateway(connection: Connection, role: string): Promise<void> {
  await checkRole(connection, role);
  const [names] = await connection.query<{ role: string; schema: string; enters: boolean }>(
    `select quote_ident($1) as role, quote_ident(current_schema()) as schema,
       has_schema_privilege($1, current_schema(), 'usage') as enters`,
    [role],
  );
  const { role: to, schema, enters } = names as NonNullable<typeof names>;
  const statements = Object.entries(await grantsOf(connection)).flatMap(([table, privileges]) => [
    `revoke all on ${table} from ${to}`,
    `grant ${privileges} on ${table} to ${to}`,
  ]);
  if (!enters) statements.push(`grant usage on schema ${schema} to ${to}`);
  for (const each of FUNCTIONS) {
    statements.push(`revoke all on function ${each} from public`);
    statements.push(`grant execute on function ${each} to ${to}`);
  }
  await connection.query(statements.join(';\n'), [], { script: true });
}

async function grantsOf(connection: Connection): Promise<Readonly<Record<string, string>>> {
  const swept = await connection.query<{ name: string }>(SWEPT_SQL);
  return { ...GRANTS, ...Object.fromEntries(swept.map(({ name }) => [name, SWEEP])) };
}

/** Rights that nothing granted here could take away again. */
const BEYOND_SQL = `
  select r.oid, array_remove(array[
    case when rolsuper then 'is a superuser' end,
    case when rolcreaterole then 'may make roles' end,
    case when rolcreatedb then 'may make databases' end,
    case when rolreplication then 'may replicate' end,
    case when rolbypassrls then 'may pass by row security' end,
    case when has_schema_privilege(r.oid, current_schema(), 'create')
      then format('may make tables in the schema %I', current_schema()) end,
    case when has_database_privilege(r.oid, current_database(), 'create')
      then format('may make schemas in the database %I', current_database()) end,
    case when has_database_privilege(r.oid, current_database(), 'temporary')
      then format('may make temporary tables in the database %I', current_database()) end,
    (select format('is a member of %s', string_agg(quote_ident(rolname), ', ' order by rolname))
     from pg_roles m where m.oid <> r.oid and pg_has_role(r.oid, m.oid, 'member')
       and (m.oid = (select relowner from pg_class where oid = 'events'::regclass)
         or m.rolname in ('pg_read_all_data', 'pg_write_all_data', 'pg_maintain',
           'pg_read_server_files', 'pg_write_server_files', 'pg_execute_server_program'))
     having count(*) > 0)
  ], null) as beyond
  from pg_roles r where rolname = $1`;

async function checkRole(connection: Connection, role: string): Promise<void> {
  const [row] = await connection.query<{ beyond: string[] }>(BEYOND_SQL, [role]);
  if (row === undefined) throw new Error(`there is no role ${role}: "create role" makes it`);
  if (row.beyond.length === 0) return;
  throw new Error(
    `the role ${role} ${row.beyond.join(', and ')}: revoke this from it first, or from ` +
      'PUBLIC, and run this again. docs/operating.md says how',
  );
}
