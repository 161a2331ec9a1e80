/** A rule that is to be made or changed, as its form holds it. */
import { parseFilterText } from '../../filters/filter.ts';
import type { Channel, Rule, RuleInput } from './documents.ts';
import { listedDuration } from './words.ts';

export interface Draft {
  readonly name: string;
  /** An EventFilter as JSON; empty for all events. */
  readonly filter: string;
  readonly isPush: boolean;
  /** Separated by commas or blanks. */
  readonly emails: string;
  readonly chatUrl: string;
  readonly chatFormat: 'SLACK' | 'DISCORD' | 'NTFY';
  /** ISO 8601. */
  readonly quietFor: string;
  readonly comparison: '' | 'AT_LEAST' | 'FEWER_THAN';
  readonly count: string;
  readonly within: string;
}

export const NEW_DRAFT: Draft = {
  name: '',
  filter: '',
  isPush: true,
  emails: '',
  chatUrl: '',
  chatFormat: 'SLACK',
  quietFor: 'PT0S',
  comparison: '',
  count: '10',
  within: 'PT5M',
};

/** Of which a form has one field each; a rule of the API may have more. */
export function draftOf(rule: Rule): Draft {
  const { name, filter, quietFor, threshold, channels } = rule;
  const chat = channels.find(each => each.__typename === 'WebhookChannel');
  const emails = channels.flatMap(each => (each.__typename === 'EmailChannel' ? each.to : []));
  return {
    name,
    filter: filter === null ? '' : JSON.stringify(filter),
    isPush: channels.some(({ __typename }) => __typename === 'WebPushChannel'),
    emails: emails.join(', '),
    chatUrl: chat?.url ?? '',
    chatFormat: isChat(chat?.format) ? chat.format : 'SLACK',
    quietFor: listedDuration(quietFor),
    comparison: threshold?.comparison ?? '',
    count: String(threshold?.count ?? 10),
    within: listedDuration(threshold?.within ?? 'PT5M'),
  };
}

type ChatFormat = Draft['chatFormat'];

function isChat(format: string | undefined): format is ChatFormat {
  return format === 'SLACK' || format === 'DISCORD' || format === 'NTFY';
}

export function hasFilterFault({ filter }: Draft): boolean {
  return filter.trim() !== '' && parseFilterText(filter) === null;
}

/** What is missing; undefined where nothing is. */
export function missingOf(draft: Draft): string | undefined {
  if (hasFilterFault(draft)) return 'The filter is no JSON object';
  return channelsOf(draft).length === 0 ? 'It has no channel' : undefined;
}

function channelsOf({ isPush, emails, chatUrl, chatFormat }: Draft): RuleInput['channels'] {
  const to = emails.split(/[\s,;]+/).filter(each => each !== '');
  const url = chatUrl.trim();
  return [
    ...(isPush ? [{ webPush: true }] : []),
    ...(to.length > 0 ? [{ email: { to } }] : []),
    ...(url === '' ? [] : [{ webhook: { url, format: chatFormat } }]),
  ];
}

export function inputOf(draft: Draft, workspace: string) {
  const { comparison, count, within } = draft;
  return {
    workspace,
    name: draft.name.trim(),
    filter: draft.filter.trim() === '' ? null : parseFilterText(draft.filter),
    channels: channelsOf(draft),
    quietFor: draft.quietFor,
    threshold: comparison === '' ? null : { comparison, count: Number(count), within },
  };
}

/** Whether the form shows all that a rule has. */
export function fitsForm({ channels }: Rule): boolean {
  const chats = channels.filter(({ __typename }: Channel) => __typename === 'WebhookChannel');
  return chats.length <= 1;
}
