/** Browsers that take Web Push. Each subscription is of a key, and gets what that key may read. */
import { sql, type SQL } from 'drizzle-orm';
import { createHash } from 'node:crypto';
import { AUDIT_WORKSPACE_ID } from '../core/audit.ts';
import { LIMITS } from '../core/limits.ts';
import { fail } from '../core/notification.ts';
import type { Actor } from '../core/principal.ts';
import { isWithinBytes } from '../core/text.ts';
import type { AuditedTransaction, Deed } from '../db/audit-log.ts';
import type { Pool } from '../db/client.ts';
import { columnsOf, type Row } from '../db/columns.ts';
import { onBehalfOf, type Connection } from '../db/connection.ts';
import { rows } from '../db/query.ts';
import { apiKeys, pushSubscriptions } from '../db/schema.ts';
import { toGatewayError } from '../db/sqlstate.ts';
import type { Outbound } from '../security/outbound.ts';
import type { SecretCipher } from '../security/secret-cipher.ts';
import { isPushAuth, isPushKey, type PushTarget } from './push-crypto.ts';
import { NO_WORKSPACE } from './push-keys.ts';

const s = columnsOf(pushSubscriptions, 's');
const k = columnsOf(apiKeys, 'k');
const SUBSCRIPTION = columnsOf(pushSubscriptions);

/** As a browser gives it: keys in base64url. */
export interface NewPushSubscription {
  readonly endpoint: string;
  readonly p256dh: string;
  readonly auth: string;
}

export interface PushSubscription {
  readonly id: number;
  readonly endpoint: string;
  readonly createdAt: Date;
}

/** All of the acting key alone, and throw UNAUTHENTICATED where it has ended before the commit. */
export interface PushSubscriptions {
  /** In place of the oldest, where it has as many as it may. @throws BAD_USER_INPUT, URL_NOT_ALLOWED */
  save(subscription: NewPushSubscription, actor: Actor): Promise<PushSubscription>;
  /** Whether there was one. */
  remove(endpoint: string, actor: Actor): Promise<boolean>;
  /** The newest first. */
  list(keyId: number): Promise<PushSubscription[]>;
  /** Browsers, each once, that may read a workspace now. */
  countIn(workspaceId: number): Promise<number>;
  /** @returns null where the key has none of this endpoint */
  target(endpoint: string, actor: Actor): Promise<PushTarget | null>;
}

export interface PushSubscriptionsOptions {
  readonly read: Connection;
  readonly write: Pool;
  readonly audited: AuditedTransaction;
  readonly onSaved: () => void;
  readonly outbound: Pick<Outbound, 'checkUrl'>;
  readonly box: SecretCipher;
}

type SubscriptionRow = Row<typeof pushSubscriptions, 'id' | 'sealed' | 'created_at'>;

export function createPushSubscriptions(options: PushSubscriptionsOptions): PushSubscriptions {
  const { read, write, audited, outbound, box } = options;
  const readOf = (keyId: number) => onBehalfOf(`key ${keyId}`, read);
  const columns = sql`${SUBSCRIPTION.id}, ${SUBSCRIPTION.sealed}, ${SUBSCRIPTION.created_at}`;
  const own = (keyId: number, endpoint: string) =>
    sql`${SUBSCRIPTION.key_id} = ${keyId} and ${SUBSCRIPTION.endpoint_hash} = ${digestOf(endpoint)}`;
  const shown = (row: SubscriptionRow): PushSubscription => ({
    id: row.id,
    endpoint: openTarget(box, row.sealed).endpoint,
    createdAt: row.created_at,
  });

  return {
    async save(given, actor) {
      const kept = checkSubscription(given, outbound);
      const sealed = box.seal(NO_WORKSPACE, JSON.stringify(kept));
      const saved = await committed(audited, write, actor, async (connection, deed) => {
        await lockKey(connection, actor);
        const [row] = await rows<SubscriptionRow & { readonly is_new: boolean }>(
          connection,
          sql`insert into push_subscriptions (${SUBSCRIPTION.key_id},
              ${SUBSCRIPTION.endpoint_hash}, ${SUBSCRIPTION.sealed})
            values (${actor.keyId}, ${digestOf(kept.endpoint)}, ${sealed})
            on conflict (${SUBSCRIPTION.key_id}, ${SUBSCRIPTION.endpoint_hash})
            do update set ${SUBSCRIPTION.sealed} = excluded.${SUBSCRIPTION.sealed}
            returning ${columns}, xmax = 0 as is_new`,
        );
        const made = row as NonNullable<typeof row>;
        if (made.is_new) {
          await dropOldest(connection, actor.keyId);
          await deed.record(about('sluice.push-subscription.saved', kept.endpoint));
        }
        return shown(made);
      });
      options.onSaved();
      return saved;
    },
    remove: (endpoint, actor) =>
      committed(audited, write, actor, async (connection, deed) => {
        const removed = await rows(
          connection,
          sql`delete from push_subscriptions where ${own(actor.keyId, endpoint)} returning 1`,
        );
        if (removed.length === 0) return false;
        await deed.record(about('sluice.push-subscription.deleted', endpoint));
        return true;
      }),
    async list(keyId) {
      const found = await rows<SubscriptionRow>(
        readOf(keyId),
        sql`select ${columns} from push_subscriptions where ${SUBSCRIPTION.key_id} = ${keyId}
          order by ${SUBSCRIPTION.id} desc`,
      );
      return found.map(shown);
    },
    countIn: workspaceId => countBrowsers(onBehalfOf(workspaceId, read), workspaceId),
    target: (endpoint, actor) =>
      committed(audited, write, actor, async connection => {
        const [row] = await rows<Pick<SubscriptionRow, 'sealed'>>(
          connection,
          sql`select ${SUBSCRIPTION.sealed} from push_subscriptions
            where ${own(actor.keyId, endpoint)} for update`,
        );
        return row === undefined ? null : openTarget(box, row.sealed);
      }),
  };
}

