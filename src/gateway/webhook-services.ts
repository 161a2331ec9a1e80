/** Webhooks, wired to this gateway. */
import type { Config } from '../config.ts';
import type { Consume } from '../consume/consume.ts';
import type { ConsumerAdmin } from '../consume/consumer-admin.ts';
import type { ConsumerReader } from '../consume/consumer-reader.ts';
import type { Database } from '../db/client.ts';
import { onBehalfOf } from '../db/connection.ts';
import { cloudEventText } from '../doors/cloudevents/translate.ts';
import type { Services } from '../graphql/services.ts';
import { monotonicMs } from '../live/clock.ts';
import type { Log } from '../observability/log.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { WorkspaceReader } from '../read/workspaces.ts';
import type { RecordEvents } from '../record/record.ts';
import { createOutbound } from '../security/outbound.ts';
import { createBox } from '../webhooks/box.ts';
import { createWebhookAdmin } from '../webhooks/webhook-admin.ts';
import { createWebhookReader } from '../webhooks/webhook-reader.ts';
import { createWebhooks, type Webhooks } from '../webhooks/webhooks.ts';
import { ADMINISTRATION } from './readers.ts';

export interface WebhookServicesOptions {
  readonly db: Database;
  readonly config: Config;
  readonly log: Log;
  readonly metrics: Metrics;
}

export interface WebhookParts {
  readonly epoch: string;
  readonly sealingKey: Buffer;
  readonly consume: Consume;
  readonly consumerAdmin: ConsumerAdmin;
  readonly consumers: ConsumerReader;
  readonly workspaces: WorkspaceReader;
  readonly record: RecordEvents;
}

export interface WebhookServices extends Pick<
  Services,
  'webhooks' | 'webhookAdmin' | 'testWebhook'
> {
  readonly sending: Webhooks;
}

export function createWebhookServices(
  { db, config, log, metrics }: WebhookServicesOptions,
  parts: WebhookParts,
): WebhookServices {
  const { epoch, consume, consumerAdmin, consumers, workspaces, record } = parts;
  const box = createBox(parts.sealingKey);
  const outbound = createOutbound(config.webhookPrivateNetworks);
  const admin = createWebhookAdmin({
    consumerAdmin,
    outbound,
    box,
    onCreated: () => sending.changed(),
  });
  const sending: Webhooks = createWebhooks({
    consume,
    admin,
    outbound,
    box,
    epoch,
    read: onBehalfOf(ADMINISTRATION, db.read),
    write: db.write,
    cloudEvent: cloudEventText,
    retryDelaysMs: config.webhookRetryDelaysMs,
    nowMs: () => Date.now(),
    elapsedMs: monotonicMs,
    onSent: sent => metrics.webhookSent(sent),
    onError: (err, facts, message) => log.warn({ err, ...facts }, message),
    async consumerOf(workspaceId, consumerId) {
      const [found] = await consumers.byIds(workspaceId, [consumerId]);
      return found ?? null;
    },
    async record(workspaceId, event) {
      const [workspace] = await workspaces.byIds([workspaceId]);
      if (workspace == null) return;
      const [receipt] = await record({
        workspace,
        door: 'GRAPHQL',
        events: [event],
        atomic: false,
      });
      if (receipt?.status === 'RECORDED' || receipt?.status === 'DUPLICATE') return;
      const { status } = receipt ?? {};
      log.warn(
        { workspaceId, type: event.type, status },
        'an event of the gateway was not recorded',
      );
    },
  });
  return {
    webhooks: createWebhookReader(db.read, box),
    webhookAdmin: admin,
    testWebhook: (which, signal) => sending.test(which, signal),
    sending,
  };
}
