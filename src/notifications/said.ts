/** What a notification says: the words are the same in every channel. Pure. */
import type { StoredEvent } from '../core/event.ts';
import { LIMITS } from '../core/limits.ts';
import type { NotificationKind, NotificationThreshold } from '../core/notification.ts';
import { truncateBytes } from '../core/text.ts';
import { textOf, titleOf, type ChatText } from '../webhooks/chat.ts';

/** What is told of. */
export interface Subject {
  readonly kind: NotificationKind;
  /** Of events, or within the threshold's time. */
  readonly count: number;
  /** The newest; null where there is none to show. */
  readonly event: StoredEvent | null;
  readonly at: Date;
}

/** Where it is told from. */
export interface Place {
  /** Slug of the workspace. */
  readonly workspace: string;
  readonly rule: string;
  readonly threshold: NotificationThreshold | null;
}

export interface Said extends Omit<ChatText, 'link'> {
  /** In the console, without its origin. */
  readonly path: string;
}

export function saidOf({ kind, count, event, at }: Subject, place: Place): Said {
  const said = { at: at.toISOString(), path: pathOf(place, event) };
  if (kind === 'EVENTS') {
    const title = event === null ? place.rule : titleOf(event);
    const more = count > 1 ? ` (and ${count - 1} more)` : '';
    return { ...said, title: `${title}${more}`, text: event === null ? '' : textOf(event) };
  }
  const { threshold, rule } = place;
  const within = threshold === null ? '' : ` within ${durationText(threshold.withinMs)}`;
  const limit = threshold === null ? '' : `${threshold.count} `;
  const asked = kind === 'AT_LEAST' ? `at least ${limit}` : `fewer than ${limit}`;
  const newest = event === null ? [] : [`The newest: ${titleOf(event)}`, textOf(event)];
  const text = [`The rule reports ${asked}matching events${within}.`, ...newest].join('\n');
  return { ...said, title: `${rule}: ${eventsText(count)}${within}`, text };
}

function eventsText(count: number): string {
  return count === 1 ? '1 event' : `${count} events`;
}

const UNITS = [
  [86_400_000, 'day'],
  [3_600_000, 'hour'],
  [60_000, 'minute'],
  [1_000, 'second'],
] as const;

/** In the greatest unit that it is a whole number of. */
export function durationText(ms: number): string {
  const [unitMs, unit] = UNITS.find(([each]) => ms % each === 0 && ms >= each) ?? UNITS[3];
  const count = Math.round(ms / unitMs);
  return count === 1 ? `1 ${unit}` : `${count} ${unit}s`;
}

function pathOf({ workspace, rule }: Place, event: StoredEvent | null): string {
  const of = `/w/${encodeURIComponent(workspace)}`;
  if (event === null) return `${of}/notifications/${encodeURIComponent(rule)}`;
  return `${of}/events?${new URLSearchParams({ event: event.eventId }).toString()}`;
}

/** What a browser is sent: its service worker shows it. */
export function pushText({ title, text, at, path }: Said, tag: string): Buffer {
  const bytesOf = (body: string) =>
    Buffer.from(JSON.stringify({ title, body, at, path, tag }), 'utf8');
  const max = LIMITS.pushPayloadBytesMax;
  // A character is of up to six bytes in JSON.
  for (let bytes = 1_500; ; bytes = Math.floor(bytes / 2)) {
    const payload = bytesOf(truncateBytes(text, Math.max(3, bytes)));
    if (payload.length <= max || bytes < 3) return payload;
  }
}
