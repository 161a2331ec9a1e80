/** Sends notifications through their channels. All results have the form of a webhook's. */
import { LIMITS } from '../core/limits.ts';
import type { NotificationChannel } from '../core/notification.ts';
import type { Sent } from '../core/webhook.ts';
import { chatFormats } from '../webhooks/chat.ts';
import type { Sender } from '../webhooks/sender.ts';
import type { SendMail } from './mail.ts';
import type { PushTarget } from './push-crypto.ts';
import type { SendPush } from './push.ts';
import { pushText, type Said } from './said.ts';

/** Where one notification goes. */
export type Address =
  | { readonly kind: 'WEB_PUSH'; readonly target: PushTarget }
  | Exclude<NotificationChannel, { readonly kind: 'WEB_PUSH' }>;

export interface Channels {
  /** The host that places are counted for. */
  hostOf(address: Address): string;
  /** Null: it was given up, or it is not its turn: see `waitMs`. */
  send(address: Address, letter: Letter, signal: AbortSignal): Promise<Sent | null>;
}

export interface Letter {
  readonly said: Said;
  /** Equal for equal notifications, of which a browser shows one. */
  readonly tag: string;
}

export interface ChannelsOptions {
  readonly sender: Pick<Sender, 'send'>;
  readonly push: SendPush;
  readonly mail: SendMail;
  /** Of the console; null where no setting says it. */
  readonly publicUrl: string | null;
}

const MAIL_HOST = 'mail';

export function createChannels({ sender, push, mail, publicUrl }: ChannelsOptions): Channels {
  const linkOf = ({ path }: Said) => (publicUrl === null ? null : `${publicUrl}${path}`);
  return {
    hostOf(address) {
      if (address.kind === 'EMAIL') return MAIL_HOST;
      return new URL(address.kind === 'WEBHOOK' ? address.url : address.target.endpoint).host;
    },
    send(address, { said, tag }, signal) {
      switch (address.kind) {
        case 'WEB_PUSH':
          return push(address.target, pushText(said, tag), signal);
        case 'EMAIL':
          return mail({ to: address.to, said, link: linkOf(said) }, signal);
        case 'WEBHOOK': {
          const { headers, body } = chatFormats[address.format]({ ...said, link: linkOf(said) });
          const timeoutMs = LIMITS.notificationTimeoutSeconds * 1_000;
          const sent = { ...headers, 'user-agent': 'sluice' };
          return sender.send({ url: address.url, headers: sent, body, timeoutMs, signal });
        }
      }
    },
  };
}
