/** Events as messages for people: a title, a text, and the time. Pure. */
import type { StoredEvent } from '../core/event.ts';
import { parsePayload } from '../core/exact-json.ts';
import { instantText } from '../core/unreadable.ts';
import type { ChatFormat } from '../core/webhook.ts';

/** Of a request. */
export interface Content {
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** What people are told. */
export interface ChatText {
  readonly title: string;
  readonly text: string;
  /** In ISO 8601. */
  readonly at: string;
  /** Where there is more to see. */
  readonly link?: string | null;
}

const JSON_TYPE = { 'content-type': 'application/json' };

export const chatFormats: Readonly<Record<ChatFormat, (said: ChatText) => Content>> = {
  SLACK: ({ title, text, link }) => ({
    headers: JSON_TYPE,
    body: JSON.stringify({
      text: `*${forSlack(title)}*\n${forSlack(text)}${link == null ? '' : `\n<${forSlack(link)}>`}`,
    }),
  }),
  DISCORD: ({ title, text, at, link }) => ({
    headers: JSON_TYPE,
    body: JSON.stringify({
      embeds: [
        {
          title: cut(forDiscord(title), 256),
          description: cut(forDiscord(text), 4_096),
          timestamp: at,
          ...(link != null && { url: link }),
        },
      ],
      // An event that says @everyone calls nobody.
      allowed_mentions: { parse: [] },
    }),
  }),
  NTFY: ({ title, text, link }) => ({
    headers: {
      'content-type': 'text/plain; charset=utf-8',
      title: encodedWord(title),
      ...(link != null && { click: link }),
    },
    body: text,
  }),
};

export function chatTextOf(event: StoredEvent): ChatText {
  return { title: titleOf(event), text: textOf(event), at: instantText(event.occurredAt) };
}

const TITLE_CHARS_MAX = 120;
/** ntfy takes 4,096 bytes, and makes a file of more. */
const TEXT_CHARS_MAX = 1_300;
const LINES_MAX = 12;

/** Icon and type. */
export function titleOf({ icon, type }: StoredEvent): string {
  return cut(icon === null ? type : `${icon} ${type}`, TITLE_CHARS_MAX);
}

/** The description, or a summary of the payload; before it what the event is about. */
export function textOf(event: StoredEvent): string {
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
export function cut(text: string, charsMax: number): string {
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
