import { sqlText } from '../db/columns.ts';
import type { Connection } from '../db/connection.ts';
import { CUT_DUE } from '../evidence/removal.ts';
import { EXPIRY_DUE, QUARANTINE_DUE } from './expiry.ts';
import { RETENTION_DUE, TAILS_DUE } from './retention.ts';

/** The steps of removal that have something to do. */
export interface Due {
  readonly expiry: boolean;
  readonly quarantine: boolean;
  readonly tails: boolean;
  readonly retention: boolean;
  readonly evidence: boolean;
}

export const NOTHING_DUE: Due = {
  expiry: false,
  quarantine: false,
  tails: false,
  retention: false,
  evidence: false,
};

const DUE_SQL = sqlText`select ${EXPIRY_DUE} as expiry, ${QUARANTINE_DUE} as quarantine,
  ${TAILS_DUE} as tails, ${RETENTION_DUE} as retention, ${CUT_DUE} as evidence`;

/** One statement for all steps, so that an idle gateway costs the database next to nothing. */
export async function readDue(connection: Connection): Promise<Due> {
  const [due] = await connection.query<Due>(DUE_SQL);
  return due ?? NOTHING_DUE;
}
