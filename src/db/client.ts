/**
 * The database as the rest of the gateway sees it: six pools of connections, and LISTEN.
 * The driver's pool is not used, since it does not survive sessions that are cut under load
 * (see `driver-socket.ts`); a connection here is one client of the driver behind our own limits, and is
 * thrown away with the first sign of trouble.
 *
 * When Postgres is away, refuses, or takes connections and never answers, an interactive
 * statement fails with SERVICE_UNAVAILABLE within five seconds: waiting, connecting and running
 * are bounded each and together. Nothing has to be reset when it is back.
 */
import { performance } from 'node:perf_hooks';
import { type ConnectionShares, shareConnections } from '../core/connection-shares.ts';
import { Crowd } from '../core/fairness.ts';
import { LIMITS } from '../core/limits.ts';
import { readAddress } from './address.ts';
import type { Pool } from './connection.ts';
import { type Listening, type ListenOptions, startListening } from './listen.ts';
import { createPool, type PoolOptions } from './pool.ts';
import { checkSessions } from './pooler.ts';
import { openSession, type Session } from './session.ts';
import { toGatewayError } from './sqlstate.ts';
import { Standby } from './standby.ts';

export type { Connection, HeldConnection, Pool, StatementOptions } from './connection.ts';
export type { Listening } from './listen.ts';
export type { Param } from './wire.ts';

export interface Database {
  /** Who uses it: those whose statements take turns, and those who record. */
  readonly crowd: Crowd;
  /** Pages and aggregates; read-only sessions. Fails with a GatewayError where it can. */
  readonly read: Pool;
  /** One connection a writer, for nothing else: a flush never waits behind what it is to store. */
  readonly flush: Pool;
  /** Keys and workspaces of callers: short reads that wait behind no others. Fails as `read` does. */
  readonly lookup: Pool;
  /** Definitions, keys, quarantine. Fails with the bare error: what it means is its caller's to say. */
  readonly write: Pool;
  /** Is the database there? One connection that nobody else holds. */
  readonly probe: Pool;
  /** Where reads may go instead; null where none is set. To be started. */
  readonly standby: Standby | null;
  /** Migrations, partitions, folding: few and long. Fails with the bare error. */
  readonly upkeep: Pool;
  /**
   * Whether a session stays one from statement to statement, and whether `count` fit where a pooler
   * lies between. @throws Error that says what to set
   */
  checkSessions(count?: number): Promise<void>;
  /** Hears a channel until stopped. Resolves after the first attempt, whether or not it succeeded. */
  listen(options: Omit<ListenOptions, 'open'>): Promise<Listening>;
  stop(): Promise<void>;
}

export type PoolName = 'read' | 'pages' | 'lookup' | 'flush' | 'write' | 'upkeep' | 'probe';
export type LaneName = PoolName | 'standby';

export interface DatabaseOptions {
  readonly url: string;
  /** Of a standby of the same database. */
  readonly standbyUrl?: string | null;
  /** As `pg_stat_activity` shows it. @default 'sluice' */
  readonly applicationName?: string;
  /** A read that takes longer fails with QUERY_TOO_EXPENSIVE. @default 3000 */
  readonly readTimeoutMs?: number;
  /** A flush that takes longer is rolled back and tried again. @default 3500 */
  readonly writeTimeoutMs?: number;
  /** @default 600000 */
  readonly upkeepTimeoutMs?: number;
  /** How long an interactive statement waits for a connection. @default 1500 */
  readonly waitMs?: number;
  /** Of all pools and the listener together. @default 32 */
  readonly connectionsMax?: number;
  /** Runs each statement of a pool, and may look at how long that takes. */
  readonly observe?: <T>(lane: LaneName, work: () => Promise<T>) => Promise<T>;
}

const READ_TIMEOUT_MS = 3_000;
const CONNECT_WITHIN_MS = 3_000;
/** The primary waits for who has tried. */
const CONNECT_TO_STANDBY_WITHIN_MS = 1_000;
const CONNECTIONS_MAX = 32;
const PROBE_WITHIN_MS = 1_000;

/**
 * In every session, whatever its role or database has. Values are what `wire.ts` reads them as: UTC
 * and ISO. A flush relies on its isolation: what is behind a lock is seen once the lock is had.
 */
const SETTINGS = {
  client_encoding: 'UTF8',
  standard_conforming_strings: 'on',
  TimeZone: 'UTC',
  DateStyle: 'ISO, YMD',
  extra_float_digits: '1',
  default_transaction_isolation: 'read committed',
  client_min_messages: 'warning',
  jit: 'off',
  idle_in_transaction_session_timeout: '30000',
} as const;

const READ_ONLY = { default_transaction_read_only: 'on' } as const;
/** A flush prepared on an empty database would scan the whole table for ever. */
const BY_KEY = { enable_seqscan: 'off', lock_timeout: LIMITS.lockTimeoutMs } as const;
/** Else what takes an array is planned anew each time, for a fifth of the time of a small flush. */
const PLANNED_ONCE = { plan_cache_mode: 'force_generic_plan' } as const;
const BY_INDEX = { ...READ_ONLY, ...PLANNED_ONCE, enable_sort: 'off' } as const;

/** Folding, removal, and the rest: few statements, and long ones. */
const UPKEEP = {
  settings: { lock_timeout: LIMITS.lockTimeoutMs },
  waitingMax: 100,
  waitMs: 60_000,
  slackMs: 60_000,
  repeatable: false,
  explain: (error: unknown) => error,
} as const;

