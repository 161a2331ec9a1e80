import { GatewayError } from '../core/errors.ts';
import type { Database } from '../db/client.ts';
import { columnsOf, sqlText } from '../db/columns.ts';
import { apiKeys, workspaces } from '../db/schema.ts';
import { arrayLiteral } from '../db/sql-lists.ts';
import { isValidKey } from '../db/stored-api-key.ts';
import type { Live } from '../live/live.ts';
import type { Log } from '../observability/log.ts';

const k = columnsOf(apiKeys, 'k');
const w = columnsOf(workspaces, 'w');

const EVERY_MS = 2_000;

/**
 * Streams and downloads of a key that was revoked, has expired or may no longer read, and of a
 * deleted workspace, end within seconds.
 */
export function createStreamsCheck(db: Database, live: Live, log: Log) {
  let timer: NodeJS.Timeout | undefined;

  async function check(): Promise<void> {
    // What was not asked about is left alone: it may have been opened meanwhile.
    const [keys, workspaces] = [live.tags(), live.workspaces()];
    if (keys.size + workspaces.size === 0) return;
    const gone = await findGone(db, keys, workspaces);
    if (gone.keys.size + gone.workspaces.size === 0) return;
    const deleted = new GatewayError('NOT_FOUND', 'The workspace of this stream was deleted.');
    const revoked = new GatewayError(
      'KEY_REVOKED',
      'The key of this stream was revoked or has expired.',
    );
    // In this order: a key of one workspace goes with it.
    live.end(({ workspaceId }) => gone.workspaces.has(workspaceId), deleted);
    live.end(({ tag }) => gone.keys.has(tag), revoked);
  }

  return {
    start() {
      timer = setInterval(() => {
        check().catch((err: unknown) => log.warn({ err }, 'open streams were not checked'));
      }, EVERY_MS);
      timer.unref();
    },
    stop: () => clearInterval(timer),
  };
}

/** Those of the keys that may no longer read, and of the workspaces that are no more. */
async function findGone(
  { lookup }: Database,
  keys: Iterable<string | number>,
  workspaces: Iterable<number>,
) {
  const found = await lookup.query<{ is_key: boolean; id: number }>(
    sqlText`select true as is_key, asked.id from unnest($1::text::int[]) as asked (id)
       where not exists (select from api_keys k where ${k.id} = asked.id
         and ${isValidKey(k)}
         and ${k.scopes} && '{EVENTS_READ,EVENTS_CONSUME,ADMIN}')
     union all
     select false, asked.id from unnest($2::text::int[]) as asked (id)
       where not exists (select from workspaces w where ${w.id} = asked.id)`,
    [arrayLiteral(keys), arrayLiteral(workspaces)],
  );
  const ids = (isKey: boolean) =>
    new Set<unknown>(found.filter(({ is_key }) => is_key === isKey).map(({ id }) => id));
  return { keys: ids(true), workspaces: ids(false) };
}
