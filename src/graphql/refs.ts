/** The objects that other types speak of, named before they are described. */
import type { AggregateBucket } from '../core/aggregate.ts';
import type { ApiKeyInfo } from '../core/api-key.ts';
import type { Consumer, ParkedDelivery } from '../core/consumer.ts';
import type { EventDefinition } from '../core/definition.ts';
import type { QuarantinedEvent, Receipt, StoredEvent } from '../core/event.ts';
import type { Meter } from '../core/meter.ts';
import type { NotificationRule } from '../core/notification.ts';
import type { Webhook } from '../core/webhook.ts';
import type { Workspace } from '../core/workspace.ts';
import { builder } from './builder.ts';

export const WorkspaceRef = builder.objectRef<Workspace>('Workspace');
export const ApiKeyRef = builder.objectRef<ApiKeyInfo>('ApiKey');
export const EventRef = builder.objectRef<StoredEvent>('Event');
export const EventDefinitionRef = builder.objectRef<EventDefinition>('EventDefinition');
export const QuarantinedEventRef = builder.objectRef<QuarantinedEvent>('QuarantinedEvent');
export const ConsumerRef = builder.objectRef<Consumer>('Consumer');
export const NotificationRuleRef = builder.objectRef<NotificationRule>('NotificationRule');
export const WebhookRef = builder.objectRef<Webhook>('Webhook');
export const MeterRef = builder.objectRef<Meter>('Meter');
export const ParkedDeliveryRef = builder.objectRef<ParkedDelivery>('ParkedDelivery');
export const EventAggregateRef = builder.objectRef<AggregateBucket>('EventAggregate');

/** A receipt, and the workspace in which its position stands. */
export interface PlacedReceipt {
  readonly workspaceId: number;
  readonly receipt: Receipt;
}
