/** One request to the gateway, whose every failure is a `SluiceError`. */
import { backoffMs } from '../core/isomorphic.ts';
import { errorOf, SluiceError, type GraphqlError } from './errors.ts';
import { NoJson, writeJson, type WriteOptions } from './json.ts';

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export interface TransportOptions {
  readonly url: string;
  readonly key: string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly fetch?: Fetch | undefined;
  readonly timeoutMs: number;
}

export interface PostOptions {
  readonly signal?: AbortSignal | undefined;
  /** Goes on when the page is left; at most 64 KiB in all. */
  readonly keepalive?: boolean;
}

export interface GraphqlAnswer<Data> {
  readonly data?: Data | null;
  readonly errors?: readonly GraphqlError[];
}

export interface Transport {
  /** The data of an operation that is no subscription. @throws SluiceError, also beside data */
  ask<Data>(body: string, options?: PostOptions): Promise<Data>;
  /** The answer to a subscription: an event stream. @throws SluiceError */
  open(body: string, signal: AbortSignal): Promise<Response>;
}

export function createTransport(options: TransportOptions): Transport {
  const { key, timeoutMs, fetch = globalThis.fetch.bind(globalThis) } = options;
  const url = endpointOf(options.url);

  async function post(body: string, accept: string, init: RequestInit): Promise<Response> {
    const headers = {
      ...options.headers,
      accept,
      'content-type': 'application/json',
      authorization: `Bearer ${key}`,
    };
    try {
      return await fetch(url, { ...init, method: 'POST', headers, body });
    } catch (cause) {
      throw noAnswer(url, cause);
    }
  }

  return {
    async ask<Data>(body: string, { signal, keepalive = false }: PostOptions = {}) {
      const timeout = AbortSignal.timeout(timeoutMs);
      const response = await post(body, 'application/json', {
        signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
        keepalive,
      });
      const { data, errors } = await readJson<Data>(response, url);
      if (errors !== undefined || data == null) {
        throw errorOf(errors ?? [], retryAfterMs(response), data);
      }
      return data;
    },
    async open(body, signal) {
      const response = await post(body, 'text/event-stream', { signal });
      if (isEventStream(response)) return response;
      const { errors } = await readJson(response, url);
      throw errorOf(errors ?? [], retryAfterMs(response));
    },
  };
}

/** Where GraphQL is served. @throws SluiceError BAD_REQUEST where it is no address of HTTP */
export function endpointOf(url: string): string {
  if (/^https?:\/\/[^/]/i.test(url) && URL.canParse(url)) {
    return `${url.replace(/\/+$/, '').replace(/\/graphql$/, '')}/graphql`;
  }
  const advice = `Write the address with http:// or https://, such as http://127.0.0.1:4000; got ${JSON.stringify(url)}.`;
  throw new SluiceError('BAD_REQUEST', advice);
}

export function isEventStream(response: Response): boolean {
  return response.headers.get('content-type')?.startsWith('text/event-stream') === true;
}

async function readJson<Data>(response: Response, url: string): Promise<GraphqlAnswer<Data>> {
  let text: string;
  try {
    text = await response.text();
  } catch (cause) {
    throw noAnswer(url, cause);
  }
  try {
    const answer: unknown = JSON.parse(text);
    if (typeof answer === 'object' && answer !== null) {
      if ('data' in answer || 'errors' in answer) return answer as GraphqlAnswer<Data>;
    }
  } catch {
    // Said below.
  }
  const message =
    `What answers at ${url} with status ${response.status} is not a gateway: is the ` +
    'address right?';
  throw new SluiceError('BAD_ANSWER', message, { retryAfterMs: retryAfterMs(response) });
}

/** The innermost cause says it: `fetch failed` does not. */
function noAnswer(url: string, error: unknown): SluiceError {
  let cause = error;
  while (cause instanceof Error && cause.cause !== undefined) cause = cause.cause;
  const why = cause instanceof Error ? cause.message || cause.name : String(cause);
  return new SluiceError('NO_ANSWER', `No gateway answers at ${url}: ${why}.`, { cause: error });
}

/** In seconds, or an HTTP date. @see https://www.rfc-editor.org/rfc/rfc9110#field.retry-after */
function retryAfterMs({ headers }: Response): number | undefined {
  const value = headers.get('retry-after');
  if (value === null) return undefined;
  const ms = /^\d+$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}

/**
 * The body of a request for an operation.
 *
 * @throws SluiceError BAD_USER_INPUT with the place of a variable that is no JSON
 */
export function operationJson(
  query: string,
  variables: object | undefined,
  { rounded }: Pick<WriteOptions, 'rounded'>,
): string {
  const document = JSON.stringify(query);
  if (variables === undefined) return `{"query":${document}}`;
  try {
    return `{"query":${document},"variables":${writeJson(variables, { rounded })}}`;
  } catch (cause) {
    if (!(cause instanceof NoJson)) throw cause;
    throw new SluiceError('BAD_USER_INPUT', `Variables: ${cause.message}`, { cause });
  }
}

/**
 * The data of the `next` events of a stream, as many at once as have arrived. `onBytes` also hears
 * of pings.
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export async function* batchesOf(
  response: Response,
  onBytes: () => void = () => {},
): AsyncGenerator<readonly unknown[]> {
  const reader = response.body?.getReader();
  if (reader === undefined) return;
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      onBytes();
      const blocks = (rest + decoder.decode(value, { stream: true })).split('\n\n');
      rest = blocks.pop() ?? '';
      const messages = blocks.flatMap(messageOf);
      if (messages.length > 0) yield messages;
    }
  } finally {
    // A reader that has seen enough closes the connection.
    await reader.cancel().catch(() => {});
  }
}

/** None for pings and the end. */
function messageOf(block: string): unknown[] {
  const lines = block.split('\n');
  if (!lines.includes('event: next')) return [];
  const data = lines.filter(line => line.startsWith('data: ')).map(line => line.slice(6));
  return [JSON.parse(data.join('\n'))];
}

/** How long to wait before trying again, after so many retries. */
export function retryDelayMs(retries: number, error?: SluiceError): number {
  return backoffMs(retries, { minMs: 100, maxMs: 10_000, atLeastMs: error?.retryAfterMs });
}
