/** A rule that is to be made or changed, as its form holds it. */
import { parseFilterText } from '../../filters/filter.ts';
import type { Rule, RuleInput } from './documents.ts';
import { listedDuration } from './words.ts';

export interface ChatDraft {
  readonly url: string;
  readonly format: 'SLACK' | 'DISCORD' | 'NTFY';
}

export interface Draft {
  readonly name: string;
  /** An EventFilter as JSON; empty for all events. */
  readonly filter: string;
  readonly isPush: boolean;
  /** Separated by commas or blanks. */
  readonly emails: string;
  readonly chats: readonly ChatDraft[];
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
  chats: [],
  quietFor: 'PT0S',
  comparison: '',
  count: '10',
  within: 'PT5M',
};

export function draftOf(rule: Rule): Draft {
  const { name, filter, quietFor, threshold, channels } = rule;
  const chats = channels.flatMap(each => (each.__typename === 'WebhookChannel' ? [each] : []));
  const emails = channels.flatMap(each => (each.__typename === 'EmailChannel' ? each.to : []));
  return {
    name,
    filter: filter === null ? '' : JSON.stringify(filter),
    isPush: channels.some(({ __typename }) => __typename === 'WebPushChannel'),
    emails: emails.join(', '),
    chats: chats.map(({ url, format }) => ({ url, format: isChat(format) ? format : 'SLACK' })),
    quietFor: listedDuration(quietFor),
    comparison: threshold?.comparison ?? '',
    count: String(threshold?.count ?? 10),
    within: listedDuration(threshold?.within ?? 'PT5M'),
  };
}

function isChat(format: string): format is ChatDraft['format'] {
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

function channelsOf({ isPush, emails, chats }: Draft): RuleInput['channels'] {
  const to = emails.split(/[\s,;]+/).filter(each => each !== '');
  return [
    ...(isPush ? [{ webPush: true }] : []),
    ...(to.length > 0 ? [{ email: { to } }] : []),
    ...chats
      .filter(({ url }) => url.trim() !== '')
      .map(({ url, format }) => ({ webhook: { url: url.trim(), format } })),
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