/** Builds and connects to nothing yet: connections are opened as they are needed. */
export function createDatabase(options: DatabaseOptions): Database {
  const opener = createOpener(options);
  const readTimeoutMs = options.readTimeoutMs ?? READ_TIMEOUT_MS;
  const hasStandby = options.standbyUrl != null;
  const shares = shareConnections(options.connectionsMax ?? CONNECTIONS_MAX, hasStandby);
  const crowd = new Crowd(() => performance.now());
  const { pages, ...pools } = createPools(options, opener, { shares, crowd });
  const standby = createOwnStandby(options, pools.lookup, { shares, crowd });
  const listeners = new Set<Listening>();
  return {
    ...pools,
    crowd,
    read: withPages(pools.read, pages),
    standby,
    checkSessions: count => checkSessions(opener({}, readTimeoutMs), { count }),
    async listen(wanted) {
      const open = (notify: (payload: string) => void) => opener({}, readTimeoutMs, notify)();
      const listening = await startListening({ ...wanted, open });
      listeners.add(listening);
      return listening;
    },
    async stop() {
      const servers = standby === null ? [] : [standby];
      const all = [...listeners, ...Object.values(pools), pages, ...servers];
      await Promise.all(all.map(part => part.stop()));
    },
  };
}

interface Shared {
  readonly shares: ConnectionShares;
  readonly crowd: Crowd;
}

function createOwnStandby(
  options: DatabaseOptions,
  primary: Pool,
  { shares, crowd }: Shared,
): Standby | null {
  const { standbyUrl, readTimeoutMs = READ_TIMEOUT_MS, observe } = options;
  if (standbyUrl == null) return null;
  const opener = openerOf(options, standbyUrl, CONNECT_TO_STANDBY_WITHIN_MS);
  return new Standby({
    open: {
      read: opener(READ_ONLY, readTimeoutMs),
      pages: opener(BY_INDEX, readTimeoutMs),
      patient: openerOf(options, standbyUrl, CONNECT_WITHIN_MS)(READ_ONLY, readTimeoutMs),
    },
    connections: { read: shares.standbyRead, pages: shares.standbyPages },
    crowd,
    statementTimeoutMs: readTimeoutMs,
    primary,
    observe: work => (observe === undefined ? work() : observe('standby', work)),
  });
}

function openerOf(options: DatabaseOptions, url: string, connectTimeoutMs: number): Opener {
  try {
    return createOpener({ ...options, url }, connectTimeoutMs);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`DATABASE_READ_URL is not usable: ${why}`, { cause });
  }
}

function createPools(
  options: DatabaseOptions,
  opener: Opener,
  { shares, crowd }: Shared,
): Record<PoolName, Pool> {
  const {
    readTimeoutMs = READ_TIMEOUT_MS,
    writeTimeoutMs = 3_500,
    upkeepTimeoutMs = 600_000,
    waitMs = 1_500,
    observe = (_lane, work) => work(),
  } = options;
  const interactive = { waitingMax: 1_000, waitMs };
  const writing = {
    ...interactive,
    settings: BY_KEY,
    statementTimeoutMs: writeTimeoutMs,
    slackMs: 1_300,
    repeatable: false,
    explain: (error: unknown) => error,
  };
  const pool = (name: PoolName, { settings, ...its }: PoolWithSettings) =>
    createPool({
      ...its,
      connectionsMax: shares[name],
      crowd,
      open: opener(settings, its.statementTimeoutMs),
      observe: work => observe(name, work),
    });
  const reading = {
    ...interactive,
    settings: READ_ONLY,
    statementTimeoutMs: readTimeoutMs,
    slackMs: 1_800,
    repeatable: true,
    explain: (error: unknown) => toGatewayError(error, 'read'),
  };
  return {
    read: pool('read', reading),
    pages: pool('pages', { ...reading, settings: BY_INDEX }),
    lookup: pool('lookup', reading),
    flush: pool('flush', { ...writing, settings: { ...BY_KEY, ...PLANNED_ONCE } }),
    write: pool('write', writing),
    upkeep: pool('upkeep', { ...UPKEEP, statementTimeoutMs: upkeepTimeoutMs }),
    probe: pool('probe', {
      ...reading,
      waitingMax: 10,
      waitMs: PROBE_WITHIN_MS,
      statementTimeoutMs: PROBE_WITHIN_MS,
      slackMs: PROBE_WITHIN_MS,
    }),
  };
}

type Settings = Readonly<Record<string, string | number>>;
type PoolWithSettings = Omit<PoolOptions, 'observe' | 'open' | 'connectionsMax'> & {
  readonly settings: Settings;
};

/** Pages have sessions of their own, so that no long aggregate is in their way. */
function withPages(read: Pool, pages: Pool): Pool {
  return {
    ...read,
    query: (text, params, options) =>
      (options?.byIndex === true ? pages : read).query(text, params, options),
    stats() {
      const [one, other] = [read.stats(), pages.stats()];
      return { open: one.open + other.open, waiting: one.waiting + other.waiting };
    },
  };
}

type Opener = (
  settings: Settings,
  statementTimeoutMs: number,
  onNotify?: (payload: string) => void,
) => () => Promise<Session>;

function createOpener(options: DatabaseOptions, connectTimeoutMs = CONNECT_WITHIN_MS): Opener {
  const address = readAddress(options.url);
  const applicationName = options.applicationName ?? 'sluice';
  return (settings, statementTimeoutMs, onNotify) => {
    const all = { ...SETTINGS, ...settings, statement_timeout: statementTimeoutMs };
    const asText = Object.entries(all).map(([name, value]) => [name, String(value)] as const);
    return () =>
      openSession({
        address,
        settings: { application_name: applicationName, ...Object.fromEntries(asText) },
        statementTimeoutMs,
        connectTimeoutMs,
        ...(onNotify === undefined ? {} : { onNotify }),
      });
  };
}
