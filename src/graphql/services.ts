import type { Consume } from '../consume/consume.ts';
import type { ConsumerAdmin } from '../consume/consumer-admin.ts';
import type { ConsumerReader } from '../consume/consumer-reader.ts';
import type { AggregateReader } from '../core/aggregate.ts';
import type { StatusReader } from '../core/gateway-status.ts';
import type { Actor } from '../core/principal.ts';
import type { EvidenceReader } from '../evidence/evidence-reader.ts';
import type { SchemaChecker } from '../json-schema/checker.ts';
import type { LiveAggregates } from '../live/live-aggregates.ts';
import type { Live } from '../live/live.ts';
import type { MeterAdmin } from '../meters/meter-admin.ts';
import type { Notifier } from '../notifications/notifier.ts';
import type { RuleAdmin } from '../notifications/rule-admin.ts';
import type { RuleReader } from '../notifications/rule-reader.ts';
import type { PushSubscriptions } from '../notifications/subscriptions.ts';
import type { AggregateCounts } from '../read/aggregate-counts.ts';
import type { ApiKeyReader } from '../read/api-keys.ts';
import type { DefinitionReader } from '../read/definitions.ts';
import type { EventReader } from '../read/event-reader.ts';
import type { MeterReader } from '../read/meters.ts';
import type { QuarantineReader } from '../read/quarantine.ts';
import type { WorkspaceReader } from '../read/workspaces.ts';
import type { CheckDefinition, DefinitionAdmin } from '../record/definition-admin.ts';
import type { QuarantineAdmin } from '../record/quarantine-admin.ts';
import type { RecordEvents } from '../record/record.ts';
import type { KeyAdmin } from '../security/keys.ts';
import type { RateLimits } from '../security/rate-limits.ts';
import type { Tickets } from '../security/tickets.ts';
import type { WorkspaceAdmin } from '../security/workspace-admin.ts';
import type { Redaction } from '../upkeep/redact.ts';
import type { WebhookAdmin } from '../webhooks/webhook-admin.ts';
import type { WebhookReader } from '../webhooks/webhook-reader.ts';
import type { Webhooks } from '../webhooks/webhooks.ts';

/** What the rest of the gateway does for resolvers. */
export interface Services {
  /** Of the database: cursors carry it. */
  readonly epoch: string;
  readonly events: EventReader;
  readonly definitions: DefinitionReader;
  readonly counts: Pick<AggregateCounts, 'definitionCounts'>;
  readonly workspaces: WorkspaceReader;
  readonly apiKeys: ApiKeyReader;
  readonly quarantine: QuarantineReader;
  readonly consumers: ConsumerReader;
  readonly consumerAdmin: ConsumerAdmin;
  readonly consume: Pick<Consume, 'pull' | 'leases' | 'acknowledge' | 'release' | 'extend'>;
  readonly webhooks: WebhookReader;
  readonly webhookAdmin: Pick<WebhookAdmin, 'create' | 'update' | 'rotateSecret'>;
  readonly testWebhook: Webhooks['test'];
  readonly rules: RuleReader;
  readonly ruleAdmin: RuleAdmin;
  readonly pushSubscriptions: PushSubscriptions;
  /** By which browsers know the gateway, in base64url. */
  readonly pushPublicKey: string;
  readonly testNotification: Notifier['test'];
  readonly testPush: Notifier['testPush'];
  readonly aggregates: AggregateReader;
  readonly meters: MeterReader;
  readonly meterAdmin: MeterAdmin;
  readonly evidence: EvidenceReader;
  readonly record: RecordEvents;
  readonly schemas: SchemaChecker;
  readonly rateLimits: Pick<RateLimits, 'countEvents'>;
  readonly live: Pick<Live, 'subscribe' | 'hold'>;
  readonly workspaceAdmin: WorkspaceAdmin;
  readonly keyAdmin: KeyAdmin;
  readonly definitionAdmin: DefinitionAdmin;
  readonly checkDefinition: CheckDefinition;
  readonly quarantineAdmin: QuarantineAdmin;
  readonly liveAggregates: LiveAggregates;
  readonly status: StatusReader;
  /** How many events were emptied. */
  redact(workspaceId: number, redaction: Redaction, actor: Actor): Promise<number>;
  readonly createStreamTicket: Tickets['create'];
}
