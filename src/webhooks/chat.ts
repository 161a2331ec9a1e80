/** Events as messages for people: a title, a text, and the time. Pure. */
import type { StoredEvent } from '../core/event.ts';
import { parsePayload } from '../core/exact-json.ts';
import { instantText } from '../core/unreadable.ts';
/** Of a request. */
export interface Content {
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

type ChatFormat = 'SLACK' | 'DISCORD' | 'NTFY';

const JSON_TYPE = { 'content-type': 'application/json' };

export const chatFormats: Readonly<Record<ChatFormat, (event: StoredEvent) => Content>> = {
  SLACK: event => ({
    headers: JSON_TYPE,
    body: JSON.stringify({ text: `*${forSlack(titleOf(event))}*\n${forSlack(textOf(event))}` }),
  }),
  DISCORD: event => ({
    headers: JSON_TYPE,
    body: JSON.stringify({
      embeds: [
        {
          title: cut(forDiscord(titleOf(event)), 256),
          description: cut(forDiscord(textOf(event)), 4_096),
          timestamp: instantText(event.occurredAt),
        },
      ],
      // An event that says @everyone calls nobody.
      allowed_mentions: { parse: [] },
    }),
  }),
  NTFY: event => ({
    headers: { 'content-type': 'text/plain; charset=utf-8', title: encodedWord(titleOf(event)) },
    body: textOf(event),
  }),
};

const TITLE_CHARS_MAX = 120;
/** ntfy takes 4,096 bytes, and makes a file of more. */
const TEXT_CHARS_MAX = 1_300;
const LINES_MAX = 12;

function titleOf({ icon, type }: StoredEvent): string {
  return cut(icon === null ? type : `${icon} ${type}`, TITLE_CHARS_MAX);
}

/** The description, or a summary of the payload; then what the event is about. */
function textOf(event: StoredEvent): string {
  const { description, subject, actor } = event;
  const about = [subject, actor === null ? null : `by ${actor}`].filter(part => part !== null);
  const lines = description === null ? summaryOf(event) : [description];
  const text = [...(about.length === 0 ? [] : [about.join(' ')]), ...lines].join('\n');
  return cut(text === '' ? instantText(event.occurredAt) : text, TEXT_CHARS_MAX);
}

function summaryOf({ payload }: StoredEvent): string[] {
  const members = Object.entries(parsePayload(payload)).slice(0, LINES_MAX);
  return members.map(([name, value]) => {
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    return cut(`${name}: ${text}`, 200);
  });
}

/** By characters as people see them, roughly: no surrogate is torn. */
function cut(text: string, charsMax: number): string {
  return text.length <= charsMax ? text : `${text.slice(0, charsMax - 1).toWellFormed()}…`;
}

/** @see https://docs.slack.dev/messaging/formatting-message-text */
function forSlack(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function forDiscord(text: string): string {
  return text.replaceAll(/[\\*_~`|>#[\]()-]/g, '\\$&');
}

/** Headers are ASCII: ntfy reads RFC 2047. */
function encodedWord(text: string): string {
  return /^[\x20-\x7e]*$/.test(text) ? text : `=?UTF-8?B?${Buffer.from(text).toString('base64')}?=`;
}
