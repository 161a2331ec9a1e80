/**
 * Sends requests to receivers, which are strangers: nothing is followed, little is read, and a
 * request ends in its time whatever the other side does. Connections are kept for a while.
 */
import { Agent, request, type ClientRequest, type IncomingMessage } from 'node:http';
import { Agent as TlsAgent, request as requestTls } from 'node:https';
import { LIMITS } from '../core/limits.ts';
import { readRetryAfter, type Sent } from '../core/webhook.ts';
import { ADDRESS_NOT_ALLOWED, type Outbound } from '../security/outbound.ts';

export interface Sending {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

export interface Sender {
  /** Never throws. Null: the signal was aborted before there was an answer. */
  send(sending: Sending): Promise<Sent | null>;
  stop(): void;
}

/** How long a connection is kept that nobody uses: shorter than most servers keep it. */
const IDLE_MS = 4_000;
const RESPONSE_BYTES_MAX = LIMITS.webhookResponseBytesMax;

export interface SenderOptions {
  readonly outbound: Outbound;
  readonly nowMs: () => number;
}

export function createSender({ outbound, nowMs }: SenderOptions): Sender {
  const pool = {
    keepAlive: true,
    timeout: IDLE_MS,
    maxFreeSockets: LIMITS.webhookParallelMax,
    lookup: outbound.lookup,
  };
  const agents = { 'http:': new Agent(pool), 'https:': new TlsAgent(pool) } as const;

  function open(url: URL, { headers, body }: Sending): ClientRequest {
    const isTls = url.protocol === 'https:';
    const options = {
      method: 'POST',
      headers: { ...headers, 'content-length': String(Buffer.byteLength(body)) },
      agent: agents[isTls ? 'https:' : 'http:'],
      maxHeaderSize: 16_384,
    };
    const opened = isTls ? requestTls(url, options) : request(url, options);
    opened.end(body);
    return opened;
  }

  return {
    async send(sending) {
      const url = new URL(sending.url);
      const startedMs = performance.now();
      const at = new Date(nowMs());
      // An address needs no name to be resolved: it is never seen by `lookup`.
      const result = outbound.isAllowedHost(url.hostname)
        ? await exchange(() => open(url, sending), sending)
        : { error: ERRORS[ADDRESS_NOT_ALLOWED] as string };
      if (sending.signal.aborted && result.response === undefined) return null;
      const { response, error } = result;
      return {
        at,
        error,
        status: response?.status ?? null,
        durationMs: Math.round(performance.now() - startedMs),
        response: response?.text ?? null,
        retryAfterMs: readRetryAfter(response?.retryAfter, nowMs()),
      };
    },
    stop: () => {
      for (const agent of Object.values(agents)) agent.destroy();
    },
  };
}

interface Exchanged {
  readonly error: string | null;
  readonly response?: {
    readonly status: number;
    readonly text: string;
    readonly retryAfter?: string;
  };
}

/** Once more where a kept connection turns out to be closed. */
async function exchange(
  open: () => ClientRequest,
  { timeoutMs, signal }: Pick<Sending, 'timeoutMs' | 'signal'>,
): Promise<Exchanged> {
  const over = new AbortController();
  const timer = setTimeout(() => over.abort(), timeoutMs);
  const end = () => over.abort();
  signal.addEventListener('abort', end, { once: true });
  if (signal.aborted) end();
  try {
    for (;;) {
      const { response, code, isStale } = await once(open, over.signal);
      if (response !== undefined) return { response, error: errorOf(response.status) };
      if (over.signal.aborted) return { error: `No answer within ${timeoutMs / 1_000} s.` };
      if (!isStale) return { error: ERRORS[code] ?? `The request failed: ${code}.` };
    }
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', end);
  }
}

interface Once extends Pick<Exchanged, 'response'> {
  readonly code: string;
  /** It failed on a connection that was used before, and may have been closed meanwhile. */
  readonly isStale: boolean;
}

function once(open: () => ClientRequest, over: AbortSignal): Promise<Once> {
  return new Promise(resolve => {
    const opened = open();
    const end = () => opened.destroy();
    over.addEventListener('abort', end, { once: true });
    if (over.aborted) end();
    const done = (result: Once) => {
      over.removeEventListener('abort', end);
      resolve(result);
    };
    opened.on('error', ({ code = 'UNKNOWN' }: NodeJS.ErrnoException) =>
      done({ code, isStale: opened.reusedSocket && code === 'ECONNRESET' }),
    );
    opened.on('response', answer => {
      void read(answer, over).then(text => {
        const { 'retry-after': retryAfter } = answer.headers;
        const status = answer.statusCode ?? 0;
        const response = { status, text, ...(retryAfter !== undefined && { retryAfter }) };
        done({ response, code: '', isStale: false });
      });
    });
  });
}

/** The first bytes of an answer. What follows is not waited for: the connection is closed. */
function read(answer: IncomingMessage, over: AbortSignal): Promise<string> {
  return new Promise(resolve => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const done = () => {
      over.removeEventListener('abort', done);
      if (!answer.complete) answer.destroy();
      resolve(textOf(Buffer.concat(chunks).subarray(0, RESPONSE_BYTES_MAX)));
    };
    over.addEventListener('abort', done, { once: true });
    answer.on('data', (chunk: Buffer) => {
      if (bytes <= RESPONSE_BYTES_MAX) chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > RESPONSE_BYTES_MAX) done();
    });
    for (const event of ['end', 'error', 'aborted', 'close']) answer.on(event, done);
  });
}

/** Whatever the bytes are, as a text that the database takes. */
function textOf(bytes: Buffer): string {
  return bytes.toString('utf8').replaceAll('\0', '\uFFFD');
}

function errorOf(status: number): string | null {
  if (status >= 200 && status < 300) return null;
  const isRedirect = status >= 300 && status < 400;
  return `The receiver answered ${status}${isRedirect ? ': redirects are not followed' : ''}.`;
}

/** Without addresses: what a name leads to is not told to who may not go there. */
const ERRORS: Readonly<Record<string, string>> = {
  [ADDRESS_NOT_ALLOWED]: 'The host leads to a private or reserved address, which is not allowed.',
  ECONNREFUSED: 'The receiver refused the connection.',
  ECONNRESET: 'The receiver cut the connection.',
  ENOTFOUND: 'The name of the host is not known.',
  EHOSTUNREACH: 'The host cannot be reached.',
  ENETUNREACH: 'The network of the host cannot be reached.',
  ETIMEDOUT: 'The host does not answer.',
};
