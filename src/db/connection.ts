import type { Tenant } from '../core/fairness.ts';
import type { Param } from './wire.ts';

export interface StatementOptions {
  /** Ends the statement on the server, where that is sooner than the pool's own limit. */
  readonly timeoutMs?: number;
  /** A result of more bytes fails with QUERY_TOO_EXPENSIVE before it is whole. */
  readonly bytesMax?: number;
  /**
   * Of a read whose rows an index yields, in the order asked for: it is planned once a session, for
   * any values, and never by a sort. Planned by what is usual, a page of the largest of many
   * workspaces would read and sort all of it (4,000,000 events of 200 workspaces: 6 s, not 1 ms).
   */
  readonly byIndex?: boolean;
  /**
   * Planned for its own values. What is prepared is after some runs planned for any: a long interval
   * of time as a short one.
   */
  readonly unprepared?: boolean;
  /** Several statements separated by semicolons, without parameters: migrations. */
  readonly script?: boolean;
  /** Whose turn it takes where statements wait. @default NO_TENANT */
  readonly tenant?: Tenant;
}

/** Where statements run. One that fails says so by SQLSTATE (see `sqlstate.ts`). */
export interface Connection {
  /**
   * Runs one statement, prepared, and returns its rows as objects by column name.
   * @throws ConnectionLost when the connection is gone: the statement may have run.
   */
  query<Row extends object>(
    text: string,
    params?: readonly Param[],
    options?: StatementOptions,
  ): Promise<Row[]>;
}

/** The same connection, where every statement takes the tenant's turn unless it names another. */
export function onBehalfOf(tenant: Tenant, connection: Connection): Connection {
  return {
    query: (text, params, options) => connection.query(text, params, { tenant, ...options }),
  };
}

/** A connection that is lent to one user. */
export interface HeldConnection extends Connection {
  /** Closes it at the end of the hold: for who could not leave it as it was found. */
  discard(): void;
}

/**
 * A bounded set of connections with the same session settings, opened as they are needed. A
 * statement waits for a free one no longer than the pool's bounds allow, then fails with
 * SERVICE_UNAVAILABLE. Tenants share connections and waiting places fairly: see `FairPlaces`.
 */
export interface Pool extends Connection {
  /**
   * Gives one connection to one user alone: for transactions and session locks. It must be
   * left as it was found, without an open transaction or a lock, or be discarded. Each statement
   * is limited, the whole is not.
   */
  hold<T>(use: (connection: HeldConnection) => Promise<T>, tenant?: Tenant): Promise<T>;
  stats(): { readonly open: number; readonly waiting: number };
  /** Refuses what is new, waits a bounded time for what runs, then closes. */
  stop(): Promise<void>;
}
