import { createHash } from 'node:crypto';
import type { Database } from '../db/client.ts';
import { columnsOf, sqlText } from '../db/columns.ts';
import { installation } from '../db/schema.ts';
import type { DoorStores } from '../doors/index.ts';
import { createNotesOf } from '../record/door-notes.ts';

const INSTALLATION = columnsOf(installation);

/** What doors keep in the database, for all gateways on it. */
export async function createDoorStores({
  read,
  write,
}: Database): Promise<Pick<DoorStores, 'notesOf' | 'sealingKey'>> {
  const [row] = await read.query<{ secret: string }>(
    sqlText`select ${INSTALLATION.sealing_secret} as secret from installation`,
  );
  const { secret } = row as { secret: string };
  return {
    notesOf: createNotesOf(read, write),
    sealingKey: createHash('sha256').update(secret).digest(),
  };
}
