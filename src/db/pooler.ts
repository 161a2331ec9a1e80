/**
 * What a pooler between the gateway and Postgres must leave as it is. A gateway sets its sessions
 * up, prepares statements, holds locks and listens: a session has to stay with one server. Where it
 * does, each needs a server of its own, so all have to fit in.
 */
import type { Session } from './session.ts';

const ROUNDS = 3;

/** A pooler that leaves no sessions, or too few. */
export class UnusablePooler extends Error {
  override readonly name = 'UnusablePooler';
}

export interface SessionsCheck {
  /** Sessions that are to be held. @default 2 */
  readonly count?: number | undefined;
  /** What leads there. @default DATABASE_URL */
  readonly setting?: 'DATABASE_URL' | 'DATABASE_READ_URL';
}

/** @throws UnusablePooler that says what to set where a session is none, or where fewer than `count` fit. */
export async function checkSessions(
  open: () => Promise<Session>,
  { count = 2, setting = 'DATABASE_URL' }: SessionsCheck = {},
): Promise<void> {
  const sessions: Session[] = [];
  try {
    await openMore(open, sessions, { upTo: 1, count, setting });
    await openMore(open, sessions, { upTo: 2, count, setting });
    if (await changeServers(sessions)) throw new UnusablePooler(changing(setting));
    if (sessions.every(({ isPooled }) => !isPooled)) return;
    await openMore(open, sessions, { upTo: count, count, setting });
  } finally {
    for (const session of sessions) session.close();
  }
}

function changing(setting: string): string {
  return (
    `${setting} leads to a pooler that changes servers between statements (PgBouncer: pool_mode = ` +
    'transaction or statement). A gateway needs sessions: set pool_mode = session for its database ' +
    `or user, or set ${setting} to Postgres itself.`
  );
}

/**
 * Two statements of one, then two of the other: a pooler that hands out the server that came back
 * last gives both the same, and one that goes round gives one of them two.
 */
async function changeServers(sessions: readonly Session[]): Promise<boolean> {
  const servers = sessions.map(() => new Set<number>());
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, session] of sessions.entries()) {
      for (let twice = 0; twice < 2; twice++) servers[index]?.add(await serverOf(session));
    }
  }
  const all = new Set(servers.flatMap(each => [...each]));
  return all.size !== sessions.length || servers.some(({ size }) => size !== 1);
}

async function serverOf(session: Session): Promise<number> {
  // As a script, since a statement that is prepared at one server would fail at the next.
  const text = 'select pg_backend_pid() as pid';
  const [row] = await session.run({ text, params: [], script: true });
  return (row as { pid: number }).pid;
}

interface OpenMore {
  readonly upTo: number;
  readonly count: number;
  readonly setting: string;
}

async function openMore(
  open: () => Promise<Session>,
  sessions: Session[],
  { upTo, count, setting }: OpenMore,
): Promise<void> {
  const missing = Math.max(0, upTo - sessions.length);
  const opened = await Promise.allSettled(Array.from({ length: missing }, open));
  const faults: unknown[] = [];
  for (const each of opened) {
    if (each.status === 'fulfilled') sessions.push(each.value);
    else faults.push(each.reason);
  }
  if (faults.length === 0) return;
  const [fault] = faults;
  if (!sessions.some(({ isPooled }) => isPooled)) throw fault;
  throw new UnusablePooler(
    `A gateway holds up to ${count} sessions, but the pooler that ${setting} leads to accepts ` +
      `${sessions.length}: raise its pool (PgBouncer: default_pool_size or pool_size, ` +
      'max_db_connections, max_client_conn), or lower SLUICE_CONNECTIONS_MAX. It said: ' +
      `${fault instanceof Error ? fault.message : String(fault)}`,
    { cause: fault },
  );
}
