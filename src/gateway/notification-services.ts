/** Notifications, wired to this gateway. */
import type { Config } from '../config/config.ts';
import type { Consume } from '../consume/consume.ts';
import type { ConsumerAdmin } from '../consume/consumer-admin.ts';
import type { AuditedTransaction } from '../db/audit-log.ts';
import type { Database } from '../db/client.ts';
import { onBehalfOf } from '../db/connection.ts';
import type { Services } from '../graphql/services.ts';
import { createChannels, type Address } from '../notifications/channels.ts';
import { makeDefaultRules } from '../notifications/default-rules.ts';
import { createMailer, type Mailer } from '../notifications/mail.ts';
import { Notifier } from '../notifications/notifier.ts';
import type { PushKeys } from '../notifications/push-crypto.ts';
import { ensurePushKeys } from '../notifications/push-keys.ts';
import { createPush } from '../notifications/push.ts';
import { createRuleAdmin, type RuleAdmin } from '../notifications/rule-admin.ts';
import { readRulePlan } from '../notifications/rule-plan.ts';
import { createRuleReader, type RuleReader } from '../notifications/rule-reader.ts';
import { addressesOf } from '../notifications/rule-state.ts';
import { createPushSubscriptions, readTargets } from '../notifications/subscriptions.ts';
import type { Log } from '../observability/log.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { EventReader } from '../read/event-reader.ts';
import type { WorkspaceReader } from '../read/workspaces.ts';
import { createOutbound } from '../security/outbound.ts';
import { createSecretCipher, type SecretCipher } from '../security/secret-cipher.ts';
import { createSender, type Sender } from '../webhooks/sender.ts';
import { ADMINISTRATION } from './readers.ts';

interface Options {
  readonly db: Database;
  readonly config: Config;
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'notified'>;
}

interface Parts {
  readonly sealingKey: Buffer;
  readonly consume: Pick<Consume, 'pull' | 'acknowledgeWith' | 'giveBack'>;
  readonly consumerAdmin: Pick<ConsumerAdmin, 'create' | 'change' | 'remove'>;
  readonly events: Pick<EventReader, 'byPlaces'>;
  readonly workspaces: WorkspaceReader;
  readonly audited: AuditedTransaction;
}

type Made = Pick<
  Services,
  'rules' | 'ruleAdmin' | 'pushSubscriptions' | 'pushPublicKey' | 'testNotification' | 'testPush'
> & {
  /** Works for rules: to be started and stopped. */
  readonly notifying: Pick<Notifier, 'start' | 'stop' | 'changed'>;
};

export async function createNotificationServices(options: Options, parts: Parts): Promise<Made> {
  const { db, config } = options;
  const { sealingKey, consumerAdmin, audited } = parts;
  const box = createSecretCipher(sealingKey, 'notifications');
  const outbound = createOutbound(config.webhookPrivateNetworks);
  const rules = createRuleReader(db.read, box);
  const ruleAdmin = createRuleAdmin({
    consumerAdmin,
    outbound,
    box,
    hasMail: config.smtpUrl !== null,
    onChanged: () => notifier.changed(),
  });
  const nowMs = () => Date.now();
  const keys = await ensurePushKeys(db.write, box);
  const mailer = createMailer({ url: config.smtpUrl, from: senderOf(config), nowMs });
  const sender = createSender({ outbound, nowMs });
  const notifier: Notifier = new Notifier({
    ...notifierOptions(options, parts, { box, rules, ruleAdmin }),
    channels: channelsOf(config, { keys, mailer, sender }),
    makeDefaults: () =>
      makeDefaultRules(onBehalfOf(ADMINISTRATION, db.upkeep), db.write, ruleAdmin),
  });
  return {
    rules,
    ruleAdmin,
    pushPublicKey: keys.publicKey,
    pushSubscriptions: createPushSubscriptions({
      read: db.read,
      write: db.write,
      audited,
      outbound,
      box,
      onSaved: () => notifier.changed(),
    }),
    testNotification: (rule, signal) => notifier.test(rule, signal),
    testPush: (...test) => notifier.testPush(...test),
    notifying: {
      start: () => notifier.start(),
      changed: () => notifier.changed(),
      async stop() {
        await notifier.stop();
        mailer.stop();
        sender.stop();
      },
    },
  };
}

interface Senders {
  readonly keys: PushKeys;
  readonly mailer: Mailer;
  readonly sender: Sender;
}

function channelsOf({ publicUrl, smtpFrom }: Config, { keys, mailer, sender }: Senders) {
  const subject = subjectOf(publicUrl, smtpFrom);
  const push = createPush({ keys, sender, subject, nowMs: () => Date.now() });
  return createChannels({ sender, push, mail: mailer.send, publicUrl });
}

interface Kept {
  readonly box: SecretCipher;
  readonly rules: RuleReader;
  readonly ruleAdmin: Pick<RuleAdmin, 'require'>;
}

function notifierOptions(
  { db, config, log, metrics }: Options,
  { consume, events, workspaces }: Parts,
  { box, rules, ruleAdmin }: Kept,
) {
  return {
    consume,
    box,
    write: db.write,
    retryDelaysMs: config.webhookRetryDelaysMs,
    // Looks of its own, and not of somebody who waits for an answer.
    read: onBehalfOf(ADMINISTRATION, db.upkeep),
    readPlan: (rule: Parameters<typeof readRulePlan>[2]) =>
      readRulePlan(onBehalfOf(rule.workspaceId, db.read), box, rule),
    async eventAt(workspaceId: number, place: Parameters<EventReader['byPlaces']>[1][number]) {
      const [event] = await events.byPlaces(workspaceId, [place]);
      return event ?? null;
    },
    async targetsOf(which: Parameters<Notifier['test']>[0]) {
      await ruleAdmin.require(which);
      const { workspaceId, name } = which;
      const rule = await rules.byName(workspaceId, name);
      const [workspace] = await workspaces.byIds([workspaceId]);
      if (rule === null || workspace == null) return null;
      const addresses = addressesOf(rule.channels).filter(each => each.kind !== 'WEB_PUSH');
      const isPush = rule.channels.some(({ kind }) => kind === 'WEB_PUSH');
      const targets = isPush ? await readTargets(db.read, box, workspaceId) : [];
      const pushes = targets.map(target => ({ kind: 'WEB_PUSH', target }) as const);
      return { workspace: workspace.slug, addresses: [...addresses, ...pushes] as Address[] };
    },
    onSent: (kind: Address['kind'], sent: Parameters<Metrics['notified']>[1]) =>
      metrics.notified(kind, sent),
    onError: (err: unknown, facts: object, message: string) => log.warn({ err, ...facts }, message),
  };
}

/** Whom push services may write to about this gateway; null: nobody is known. */
function subjectOf(publicUrl: string | null, smtpFrom: string | null): string | null {
  const address = smtpFrom === null ? null : (/<([^>]+)>/.exec(smtpFrom)?.[1] ?? smtpFrom);
  if (address !== null) return `mailto:${address}`;
  return publicUrl?.startsWith('https:') === true ? publicUrl : null;
}

function senderOf({ smtpFrom, smtpUrl, publicUrl }: Config): string {
  if (smtpFrom !== null) return smtpFrom;
  const known = publicUrl ?? smtpUrl;
  return `sluice@${known === null ? 'localhost' : new URL(known).hostname}`;
}
