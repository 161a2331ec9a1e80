/**
 * What there is once in a database: its epoch, which every cursor of events carries, and its home,
 * by which a restored or copied one is told from where its cursors were given out. What is not told
 * so is a file-level copy that was put back in its old place.
 */
import { randomBytes } from 'node:crypto';
import { columnsOf, sqlText, type Row } from './columns.ts';
import type { Connection } from './connection.ts';
import { evidenceLogs, installation } from './schema.ts';

const INSTALLATION = columnsOf(installation);
const LOG = columnsOf(evidenceLogs);

export interface Installation {
  readonly epoch: string;
  /** The database was restored or copied since: cursors may skip or repeat events. */
  readonly isEpochDue: boolean;
  /** What keys are made of that all gateways on the database share, and nobody else has. */
  readonly sealingSecret: string;
}

interface InstallationRow extends Pick<
  Row<typeof installation>,
  'epoch' | 'home' | 'sealing_secret'
> {
  readonly here: string | null;
}

export const EPOCH_DUE =
  'This database was restored, copied or promoted since its epoch was made, so older ' +
  'cursors may skip or repeat events. Stop the gateways and run "sluice epoch", or ' +
  '"sluice epoch --keep" if no event was lost.';

/** The newest migration that the database has; null where it holds no Sluice. */
export async function readVersion(connection: Connection): Promise<number | null> {
  // By the tables, since others have a `schema_migrations` as well.
  const [there] = await connection.query<{ ours: boolean }>(
    `select to_regclass('installation') is not null
       and to_regclass('schema_migrations') is not null as ours`,
  );
  if (there?.ours !== true) return null;
  const [row] = await connection.query<{ version: number | null }>(
    'select max(version) as version from schema_migrations',
  );
  return row?.version ?? null;
}

export async function readInstallation(connection: Connection): Promise<Installation> {
  const [row] = await connection.query<InstallationRow>(
    sqlText`select ${INSTALLATION.epoch}, ${INSTALLATION.home}, ${INSTALLATION.sealing_secret}, database_home() as here from installation`,
  );
  const { epoch, home, here, sealing_secret: sealingSecret } = row as InstallationRow;
  return { epoch, isEpochDue: home !== null && here !== null && home !== here, sealingSecret };
}

/** The first time that a gateway starts on the database, this is its home. */
export async function settleHome(connection: Connection): Promise<void> {
  await connection.query(
    sqlText`update installation set ${INSTALLATION.home} = database_home() where ${INSTALLATION.home} is null`,
  );
}

/**
 * Makes this the database's home, with a new epoch or the one that it has; returns the epoch. With a
 * new one other logs of evidence begin: events may be lost that a checkpoint was signed for.
 */
export async function renewEpoch(
  connection: Connection,
  { keep }: { readonly keep: boolean },
): Promise<string> {
  const [row] = await connection.query<Row<typeof installation, 'epoch'>>(
    sqlText`update installation set ${INSTALLATION.home} = database_home(), ${INSTALLATION.epoch} = coalesce($1, ${INSTALLATION.epoch}) returning ${INSTALLATION.epoch}`,
    [keep ? null : randomBytes(4).toString('hex')],
  );
  if (!keep) await connection.query(sqlText`update evidence_logs set ${LOG.ended_at} = now()`);
  return (row as Row<typeof installation, 'epoch'>).epoch;
}
