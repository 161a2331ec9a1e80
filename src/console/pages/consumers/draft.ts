/** A consumer that is to be made or changed, as its form holds it. */
import { parseFilterText } from '../../filters/filter.ts';
import type { Consumer, Webhook, WebhookInput } from './documents.ts';
import { AT_NOW, placeOf, type ChosenPlace } from './place.ts';

export interface HeaderDraft {
  readonly name: string;
  readonly value: string;
  readonly secret: boolean;
}

/** ISO 8601 as seconds, as the API gives durations out; empty for another form. */
export function secondsOf(iso: string): string {
  const [whole, days = '0', hours = '0', minutes = '0', seconds = '0'] =
    /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?)?$/.exec(iso) ?? [];
  if (whole === undefined) return '';
  return String(
    Number(days) * 86_400 + Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds),
  );
}

export interface Draft {
  readonly kind: 'PULL' | 'WEBHOOK';
  readonly name: string;
  readonly description: string;
  /** An EventFilter as JSON; empty for all events. */
  readonly filter: string;
  readonly from: ChosenPlace;
  readonly orderedBy: NonNullable<Consumer['orderedBy']> | '';
  readonly maxAttempts: string;
  /** How long a worker has a delivery. */
  readonly leaseSeconds: string;
  readonly url: string;
  readonly format: Webhook['format'];
  readonly timeoutSeconds: string;
  readonly headers: readonly HeaderDraft[];
}

export const NEW_DRAFT: Draft = {
  kind: 'PULL',
  name: '',
  description: '',
  filter: '',
  from: AT_NOW,
  orderedBy: '',
  maxAttempts: '8',
  leaseSeconds: '30',
  url: '',
  format: 'SLUICE',
  timeoutSeconds: '15',
  headers: [],
};

/** A consumer as it is now. A secret header's value is not known: it is empty. */
export function draftOf(consumer: Consumer): Draft {
  const { webhook, name, description, filter, orderedBy, maxAttempts } = consumer;
  const kind = webhook === null || webhook === undefined ? 'PULL' : 'WEBHOOK';
  return {
    ...NEW_DRAFT,
    kind,
    name,
    description: description ?? '',
    filter: filter === null ? '' : JSON.stringify(filter),
    orderedBy: orderedBy ?? '',
    maxAttempts: String(maxAttempts),
    leaseSeconds: secondsOf(consumer.leaseDuration),
    ...(webhook && {
      url: webhook.url,
      format: webhook.format,
      timeoutSeconds: secondsOf(webhook.timeout),
      headers: webhook.headers.map(({ value, ...header }) => ({ ...header, value: value ?? '' })),
    }),
  };
}

/** What of a consumer is set anew; null while something is missing. */
export function changeOf(draft: Draft) {
  if (hasFilterFault(draft)) return null;
  return {
    name: draft.name.trim(),
    description: draft.description.trim() || null,
    filter: filterOf(draft),
    maxAttempts: Number(draft.maxAttempts),
    ...(draft.kind === 'PULL' && { leaseDuration: `PT${draft.leaseSeconds}S` }),
  };
}

function filterOf({ filter }: Draft) {
  return filter.trim() === '' ? null : parseFilterText(filter);
}

/** What pull consumers and webhooks have in common; null while something is missing. */
export function inputOf(draft: Draft, workspace: string) {
  const from = placeOf(draft.from);
  const set = changeOf(draft);
  if (from === null || set === null) return null;
  return { workspace, ...set, from, orderedBy: draft.orderedBy || null };
}

export function hasFilterFault({ filter }: Draft): boolean {
  return filter.trim() !== '' && parseFilterText(filter) === null;
}

/** What a webhook has beside it. */
export function webhookPartOf(draft: Draft): Pick<WebhookInput, 'url' | 'format' | 'timeout'> & {
  readonly headers: HeaderDraft[];
} {
  const headers = draft.headers.filter(({ name }) => name.trim() !== '');
  return {
    url: draft.url.trim(),
    format: draft.format,
    timeout: `PT${draft.timeoutSeconds}S`,
    headers: headers.map(header => ({ ...header, name: header.name.trim() })),
  };
}

/** What of a consumer is to be changed; null for nothing. */
export function consumerChangesOf(before: Draft, draft: Draft) {
  const to = changeOf(draft);
  return isSame(to, changeOf(before)) ? null : to;
}

/** What of a webhook is to be changed; null for nothing. Headers are replaced together, or stay. */
export function webhookChangesOf(before: Draft, draft: Draft) {
  if (draft.kind !== 'WEBHOOK') return null;
  const { headers, ...to } = webhookPartOf(draft);
  const { headers: had, ...was } = webhookPartOf(before);
  if (!isSame(headers, had)) return { ...to, headers };
  return isSame(to, was) ? null : to;
}

/** Whether headers are as they were, so that those that are secret stay as they are. */
export function hasSameHeaders(before: readonly HeaderDraft[], now: readonly HeaderDraft[]) {
  return isSame(before, now);
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
