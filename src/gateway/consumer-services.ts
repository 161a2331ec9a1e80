/** Consumers, and webhooks among them, wired to this gateway. */
import type { Config } from '../config/config.ts';
import { createConsume, type Consume } from '../consume/consume.ts';
import { createConsumerAdmin } from '../consume/consumer-admin.ts';
import { readConsumerFigures, type ConsumerFigures } from '../consume/consumer-figures.ts';
import type { ConsumerReader } from '../consume/consumer-reader.ts';
import type { AuditedTransaction } from '../db/audit-log.ts';
import type { Database } from '../db/client.ts';
import { onBehalfOf } from '../db/connection.ts';
import { keepFigures } from '../db/kept-figures.ts';
import { cloudEventText } from '../doors/cloudevents/translate.ts';
import type { Services } from '../graphql/services.ts';
import { monotonicMs, systemClock } from '../live/clock.ts';
import type { Live } from '../live/live.ts';
import type { Log } from '../observability/log.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { WorkspaceReader } from '../read/workspaces.ts';
import type { RecordEvents } from '../record/record.ts';
import { createOutbound } from '../security/outbound.ts';
import { createSecretCipher } from '../security/secret-cipher.ts';
import { createWebhookAdmin } from '../webhooks/webhook-admin.ts';
import { createWebhookReader } from '../webhooks/webhook-reader.ts';
import { Webhooks, type WebhooksOptions } from '../webhooks/webhooks.ts';
import { ADMINISTRATION } from './readers.ts';

interface Options {
  readonly db: Database;
  readonly config: Config;
  readonly log: Log;
  readonly metrics: Metrics;
}

interface Parts {
  readonly epoch: string;
  readonly live: Live;
  readonly sealingKey: Buffer;
  readonly consumers: ConsumerReader;
  readonly workspaces: WorkspaceReader;
  readonly record: RecordEvents;
  readonly audited: AuditedTransaction;
  /** Hears of every change of a consumer. */
  readonly onChanged: () => void;
}

type Made = Pick<Services, 'consumerAdmin' | 'webhooks' | 'webhookAdmin' | 'testWebhook'> & {
  readonly consume: Consume;
  /** Works for webhooks: to be started and stopped. */
  readonly sending: Webhooks;
  readonly consumerFigures: () => Promise<ConsumerFigures[]>;
};

export function createConsumerServices(options: Options, parts: Parts): Made {
  const { db, config, log } = options;
  const consume = createGatewayConsume(options, parts);
  const consumerAdmin = createConsumerAdmin(
    { write: db.write, audited: parts.audited },
    (...consumer) => {
      consume.changed(...consumer);
      sending.changed();
      parts.onChanged();
    },
  );
  const box = createSecretCipher(parts.sealingKey, 'webhooks');
  const outbound = createOutbound(config.webhookPrivateNetworks);
  const webhookAdmin = createWebhookAdmin({
    consumerAdmin,
    outbound,
    box,
    onCreated: () => sending.changed(),
  });
  const sending: Webhooks = new Webhooks({
    ...sendingOptions(options, parts),
    consume,
    admin: webhookAdmin,
    outbound,
    box,
  });
  return {
    consume,
    consumerAdmin,
    webhooks: createWebhookReader(db.read, box),
    webhookAdmin,
    testWebhook: (which, signal) => sending.test(which, signal),
    sending,
    consumerFigures: keepFigures(
      () => readConsumerFigures(onBehalfOf(ADMINISTRATION, db.read)),
      [],
      err => log.warn({ err }, 'figures of consumers were not read'),
    ),
  };
}

function sendingOptions(
  { db, config, log, metrics }: Options,
  { epoch, consumers, workspaces, record }: Parts,
): Omit<WebhooksOptions, 'consume' | 'admin' | 'outbound' | 'box'> {
  return {
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
      const { status } = receipt ?? {};
      if (status === 'RECORDED' || status === 'DUPLICATE') return;
      const message = 'an event of the gateway was not recorded';
      log.warn({ workspaceId, type: event.type, status }, message);
    },
  };
}

function createGatewayConsume(
  { db, config, log }: Options,
  { live, epoch, consumers }: Parts,
): Consume {
  return createConsume({
    live,
    epoch,
    reader: consumers,
    write: db.write,
    read: onBehalfOf(ADMINISTRATION, db.read),
    clock: systemClock,
    bytesMax: config.answerBytesMax,
    onError: (err, message) => log.warn({ err }, message),
  });
}
