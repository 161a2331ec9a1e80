/** What people read for the values of the API. */
import { formatCount } from '../../parts/format.ts';
import type { Consumer, Webhook } from './documents.ts';

export const KINDS: Readonly<Record<Consumer['kind'], string>> = {
  PULL: 'Pull',
  WEBHOOK: 'Webhook',
  NOTIFICATION: 'Notification',
};

type Order = NonNullable<Consumer['orderedBy']>;

export const ORDERS: Readonly<Record<Order, string>> = {
  WORKSPACE: 'All events, one at a time',
  SUBJECT: 'By subject',
  ACTOR: 'By actor',
  GROUP: 'By group',
  SOURCE: 'By source',
};

export const FORMATS: Readonly<Record<Webhook['format'], string>> = {
  SLUICE: 'Standard Webhooks',
  CLOUDEVENTS: 'CloudEvents 1.0',
  SLACK: 'Slack',
  DISCORD: 'Discord',
  NTFY: 'ntfy',
};

export function deliveriesOf(count: number): string {
  return `${formatCount(count)} parked ${count === 1 ? 'delivery' : 'deliveries'}`;
}

/** PT1H30M as 1 h 30 min. What has another form stays as it is. */
export function durationOf(iso: string): string {
  const [, hours, minutes, seconds] = /^PT(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?$/.exec(iso) ?? [];
  const parts = [hours && `${hours} h`, minutes && `${minutes} min`, seconds && `${seconds} s`];
  return parts.filter(Boolean).join(' ') || iso;
}
