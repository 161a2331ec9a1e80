/** Makes and changes webhooks: the consumer and what is kept beside it, in one transaction. */
import { sql, type SQL } from 'drizzle-orm';
import { randomBytes } from 'node:crypto';
import type { Change, ConsumerAdmin } from '../consume/consumer-admin.ts';
import type { NewConsumer } from '../consume/consumer-change.ts';
import { changesOf as auditedChanges, type AuditType } from '../core/audit.ts';
import { GatewayError } from '../core/errors.ts';
import { LIMITS } from '../core/limits.ts';
import type { Actor } from '../core/principal.ts';
import {
  checkHeaders,
  checkSecret,
  checkTimeoutMs,
  type WebhookHeader,
  type WebhookTarget,
} from '../core/webhook.ts';
import { columnsOf, type Row } from '../db/columns.ts';
import type { Connection } from '../db/connection.ts';
import { rows } from '../db/query.ts';
import { consumers, webhooks } from '../db/schema.ts';
import type { Outbound } from '../security/outbound.ts';
import type { SecretCipher } from '../security/secret-cipher.ts';

const w = columnsOf(webhooks);
const c = columnsOf(consumers);

export type NewWebhook = Omit<NewConsumer, 'kind' | 'leaseMs'> &
  WebhookTarget & {
    /** Null: one is made. */
    readonly secret: string | null;
  };

/** All throw GatewayError as `ConsumerAdmin` does, and NOT_FOUND for a consumer of another kind. */
export interface WebhookAdmin {
  /** @throws GatewayError URL_NOT_ALLOWED */
  create(
    workspaceId: number,
    webhook: NewWebhook,
    actor: Actor | null,
  ): Promise<{ consumerId: number; secret: string }>;
  /** Absent: unchanged. @throws GatewayError URL_NOT_ALLOWED */
  update(change: Change, to: Partial<WebhookTarget>): Promise<number>;
  /** @param secret null: one is made */
  rotateSecret(
    change: Change,
    secret: string | null,
  ): Promise<{ secret: string; previousValidUntil: Date }>;
  /** Pauses it if it is active, and was not changed since then. Whether it did. */
  pauseAsOf(change: Change, updatedAt: Date, reason: string): Promise<boolean>;
}

/** For what is done before and after a request. */
const LEASE_BEYOND_TIMEOUT_MS = 15_000;

export interface WebhookAdminOptions {
  readonly consumerAdmin: Pick<ConsumerAdmin, 'create' | 'change'>;
  readonly outbound: Pick<Outbound, 'checkUrl'>;
  readonly box: SecretCipher;
  /** Hears of new ones. */
  readonly onCreated: () => void;
}

export function createWebhookAdmin(options: WebhookAdminOptions): WebhookAdmin {
  const { consumerAdmin, outbound, box, onCreated } = options;
  const sealHeaders = (workspaceId: number, headers: readonly WebhookHeader[]) =>
    box.seal(workspaceId, JSON.stringify(headers));

  return {
    async create(workspaceId, webhook, actor) {
      const { url: text, format, headers, timeoutMs, secret: given, ...consumer } = webhook;
      const url = outbound.checkUrl(text);
      check(webhook);
      const secret = secretOf(given);
      const consumerId = await consumerAdmin.create(
        workspaceId,
        { ...consumer, kind: 'WEBHOOK', leaseMs: timeoutMs + LEASE_BEYOND_TIMEOUT_MS },
        actor,
        async (connection, id, _kind, deed) => {
          await rows(
            connection,
            sql`insert into webhooks (${w.workspace_id}, ${w.consumer_id}, ${w.url}, ${w.format},
                ${w.timeout_ms}, ${w.headers}, ${w.secret})
              values (${workspaceId}, ${id}, ${url}, ${format}, ${timeoutMs},
                ${sealHeaders(workspaceId, headers)}, ${box.seal(workspaceId, secret)})`,
          );
          const to = shown({ url, format, timeout_ms: timeoutMs, revision: 1 });
          const change = { workspaceId, name: consumer.name, actor };
          await deed.record({ ...about('sluice.webhook.created', change), to });
        },
      );
      onCreated();
      return { consumerId, secret };
    },
    async update(change, { url: text, ...to }) {
      const { workspaceId } = change;
      const url = text === undefined ? undefined : outbound.checkUrl(text);
      check(to);
      return consumerAdmin.change(change, async (connection, id, _kind, deed) => {
        const before = await lock(connection, change, id);
        if (url !== undefined && to.headers === undefined) checkMove(before, url, box);
        const { headers, timeoutMs } = to;
        const sealed = headers === undefined ? undefined : sealHeaders(workspaceId, headers);
        const set = changesOf({ ...to, url }, sealed);
        await rows(connection, sql`update webhooks set ${set} where ${own(change, id)}`);
        const leaseMs = timeoutMs === undefined ? null : timeoutMs + LEASE_BEYOND_TIMEOUT_MS;
        await touch(connection, change, id, leaseMs);
        const after = await lock(connection, change, id);
        await deed.record({
          ...about('sluice.webhook.updated', change),
          ...auditedChanges(shown(before), shown(after)),
          facts: { headersChanged: headers !== undefined },
        });
        return id;
      });
    },
    async rotateSecret(change, given) {
      const secret = secretOf(given);
      return consumerAdmin.change(change, async (connection, id, _kind, deed) => {
        await lock(connection, change, id);
        const sealed = box.seal(change.workspaceId, secret);
        const previousValidUntil = await replaceSecret(connection, sealed, own(change, id));
        await touch(connection, change, id, null);
        await deed.record(about('sluice.webhook.secret-rotated', change));
        return { secret, previousValidUntil };
      });
    },
    pauseAsOf: (change, updatedAt, reason) =>
      consumerAdmin.change(change, (connection, id) =>
        pauseAsOf(connection, { workspaceId: change.workspaceId, id, updatedAt, reason }),
      ),
  };
}

