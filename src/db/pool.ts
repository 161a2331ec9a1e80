import { performance } from 'node:perf_hooks';
import { NO_TENANT, type Crowd, type Tenant } from '../core/fairness.ts';
import type { Connection, HeldConnection, Pool, StatementOptions } from './connection.ts';
import type { Session, Statement } from './session.ts';
import { createSessions } from './sessions.ts';
import { ConnectionLost } from './sqlstate.ts';
import type { Param } from './wire.ts';

export interface PoolOptions {
  readonly connectionsMax: number;
  /** Statements that may wait for a connection, and for how long. */
  readonly waitingMax: number;
  readonly waitMs: number;
  /** Whether several tenants use the database. */
  readonly crowd?: Crowd | undefined;
  /** A statement's limit where its caller names none. */
  readonly statementTimeoutMs: number;
  /** Waiting, connecting and running together take no longer than the limit and this. */
  readonly slackMs: number;
  /** Runs a statement again, once, when its connection is lost: only for reads. */
  readonly repeatable: boolean;
  readonly open: () => Promise<Session>;
  /** Runs a statement, and may look at how long that takes. */
  readonly observe: <T>(work: () => Promise<T>) => Promise<T>;
  /** What a caller gets for an error of a statement. */
  readonly explain: (error: unknown) => unknown;
}

export function createPool(options: PoolOptions): Pool {
  const sessions = createSessions(options);

  async function attempt(statement: Statement, deadlineMs: number): Promise<object[]> {
    const { tenant = NO_TENANT } = statement;
    const session = await sessions.take(tenant);
    const startedMs = performance.now();
    try {
      return await session.run(statement, Math.max(1, deadlineMs - startedMs));
    } finally {
      sessions.giveBack(session, tenant, performance.now() - startedMs);
    }
  }

  async function run(statement: Statement): Promise<object[]> {
    const timeoutMs = Math.min(statement.timeoutMs ?? Infinity, options.statementTimeoutMs);
    const deadlineMs = performance.now() + timeoutMs + options.slackMs;
    try {
      return await attempt(statement, deadlineMs);
    } catch (error) {
      if (!isRepeatable(error, options.repeatable)) throw error;
      return attempt(statement, deadlineMs);
    }
  }

  async function hold<T>(
    use: (connection: HeldConnection) => Promise<T>,
    tenant: Tenant = NO_TENANT,
  ): Promise<T> {
    const session = await sessions.take(tenant).catch((error: unknown) => {
      throw options.explain(error);
    });
    const startedMs = performance.now();
    let held = true;
    let discarded = false;
    const connection = createConnection(statement => {
      if (held) return session.run(statement);
      throw new Error('the connection was used after its hold had ended');
    }, options.explain);
    try {
      return await use({ ...connection, discard: () => void (discarded = true) });
    } finally {
      held = false;
      if (discarded) session.destroy();
      sessions.giveBack(session, tenant, performance.now() - startedMs);
    }
  }

  const connection = createConnection(
    statement => options.observe(() => run(statement)),
    options.explain,
  );
  return { ...connection, hold, stats: sessions.stats, stop: sessions.stop };
}

/** What was never sent may always be run again; a silent server is not asked twice. */
function isRepeatable(error: unknown, isRead: boolean): boolean {
  if (!(error instanceof ConnectionLost) || error.code !== 'CONNECTION_CLOSED') return false;
  return isRead || !error.sent;
}

function createConnection(
  run: (statement: Statement) => Promise<object[]>,
  explain: (error: unknown) => unknown,
): Connection {
  return {
    async query<Row extends object>(
      text: string,
      params: readonly Param[] = [],
      statementOptions: StatementOptions = {},
    ): Promise<Row[]> {
      try {
        return (await run({ ...statementOptions, text, params })) as Row[];
      } catch (error) {
        throw explain(error);
      }
    },
  };
}
