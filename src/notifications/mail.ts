/** Sends emails by SMTP: text and HTML, with a link into the console. */
import { createTransport } from 'nodemailer';
import { sleep } from '../core/isomorphic.ts';
import { LIMITS } from '../core/limits.ts';
import type { Sent } from '../core/webhook.ts';
import { isLoopback } from '../security/address.ts';
import type { Said } from './said.ts';

export interface Mail {
  readonly to: readonly string[];
  readonly said: Said;
  readonly link: string | null;
}

/** Never throws. Null: it was given up. */
export type SendMail = (mail: Mail, signal: AbortSignal) => Promise<Sent | null>;

export interface Mailer {
  readonly send: SendMail;
  stop(): void;
}

export interface MailerOptions {
  /** Of the mail server; null: there is none. */
  readonly url: string | null;
  readonly from: string;
  readonly nowMs: () => number;
}

const TIMEOUT_MS = LIMITS.notificationTimeoutSeconds * 1_000;
/** As many as are sent at once: none waits for another within its time. */
const CONNECTIONS_MAX = LIMITS.notificationHostRequestsMax;
const NO_SERVER = 'There is no mail server: SLUICE_SMTP_URL is not set.';

export function createMailer({ url, from, nowMs }: MailerOptions): Mailer {
  const transport =
    url === null
      ? null
      : createTransport({
          url,
          pool: true,
          maxConnections: CONNECTIONS_MAX,
          maxMessages: 100,
          connectionTimeout: TIMEOUT_MS,
          greetingTimeout: TIMEOUT_MS,
          socketTimeout: TIMEOUT_MS,
          dnsTimeout: TIMEOUT_MS,
          ...(needsTls(url) && { requireTLS: true }),
          // Nothing in a message is read from elsewhere.
          disableFileAccess: true,
          disableUrlAccess: true,
        });

  async function attempt(mail: Mail): Promise<Pick<Sent, 'status' | 'error' | 'response'>> {
    if (transport === null) return { status: null, error: NO_SERVER, response: null };
    try {
      const { response } = await transport.sendMail(messageOf(mail, from));
      return { status: statusOf(response), error: null, response };
    } catch (error) {
      const { responseCode = null, response = null } = error as SmtpError;
      return { status: responseCode, error: errorOf(error as SmtpError), response };
    }
  }

  return {
    async send(mail, signal) {
      const at = new Date(nowMs());
      const startedMs = performance.now();
      const over = new AbortController();
      const late = sleep(TIMEOUT_MS, AbortSignal.any([over.signal, signal])).then(() => null);
      const result = await Promise.race([attempt(mail), late]);
      over.abort();
      if (result === null && signal.aborted) return null;
      const { status, error, response } = result ?? {
        status: null,
        response: null,
        error: `The mail server did not accept the mail within ${TIMEOUT_MS / 1_000} s.`,
      };
      const durationMs = Math.round(performance.now() - startedMs);
      return { at, status, error, durationMs, response, retryAfterMs: null };
    },
    stop: () => transport?.close(),
  };
}

/**
 * Whether nothing is sent before the connection is encrypted: a password, over a network. Whoever is
 * on the way can make a server seem to know no TLS. An operator whose server knows none says so in
 * the URL: `?requireTLS=false`.
 */
function needsTls(url: string): boolean {
  const { protocol, username, hostname, searchParams } = new URL(url);
  const isOperators = searchParams.has('requireTLS') || searchParams.has('ignoreTLS');
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  return protocol === 'smtp:' && username !== '' && !isLoopback(host) && !isOperators;
}

interface SmtpError extends Error {
  readonly code?: string;
  readonly responseCode?: number;
  readonly response?: string;
}

function statusOf(response: string): number | null {
  const status = Number(response.slice(0, 3));
  return Number.isInteger(status) ? status : null;
}

/** Without what the server is called, or how one signs in to it. */
function errorOf({ code, responseCode, response }: SmtpError): string {
  if (responseCode !== undefined && code !== 'ETLS') {
    return `The mail server answered ${responseCode}: ${(response ?? '').slice(0, 200).toWellFormed()}`;
  }
  return ERRORS[code ?? ''] ?? `The mail server could not be reached: ${code ?? 'UNKNOWN'}.`;
}

const ERRORS: Readonly<Record<string, string>> = {
  ECONNECTION: 'The mail server cannot be reached.',
  ECONNREFUSED: 'The mail server refused the connection.',
  ESOCKET: 'The mail server cannot be reached, or closed the connection.',
  ETIMEDOUT: 'The mail server does not answer.',
  EDNS: 'The name of the mail server is not known.',
  EAUTH: 'The mail server does not accept the user or the password.',
  ETLS: 'The TLS connection to the mail server failed.',
};

function messageOf({ to, said, link }: Mail, from: string) {
  const { title, text, at } = said;
  // Of one line: a mail's header has no others.
  const subject = title.replaceAll(/[\p{Cc}\s]+/gu, ' ').trim();
  return {
    from,
    to: [...to],
    subject,
    text: [text, '', `At ${at}`, ...(link === null ? [] : [link])].join('\n'),
    html: htmlOf({ title: subject, text, at, link }),
    headers: { 'auto-submitted': 'auto-generated' },
  };
}

interface Shown {
  readonly title: string;
  readonly text: string;
  readonly at: string;
  readonly link: string | null;
}

function htmlOf({ title, text, at, link }: Shown): string {
  const lines = escaped(text).replaceAll('\n', '<br>');
  const more =
    link === null
      ? ''
      : `<p style="margin:16px 0 0"><a href="${escaped(link)}">Open it in the console</a></p>`;
  return (
    '<!doctype html><html><body style="margin:0;padding:24px;font:15px/1.5 system-ui,sans-serif">' +
    `<h1 style="margin:0 0 8px;font-size:18px">${escaped(title)}</h1>` +
    `<p style="margin:0 0 8px">${lines}</p>` +
    `<p style="margin:0;color:#666;font-size:13px">${escaped(at)}</p>${more}</body></html>`
  );
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
};

function escaped(text: string): string {
  return text.replaceAll(/[&<>"]/g, character => ENTITIES[character] as string);
}
