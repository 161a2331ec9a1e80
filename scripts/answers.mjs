// Exit code 0 when a Postgres answers at TEST_DATABASE_URL.
import postgres from 'postgres';

const sql = postgres(process.env.TEST_DATABASE_URL, { max: 1, connect_timeout: 3 });
try {
  await sql`select 1`;
} catch {
  process.exitCode = 1;
} finally {
  await sql.end({ timeout: 1 }).catch(() => {});
}