/** Until when the one before signs, too. */
async function replaceSecret(connection: Connection, sealed: string, which: SQL): Promise<Date> {
  const [row] = await rows<{ until: Date }>(
    connection,
    sql`update webhooks set ${w.previous_secret} = ${w.secret},
        ${w.secret} = ${sealed}, ${w.revision} = ${w.revision} + 1,
        ${w.previous_valid_until} = now() + make_interval(hours => ${LIMITS.webhookSecretHours})
      where ${which} returning ${w.previous_valid_until} as until`,
  );
  return (row as { until: Date }).until;
}

function about(type: AuditType, { name, workspaceId }: Change) {
  return { type, subject: name, workspaceId };
}

/** What the audit says of it: the path of a URL, its query and its user may be credentials. */
function shown({ url, format, timeout_ms: timeoutMs, revision }: ShownRow) {
  return { origin: new URL(url).origin, format, timeoutMs, revision };
}

interface Pausing {
  readonly workspaceId: number;
  readonly id: number;
  readonly updatedAt: Date;
  readonly reason: string;
}

async function pauseAsOf(
  connection: Connection,
  { workspaceId, id, updatedAt, reason }: Pausing,
): Promise<boolean> {
  const paused = await rows(
    connection,
    sql`update consumers set ${c.paused_at} = now(), ${c.paused_reason} = ${reason},
        ${c.turn} = ${c.turn} + 1, ${c.updated_at} = now()
      where ${c.workspace_id} = ${workspaceId} and ${c.id} = ${id}
        and ${c.paused_at} is null and ${c.updated_at} = ${updatedAt} returning 1`,
  );
  return paused.length > 0;
}

function changesOf(
  { url, format, timeoutMs }: { [Name in keyof WebhookTarget]?: WebhookTarget[Name] | undefined },
  headers: string | undefined,
): SQL {
  const set = [sql`${w.revision} = ${w.revision} + 1`];
  if (url !== undefined) set.push(sql`${w.url} = ${url}`);
  if (format !== undefined) set.push(sql`${w.format} = ${format}`);
  if (timeoutMs !== undefined) set.push(sql`${w.timeout_ms} = ${timeoutMs}`);
  if (headers !== undefined) set.push(sql`${w.headers} = ${headers}`);
  return sql.join(set, sql`, `);
}

function check({
  headers,
  timeoutMs,
}: Partial<Pick<WebhookTarget, 'headers' | 'timeoutMs'>>): void {
  if (headers !== undefined) checkHeaders(headers);
  if (timeoutMs !== undefined) checkTimeoutMs(timeoutMs);
}

/** The given one, or a new one. */
function secretOf(given: string | null): string {
  const secret = given ?? newSecret();
  checkSecret(secret);
  return secret;
}

function newSecret(): string {
  return `whsec_${randomBytes(32).toString('base64')}`;
}

function own({ workspaceId }: Change, id: number): SQL {
  return sql`${w.workspace_id} = ${workspaceId} and ${w.consumer_id} = ${id}`;
}

type ShownRow = Row<typeof webhooks, 'url' | 'format' | 'timeout_ms' | 'revision'>;
type LockedRow = ShownRow & Row<typeof webhooks, 'workspace_id' | 'headers'>;

/** @throws GatewayError NOT_FOUND for a consumer that is no webhook */
async function lock(connection: Connection, change: Change, id: number): Promise<LockedRow> {
  const [row] = await rows<LockedRow>(
    connection,
    sql`select ${w.workspace_id}, ${w.url}, ${w.headers}, ${w.format}, ${w.timeout_ms},
        ${w.revision} from webhooks where ${own(change, id)} for update`,
  );
  if (row !== undefined) return row;
  const shown = JSON.stringify(change.name.slice(0, 100).toWellFormed());
  throw new GatewayError('NOT_FOUND', `The consumer ${shown} is not a webhook.`);
}

/** Who may not see a secret header does not get it by having it sent to a server of theirs. */
function checkMove(before: LockedRow, url: string, box: SecretCipher): void {
  if (new URL(before.url).origin === new URL(url).origin) return;
  const headers = JSON.parse(box.open(before.workspace_id, before.headers)) as WebhookHeader[];
  if (!headers.some(({ isSecret }) => isSecret)) return;
  const message = 'The URL has another host, and there are secret headers. Give the headers again.';
  throw new GatewayError('BAD_USER_INPUT', message);
}

/** The consumer was changed. @param leaseMs null: unchanged */
async function touch(
  connection: Connection,
  { workspaceId }: Change,
  id: number,
  leaseMs: number | null,
): Promise<void> {
  await rows(
    connection,
    sql`update consumers set ${c.turn} = ${c.turn} + 1, ${c.revision} = ${c.revision} + 1,
        ${c.updated_at} = now(), ${c.lease_ms} = coalesce(${leaseMs}::int, ${c.lease_ms})
      where ${c.workspace_id} = ${workspaceId} and ${c.id} = ${id}`,
  );
}
