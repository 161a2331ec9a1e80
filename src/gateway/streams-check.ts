import { GatewayError } from '../core/errors.ts';
import type { Database } from '../db/client.ts';
import { columnsOf, sqlText } from '../db/columns.ts';
import { apiKeys, workspaces } from '../db/schema.ts';
import { arrayLiteral } from '../db/sql-lists.ts';
import { isValidKey } from '../db/stored-api-key.ts';
import type { Live } from '../live/live.ts';
import type { StreamScope } from '../live/stream.ts';
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
    const deleted = new GatewayError('NOT_FOUND', 'The workspace of this stream was deleted.');
    const revoked = new GatewayError(
      'KEY_REVOKED',
      'The key of this stream was revoked or has expired.',
    );
    // In this order: a key of one workspace goes with it.
    live.end(({ workspaceId }) => gone.WORKSPACE.has(workspaceId), deleted);
    live.end(({ tag, scope = 'EVENTS_READ' }) => gone[scope].has(tag), revoked);
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

/** Keys that may no longer do what their streams are for, and workspaces that are no more. */
type Gone = Readonly<Record<StreamScope | 'WORKSPACE', ReadonlySet<unknown>>>;

interface GoneRow {
  readonly what: keyof Gone;
  readonly id: number;
}

async function findGone(
  { lookup }: Database,
  keys: Iterable<string | number>,
  workspaces: Iterable<number>,
): Promise<Gone> {
  const found = await lookup.query<GoneRow>(
    sqlText`select scope as what, asked.id from unnest($1::text::int[]) as asked (id),
         unnest('{EVENTS_READ,EVENTS_CONSUME}'::text[]) as scope
       where not exists (select from api_keys k where ${k.id} = asked.id
         and ${isValidKey(k)}
         and ${k.scopes} && array[scope, 'ADMIN'])
     union all
     select 'WORKSPACE', asked.id from unnest($2::text::int[]) as asked (id)
       where not exists (select from workspaces w where ${w.id} = asked.id)`,
    [arrayLiteral(keys), arrayLiteral(workspaces)],
  );
  const ids = (which: keyof Gone) =>
    new Set<unknown>(found.filter(({ what }) => what === which).map(({ id }) => id));
  return {
    EVENTS_READ: ids('EVENTS_READ'),
    EVENTS_CONSUME: ids('EVENTS_CONSUME'),
    WORKSPACE: ids('WORKSPACE'),
  };
}
