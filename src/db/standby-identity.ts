/** How a standby of this primary is recognised. */
import type { Connection } from './connection.ts';
import { UnusablePooler } from './pooler.ts';
import type { Session } from './session.ts';
import { codeOf, ConnectionLost } from './sqlstate.ts';

/** A place in the write-ahead log of the primary: all that was committed before it. */
export interface WalPlace {
  /** Bytes from the beginning of the log. */
  readonly lsn: number;
  /** It rises with each failover, where histories part. */
  readonly timeline: number;
}

export interface Identity {
  /** Of the cluster: a standby has that of its primary. */
  readonly system: string;
  readonly database: number;
  readonly timeline: number;
  readonly isStandby: boolean;
  /** Of this server, since it was started. */
  readonly server: string;
}

export interface Replayed {
  readonly isStandby: boolean;
  readonly replayed: number;
}

/** DATABASE_READ_URL names the wrong server. Waiting does not help. */
export class WrongServer extends Error {
  override readonly name = 'WrongServer';
}

const IS_STANDBY = 'pg_is_in_recovery() as "isStandby"';
/** Null once it is promoted. */
const REPLAYED = `coalesce((pg_last_wal_replay_lsn() - '0/0'::pg_lsn)::bigint, 0) as replayed`;
export const REPLAYED_SQL = `select ${IS_STANDBY}, ${REPLAYED}`;

const SYSTEM = `(select system_identifier::text from pg_control_system()) as system,
  (select oid::bigint from pg_database where datname = current_database()) as database`;

/** A standby knows its timeline from its last restart point, or from what it wrote since. */
const STANDBY_SQL = `select ${SYSTEM}, ${IS_STANDBY}, ${REPLAYED},
  greatest((select timeline_id from pg_control_checkpoint()),
    (select min_recovery_end_timeline from pg_control_recovery())) as timeline,
  concat_ws(' ', inet_server_addr(), inet_server_port(), pg_postmaster_start_time()) as server`;

/** Hexadecimal digits. */
const TIMELINE = 'left(pg_walfile_name(pg_current_wal_flush_lsn()), 8) as timeline';
const PRIMARY_SQL = `select ${SYSTEM}, ${TIMELINE}`;
/** What is confirmed is flushed. */
const PLACE_SQL = `select (pg_current_wal_flush_lsn() - '0/0'::pg_lsn)::bigint as lsn, ${TIMELINE}`;

export async function identify(
  session: Session,
  withinMs: number,
): Promise<Identity & Pick<Replayed, 'replayed'>> {
  const [row] = await session.run({ text: STANDBY_SQL, params: [] }, withinMs);
  return row as Identity & Replayed;
}

export async function readPrimaryIdentity(primary: Connection): Promise<Identity> {
  const [row] = await primary.query<Pick<Identity, 'system' | 'database'> & { timeline: string }>(
    PRIMARY_SQL,
  );
  const { system, database, timeline } = row as NonNullable<typeof row>;
  return { system, database, timeline: parseInt(timeline, 16), isStandby: false, server: '' };
}

/** Where the primary is now: all that was confirmed lies before it. */
export async function readWalPlace(primary: Connection): Promise<WalPlace> {
  const [row] = await primary.query<{ lsn: number; timeline: string }>(PLACE_SQL);
  const { lsn, timeline } = row as NonNullable<typeof row>;
  return { lsn, timeline: parseInt(timeline, 16) };
}

/**
 * Why a server may not answer now; null where it may.
 * @throws WrongServer where it never may
 */
export function mismatchOf(its: Identity, primary: Identity): string | null {
  if (its.system !== primary.system) {
    throw new WrongServer(
      'leads to a server of another cluster than DATABASE_URL: set it to a standby of that ' +
        'cluster, or remove it',
    );
  }
  if (its.database !== primary.database) {
    throw new WrongServer(
      'leads to another database than DATABASE_URL: both have to name the same one',
    );
  }
  if (!its.isStandby) return 'DATABASE_READ_URL leads to a server that is no standby';
  return its.timeline === primary.timeline
    ? null
    : 'the standby follows another primary than DATABASE_URL leads to';
}

/** The server takes no such user, password or database. */
const REFUSED = /^(28|3D)/;
const FORBIDDEN = '42501';

/** What to say of a fault that is about a setting; null where the standby may come. */
export function mistakeOf(error: unknown): string | null {
  if (error instanceof WrongServer) return `DATABASE_READ_URL ${error.message}`;
  if (error instanceof UnusablePooler) return error.message;
  if (error instanceof ConnectionLost && REFUSED.test(error.code)) {
    return `DATABASE_READ_URL is not usable: ${error.message}`;
  }
  if (!(error instanceof Error) || codeOf(error) !== FORBIDDEN) return null;
  return (
    'DATABASE_READ_URL needs a role that may execute pg_control_system, pg_control_checkpoint and ' +
    `pg_control_recovery, which tell a standby from other servers: ${error.message}`
  );
}
