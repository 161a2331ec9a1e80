/** What people read for rules of notifications. */
import type { Channel, Rule } from './documents.ts';

export const DURATIONS: readonly (readonly [iso: string, title: string])[] = [
  ['PT1M', '1 minute'],
  ['PT5M', '5 minutes'],
  ['PT15M', '15 minutes'],
  ['PT1H', '1 hour'],
  ['PT6H', '6 hours'],
  ['P1D', '1 day'],
  ['P7D', '7 days'],
];

/** As in the list of them: the API gives out seconds alone. What is not there stays as it is. */
export function listedDuration(iso: string): string {
  return DURATIONS.find(([each]) => secondsOf(each) === secondsOf(iso))?.[0] ?? iso;
}

export function durationText(iso: string): string {
  const listed = DURATIONS.find(([each]) => each === listedDuration(iso));
  return listed?.[1] ?? `${secondsOf(iso)} seconds`;
}

function secondsOf(iso: string): number {
  const [, days = '0', hours = '0', minutes = '0', seconds = '0'] =
    /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?)?$/.exec(iso) ?? [];
  return Number(days) * 86_400 + Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds);
}

/** When a rule tells of something. */
export function conditionText({ threshold, filter }: Rule): string {
  const which = filter === null ? 'any event' : JSON.stringify(filter);
  if (threshold === null) return `Each event: ${which}`;
  const { comparison, count, within } = threshold;
  const words = comparison === 'AT_LEAST' ? 'At least' : 'Fewer than';
  return `${words} ${count} within ${durationText(within)}: ${which}`;
}

const CHATS = { SLACK: 'Slack', DISCORD: 'Discord', NTFY: 'ntfy' } as const;

export function channelText(channel: Channel): string {
  switch (channel.__typename) {
    case 'WebPushChannel': {
      const { subscriptionCount: count } = channel;
      return count === 1 ? '1 browser' : `${count} browsers`;
    }
    case 'EmailChannel':
      return channel.to.join(', ');
    case 'WebhookChannel': {
      const { format, url } = channel;
      const chat = format in CHATS ? CHATS[format as keyof typeof CHATS] : format;
      return `${chat} at ${new URL(url).host}`;
    }
  }
}
