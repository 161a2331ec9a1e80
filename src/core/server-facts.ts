/** What a gateway relies on in its Postgres server, decided from what the server says of itself. */
import { CONNECTIONS_MIN } from './connection-shares.ts';

export interface ServerFacts {
  readonly version: string;
  readonly versionNumber: number;
  readonly encoding: string;
  readonly isStandby: boolean;
  readonly isReadOnly: boolean;
  /** Settings that are off, and ones that are on, and must not be. */
  readonly wronglyOff: readonly string[];
  readonly wronglyOn: readonly string[];
  /** Where tables go; null where the search path leads nowhere. */
  readonly schema: string | null;
  readonly role: string;
  readonly mayCreate: boolean;
  /** The tables are there, of whichever version. */
  readonly hasTables: boolean;
  readonly hasAutovacuum: boolean;
  /** Connections that the server, the database and the role let in, reserved ones left out. */
  readonly connections: number;
  /** Gateways that are there already. */
  readonly gateways: number;
}

const VERSION_NUMBER_MIN = 150_000;

/** Why no gateway may work on the server, each with what to do. */
export function serverFaults(facts: ServerFacts, connectionsMax: number): string[] {
  const { version, encoding, wronglyOff, wronglyOn, schema, role, connections } = facts;
  const faults: string[] = [];
  const refuse = (isWrong: boolean, fault: string) => void (isWrong && faults.push(fault));
  refuse(
    facts.versionNumber < VERSION_NUMBER_MIN,
    `Postgres must be version 15 or later, but is ${version}: upgrade it.`,
  );
  refuse(
    encoding !== 'UTF8',
    `The encoding of the database must be UTF8, but is ${encoding}: make another one ` +
      'with "create database … encoding \'UTF8\' template template0".',
  );
  refuse(
    wronglyOff.length > 0,
    'Postgres must keep what it confirms, but these settings are off: ' +
      `${wronglyOff.join(', ')}. Turn them on.`,
  );
  refuse(
    wronglyOn.length > 0,
    `Postgres must report damaged data, but these settings are on: ${wronglyOn.join(', ')}. Turn them off.`,
  );
  refuse(
    facts.isStandby,
    'This server is a standby, which accepts no writes: set DATABASE_URL to the primary.',
  );
  refuse(
    !facts.isStandby && facts.isReadOnly,
    `default_transaction_read_only is on for the role ${role} or its database: turn it off. ` +
      'Some hosts turn it on when the disk is full.',
  );
  refuse(
    schema === null,
    `The search_path of the role ${role} names no existing schema: set it to one, such ` +
      'as public.',
  );
  refuse(
    schema !== null && !facts.mayCreate && !facts.hasTables,
    `The role ${role} may make no tables in the schema ${schema}: let it own the database, or ` +
      `"grant create on schema ${schema} to ${role}". Or let the owner of the database run ` +
      `"sluice migrate --role ${role}".`,
  );
  refuse(
    connections < connectionsMax,
    `A gateway holds up to ${connectionsMax} connections, but the server accepts ` +
      `${connections}: raise max_connections, or the limit of the role or ` +
      `database${lowerTo(connections)}.`,
  );
  return faults;
}

/** What an operator ought to know, and a gateway can live with. */
export function serverNotes(facts: ServerFacts, connectionsMax: number): string[] {
  const notes: string[] = [];
  const { gateways, connections } = facts;
  if (!facts.hasAutovacuum) {
    notes.push(
      'autovacuum or track_counts is off: rows that are emptied or removed keep their content on ' +
        'the disk, and statements get slower. Turn both on.',
    );
  }
  const all = (gateways + 1) * connectionsMax;
  if (gateways > 0 && all > connections) {
    notes.push(
      `${gateways + 1} gateways of up to ${connectionsMax} connections hold up to ${all}, but the ` +
        `server accepts ${connections}: raise max_connections, or lower SLUICE_CONNECTIONS_MAX.`,
    );
  }
  return notes;
}

function lowerTo(connections: number): string {
  return connections < CONNECTIONS_MIN ? '' : `, or set SLUICE_CONNECTIONS_MAX=${connections}`;
}