/** Only the origin: who knows the whole endpoint can name the browser. */
function about(
  type: 'sluice.push-subscription.saved' | 'sluice.push-subscription.deleted',
  endpoint: string,
) {
  return { type, subject: new URL(endpoint).origin, workspaceId: null } as const;
}

/** Two that are saved at once are both counted. */
async function lockKey(connection: Connection, { keyId }: Actor): Promise<void> {
  await rows(connection, sql`select from api_keys k where ${k.id} = ${keyId} for update`);
}

async function dropOldest(connection: Connection, keyId: number): Promise<void> {
  await rows(
    connection,
    sql`delete from push_subscriptions where ${SUBSCRIPTION.id} = any(array(
      select ${s.id} from push_subscriptions s where ${s.key_id} = ${keyId}
      order by ${s.id} desc offset ${LIMITS.pushSubscriptionsMax}))`,
  );
}

async function countBrowsers(read: Connection, workspaceId: number): Promise<number> {
  const [row] = await rows<{ count: number }>(
    read,
    sql`select count(distinct ${s.endpoint_hash})::int as count from push_subscriptions s
      join api_keys k on ${k.id} = ${s.key_id} where ${mayRead(workspaceId)}`,
  );
  return row?.count ?? 0;
}

/** Every browser once that may read a workspace now. */
export async function readTargets(
  read: Connection,
  box: SecretCipher,
  workspaceId: number,
): Promise<PushTarget[]> {
  const found = await rows<Pick<SubscriptionRow, 'sealed'>>(
    onBehalfOf(workspaceId, read),
    sql`select distinct on (${s.endpoint_hash}) ${s.sealed} from push_subscriptions s
      join api_keys k on ${k.id} = ${s.key_id} where ${mayRead(workspaceId)}
      order by ${s.endpoint_hash}, ${s.id}`,
  );
  return found.map(({ sealed }) => openTarget(box, sealed));
}

/** That the push service knows no more. */
export async function forgetSubscription(write: Connection, id: number): Promise<void> {
  await rows(write, sql`delete from push_subscriptions where ${SUBSCRIPTION.id} = ${id}`);
}

/** Of the key `k`: whether it may read a workspace now. */
export function mayRead(workspaceId: SQL | number): SQL {
  return sql`(${k.revoked_at} is null and (${k.expires_at} is null or ${k.expires_at} > now())
    and ${k.scopes} && array['EVENTS_READ', 'ADMIN']
    and (${k.workspace_id} = ${workspaceId} or ${k.workspace_id} is null
      and (${workspaceId} <> ${AUDIT_WORKSPACE_ID} or 'ADMIN' = any(${k.scopes}))))`;
}

interface Kept {
  readonly endpoint: string;
  readonly p256dh: string;
  readonly auth: string;
}

export function openTarget(box: SecretCipher, sealed: string): PushTarget {
  const { endpoint, p256dh, auth } = JSON.parse(box.open(NO_WORKSPACE, sealed)) as Kept;
  return {
    endpoint,
    p256dh: Buffer.from(p256dh, 'base64url'),
    auth: Buffer.from(auth, 'base64url'),
  };
}

function digestOf(endpoint: string): string {
  return createHash('sha256').update(endpoint).digest('base64url');
}

function checkSubscription(
  { endpoint: text, p256dh, auth }: NewPushSubscription,
  outbound: Pick<Outbound, 'checkUrl'>,
): Kept {
  const endpoint = outbound.checkUrl(text, 'endpoint');
  // As the browser has it: `deletePushSubscription` and a new subscription name it so.
  if (endpoint !== text) fail('endpoint', 'a URL as the browser gives it', 'another text');
  const [key, secret] = [bytesOf(p256dh), bytesOf(auth)];
  if (key === null || !isPushKey(key)) {
    fail('keys.p256dh', 'a point of P-256 in base64url, 65 bytes', sizeOf(key));
  }
  if (secret === null || !isPushAuth(secret)) {
    fail('keys.auth', '16 bytes in base64url', sizeOf(secret));
  }
  return { endpoint, p256dh: key.toString('base64url'), auth: secret.toString('base64url') };
}

function bytesOf(text: string): Buffer | null {
  const isBase64 = isWithinBytes(text, 200) && /^[\w-]+={0,2}$/.test(text);
  return isBase64 ? Buffer.from(text, 'base64url') : null;
}

function sizeOf(bytes: Buffer | null): string {
  return bytes === null ? 'another text' : `${bytes.length} bytes`;
}

async function committed<T>(
  audited: AuditedTransaction,
  write: Pool,
  actor: Actor,
  work: (connection: Connection, deed: Deed) => Promise<T>,
): Promise<T> {
  try {
    return await audited(write, work, { actor, tenant: `key ${actor.keyId}` });
  } catch (error) {
    throw toGatewayError(error, 'write');
  }
}
