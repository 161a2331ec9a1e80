/** What is kept of webhooks, for those who look and for the worker. */
import { sql } from 'drizzle-orm';
import { isStorableText } from '../core/text.ts';
import type { Webhook, WebhookAttempt, WebhookHeader } from '../core/webhook.ts';
import { columnsOf, type Row } from '../db/columns.ts';
import { onBehalfOf, type Connection } from '../db/connection.ts';
import { rows } from '../db/query.ts';
import { consumers, webhookAttempts, webhooks, workspaces } from '../db/schema.ts';
import type { SecretCipher } from '../security/secret-cipher.ts';

const w = columnsOf(webhooks, 'w');
const a = columnsOf(webhookAttempts, 'a');
const c = columnsOf(consumers, 'c');
const s = columnsOf(workspaces, 's');

export interface WebhookReader {
  /** In the order of what was asked, null where there is none. */
  webhooksByIds(workspaceId: number, consumerIds: readonly number[]): Promise<(Webhook | null)[]>;
  /** Newest first. */
  attempts(workspaceId: number, consumerId: number, first: number): Promise<WebhookAttempt[]>;
}

/** What the worker has to know of a webhook. */
export interface WebhookPlan extends Webhook {
  /** Slug of the workspace. */
  readonly workspace: string;
  /** Those that sign, the newest first, and until when; null: for good. */
  readonly secrets: readonly { readonly secret: string; readonly until: Date | null }[];
  readonly revision: number;
}

type WebhookRow = Row<
  typeof webhooks,
  'workspace_id' | 'consumer_id' | 'url' | 'format' | 'headers' | 'timeout_ms'
>;

const webhookColumns = sql`${w.workspace_id}, ${w.consumer_id}, ${w.url}, ${w.format}, ${w.headers}, ${w.timeout_ms}`;

export function createWebhookReader(read: Connection, box: SecretCipher): WebhookReader {
  return {
    async webhooksByIds(workspaceId, consumerIds) {
      const found = await rows<WebhookRow>(
        onBehalfOf(workspaceId, read),
        sql`select ${webhookColumns} from webhooks w where ${w.workspace_id} = ${workspaceId}
          and ${w.consumer_id} = any(${`{${consumerIds.join(',')}}`}::int[])`,
      );
      const byId = new Map(found.map(row => [row.consumer_id, toWebhook(row, box)]));
      return consumerIds.map(id => byId.get(id) ?? null);
    },
    async attempts(workspaceId, consumerId, first) {
      const found = await rows<AttemptRow>(
        onBehalfOf(workspaceId, read),
        sql`select ${attemptColumns} from webhook_attempts a where ${a.workspace_id} = ${workspaceId}
          and ${a.consumer_id} = ${consumerId} order by ${a.number} desc limit ${first}`,
      );
      return found.map(toAttempt);
    },
  };
}

/** What is active now, and what it was changed last by. */
export interface ActiveWebhook {
  readonly workspaceId: number;
  readonly consumerId: number;
  readonly name: string;
  readonly revision: number;
}

type ActiveRow = Row<typeof webhooks, 'workspace_id' | 'consumer_id' | 'revision'> &
  Row<typeof consumers, 'name'>;

export async function readActive(read: Connection): Promise<ActiveWebhook[]> {
  const found = await rows<ActiveRow>(
    read,
    sql`select ${w.workspace_id}, ${w.consumer_id}, ${w.revision}, ${c.name}
      from webhooks w join consumers c
        on ${c.workspace_id} = ${w.workspace_id} and ${c.id} = ${w.consumer_id}
      join workspaces s on ${s.id} = ${w.workspace_id}
      where ${c.paused_at} is null`,
  );
  return found.map(({ workspace_id: workspaceId, consumer_id: consumerId, name, revision }) => ({
    workspaceId,
    consumerId,
    name,
    revision,
  }));
}

type PlanRow = WebhookRow &
  Row<typeof webhooks, 'secret' | 'previous_secret' | 'previous_valid_until' | 'revision'> &
  Row<typeof workspaces, 'slug'>;

type WebhookName = { readonly workspaceId: number } & (
  { readonly consumerId: number } | { readonly name: string }
);

/** Null where there is none. */
export async function readPlan(
  read: Connection,
  box: SecretCipher,
  which: WebhookName,
): Promise<WebhookPlan | null> {
  const { workspaceId } = which;
  if ('name' in which && !isStorableText(which.name)) return null;
  const [row] = await rows<PlanRow>(
    read,
    sql`select ${webhookColumns}, ${w.revision}, ${w.secret}, ${s.slug},
        ${w.previous_secret}, ${w.previous_valid_until}
      from webhooks w join workspaces s on ${s.id} = ${w.workspace_id}
      join consumers c on ${c.workspace_id} = ${w.workspace_id} and ${c.id} = ${w.consumer_id}
      where ${w.workspace_id} = ${workspaceId} and ${
        'consumerId' in which
          ? sql`${w.consumer_id} = ${which.consumerId}`
          : sql`${c.name} = ${which.name}`
      }`,
  );
  if (row === undefined) return null;
  const { previous_secret: previous, previous_valid_until: until } = row;
  const secretOf = (sealed: string) => box.open(workspaceId, sealed);
  return {
    ...toWebhook(row, box),
    workspace: row.slug,
    secrets: [
      { secret: secretOf(row.secret), until: null },
      ...(previous === null ? [] : [{ secret: secretOf(previous), until }]),
    ],
    revision: row.revision,
  };
}

function toWebhook(row: WebhookRow, box: SecretCipher): Webhook {
  return {
    workspaceId: row.workspace_id,
    consumerId: row.consumer_id,
    url: row.url,
    format: row.format,
    headers: JSON.parse(box.open(row.workspace_id, row.headers)) as WebhookHeader[],
    timeoutMs: row.timeout_ms,
  };
}

const attemptColumns = sql`${a.consumer_id}, ${a.number}, ${a.attempted_at}, ${a.event_id}, ${a.position},
  ${a.attempt}, ${a.status}, ${a.error}, ${a.duration_ms}, ${a.response}`;

type AttemptRow = Omit<Row<typeof webhookAttempts>, 'workspace_id' | 'slot'>;

function toAttempt(row: AttemptRow): WebhookAttempt {
  return {
    consumerId: row.consumer_id,
    number: row.number,
    at: row.attempted_at,
    eventId: row.event_id,
    position: row.position,
    attempt: row.attempt,
    status: row.status,
    error: row.error,
    durationMs: row.duration_ms,
    response: row.response,
  };
}
