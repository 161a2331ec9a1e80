/** The keys by which push services know this gateway: made at the first start, kept in the database. */
import { columnsOf, sqlText, type Row } from '../db/columns.ts';
import type { Connection } from '../db/connection.ts';
import { pushKeys } from '../db/schema.ts';
import type { SecretCipher } from '../security/secret-cipher.ts';
import { makePushKeys, type PushKeys } from './push-crypto.ts';

const KEY = columnsOf(pushKeys);

/** What is of no workspace is sealed for this one. */
export const NO_WORKSPACE = 0;

/** Where two gateways start at once, both take the first one's. */
export async function ensurePushKeys(write: Connection, box: SecretCipher): Promise<PushKeys> {
  const known = await readPushKeys(write, box);
  if (known !== null) return known;
  const { publicKey, privateKey } = makePushKeys();
  await write.query(
    sqlText`insert into push_keys (${KEY.public_key}, ${KEY.private_key}) values ($1, $2)
     on conflict do nothing`,
    [publicKey, box.seal(NO_WORKSPACE, privateKey)],
  );
  const made = await readPushKeys(write, box);
  if (made === null) throw new Error('the keys for Web Push were removed');
  return made;
}

async function readPushKeys(read: Connection, box: SecretCipher): Promise<PushKeys | null> {
  const [row] = await read.query<Row<typeof pushKeys, 'public_key' | 'private_key'>>(
    sqlText`select ${KEY.public_key}, ${KEY.private_key} from push_keys`,
  );
  if (row === undefined) return null;
  return {
    publicKey: row.public_key,
    privateKey: box.open(NO_WORKSPACE, row.private_key),
  };
}
