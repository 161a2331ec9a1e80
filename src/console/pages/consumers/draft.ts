/** A consumer that is to be made, as its form holds it. */
import { parseFilterText } from '../../filters/filter.ts';
import type { Consumer, Webhook, WebhookInput } from './documents.ts';
import { AT_NOW, placeOf, type ChosenPlace } from './place.ts';

export interface HeaderDraft {
  readonly name: string;
  readonly value: string;
  readonly secret: boolean;
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
  readonly url: string;
  readonly format: Webhook['format'];
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
  url: '',
  format: 'SLUICE',
  headers: [],
};

/** What pull consumers and webhooks have in common; null while something is missing. */
export function inputOf(draft: Draft, workspace: string) {
  const from = placeOf(draft.from);
  const filter = draft.filter.trim() === '' ? null : parseFilterText(draft.filter);
  if (from === null || hasFilterFault(draft)) return null;
  return {
    workspace,
    name: draft.name.trim(),
    description: draft.description.trim() || null,
    filter,
    from,
    orderedBy: draft.orderedBy || null,
    maxAttempts: Number(draft.maxAttempts),
  };
}

export function hasFilterFault({ filter }: Draft): boolean {
  return filter.trim() !== '' && parseFilterText(filter) === null;
}

/** What a webhook has beside it. */
export function webhookPartOf(draft: Draft): Pick<WebhookInput, 'url' | 'format' | 'headers'> {
  const headers = draft.headers.filter(({ name }) => name.trim() !== '');
  return {
    url: draft.url.trim(),
    format: draft.format,
    headers: headers.map(header => ({ ...header, name: header.name.trim() })),
  };
}
