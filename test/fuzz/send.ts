/** Sends an input and judges what comes back. */
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import {
  HEAD_BYTES_MAX,
  type HttpInput,
  type Input,
  type RawInput,
  type WebSocketInput,
} from './requests.ts';

export interface Outcome {
  /** HTTP status, or the code that a socket was closed with; 0: none came. */
  readonly status: number;
  /** What is wrong with it; empty: nothing. */
  readonly faults: readonly string[];
  readonly tookMs: number;
}

/** After it, an answer is waited for no longer. */
const PATIENCE_MS = 30_000;
/** What a stream that is open gets to say something wrong. */
const STREAM_MS = 30;
const INSIDES = /node_modules|PostgresError|SQLSTATE|\/src\/|\bat \S+ \(/;
const OURS = new Set(['INTERNAL_SERVER_ERROR', 'SERVICE_UNAVAILABLE']);

export class Sender implements Disposable {
  readonly #url: URL;
  readonly #agent = new Agent({ keepAlive: true });

  constructor(url: string) {
    this.#url = new URL(url);
  }

  async send(input: Input): Promise<Outcome> {
    const startedMs = performance.now();
    const { status, faults } = await this.#sendAny(input);
    return { status, faults, tookMs: performance.now() - startedMs };
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }

  async #sendAny(input: Input): Promise<Omit<Outcome, 'tookMs'>> {
    if (input.kind === 'websocket') return speak(this.#url, input);
    const answer =
      input.kind === 'raw' ? await sendBytes(this.#url, input) : await this.#sendHttp(input);
    const mayBeCut = input.kind === 'raw' || input.path.length > HEAD_BYTES_MAX;
    const faults = mayBeCut && answer === null ? [] : httpFaults(input, answer);
    return { status: answer?.status ?? 0, faults };
  }

  #sendHttp(input: HttpInput, isSecondTime = false): Promise<Answer | null> {
    return new Promise(resolve => {
      const { method, headers } = input;
      // A client can't send these at all.
      const path = input.path.replace(/[^\x21-\xff]/g, encodeURIComponent);
      const { hostname, port } = this.#url;
      const length = input.body === null ? {} : { 'content-length': input.body.length };
      const asked = request({
        ...{ hostname, port, method, path, agent: this.#agent, timeout: PATIENCE_MS },
        headers: { ...headers, ...length },
      });
      asked.on('timeout', () => asked.destroy());
      asked.on('error', () => {
        // The other end may close what was kept open just as it is used again.
        const isStale = asked.reusedSocket && !isSecondTime;
        resolve(isStale ? this.#sendHttp(input, true) : null);
      });
      asked.on('upgrade', ({ statusCode = 0 }, socket) => {
        socket.destroy();
        resolve({ status: statusCode, type: 'application/json', body: '{"data":null}' });
      });
      asked.on('response', answered => {
        const { statusCode = 0, headers: given } = answered;
        const type = given['content-type'] ?? '';
        let body = '';
        const end = () => resolve({ status: statusCode, type, body });
        answered.setEncoding('utf8').on('data', (chunk: string) => {
          if (body.length < 1_000_000) body += chunk;
        });
        answered.on('close', end);
        if (type.startsWith('text/event-stream')) {
          setTimeout(() => answered.destroy(), STREAM_MS);
        }
      });
      asked.end(input.body ?? undefined);
    });
  }
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

function httpFaults(input: HttpInput | RawInput, answer: Answer | null): string[] {
  if (answer === null || answer.status === 0) return ['no answer'];
  const { status, type, body } = answer;
  const faults: string[] = [];
  if (status >= 500) faults.push(`status ${status}: ${body.slice(0, 300)}`);
  if (status >= 400 && INSIDES.test(body)) faults.push(`tells of the insides: ${body}`);
  if (input.kind !== 'graphql' || input.method === 'HEAD') return faults;
  if (input.path.split('?')[0] !== '/graphql') return faults;
  if (type.startsWith('text/event-stream')) return [...faults, ...eventFaults(body)];
  if (!/json/.test(type)) {
    if (status >= 400)
      faults.push(`status ${status} without a code: ${type} ${body.slice(0, 300)}`);
    return faults;
  }
  return [...faults, ...resultFaults(parsed(body), status)];
}

function eventFaults(body: string): string[] {
  return [...body.matchAll(/^data: ?(.+)$/gm)].flatMap(([, data]) => {
    const result = parsed(data!);
    // The last may be cut where we left.
    return result === undefined ? [] : resultFaults(result, 200);
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function resultFaults(result: unknown, status: number): string[] {
  if (typeof result !== 'object' || result === null) return ['an answer that is no JSON object'];
  const { errors, data } = result as { errors?: unknown; data?: unknown };
  if (errors === undefined) {
    return status >= 400 || data === undefined ? [`status ${status} without errors`] : [];
  }
  return errorFaults(errors);
}

function errorFaults(errors: unknown): string[] {
  if (!Array.isArray(errors) || errors.length === 0) return ['errors that are no list'];
  return (errors as { message?: string; extensions?: { code?: unknown } }[]).flatMap(error => {
    const code = error.extensions?.code;
    if (typeof code !== 'string') return [`an error without a code: ${JSON.stringify(error)}`];
    if (OURS.has(code) || INSIDES.test(error.message ?? '')) return [JSON.stringify(error)];
    return [];
  });
}

/** Null where the other end says nothing before it closes: half a request deserves no answer. */
function sendBytes({ hostname, port }: URL, { bytes }: RawInput): Promise<Answer | null> {
  return new Promise(resolve => {
    const socket = connect(Number(port), hostname);
    let text = '';
    const end = () => {
      const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(text)?.[1] ?? 0);
      resolve(status === 0 ? null : { status, type: '', body: text });
    };
    socket.setEncoding('latin1').setTimeout(PATIENCE_MS, () => socket.destroy());
    socket.on('data', chunk => {
      text += String(chunk);
      if (text.includes('\r\n\r\n')) setTimeout(() => socket.destroy(), 5);
    });
    socket.on('error', () => {});
    socket.on('close', end);
    socket.end(bytes);
  });
}

interface Message {
  readonly type?: unknown;
  readonly id?: unknown;
  readonly payload?: { readonly query?: unknown };
}

const FINE_CLOSES = new Set([1000, 1002, 1003, 1007, 1008, 1009]);

async function speak(url: URL, { messages }: WebSocketInput): Promise<Omit<Outcome, 'tookMs'>> {
  const socket = new WebSocket(`ws://${url.host}/graphql`, 'graphql-transport-ws');
  const faults: string[] = [];
  const waitedFor = new Set<unknown>();
  const state = { closed: 0, received: 0 };
  let wake = () => {};
  socket.on('message', data => {
    state.received += 1;
    faults.push(...messageFaults(parsed(String(data)) as Message, waitedFor));
    wake();
  });
  socket.on('close', code => {
    state.closed = code;
    wake();
  });
  socket.on('error', () => wake());
  const until = async (isTrue: () => boolean) => {
    const endMs = performance.now() + PATIENCE_MS;
    while (!isTrue() && state.closed === 0 && performance.now() < endMs) {
      const woken = new Promise<void>(resolve => (wake = resolve));
      await Promise.race([woken, sleep(1_000)]);
    }
    return isTrue() || state.closed !== 0;
  };
  socket.on('open', () => wake());
  const isOpen = await until(() => socket.readyState === WebSocket.OPEN);
  if (!isOpen) faults.push('the socket does not open');
  const [first, ...others] = messages;
  socket.send(first!);
  const isInit = (parsed(String(first)) as Message | null)?.type === 'connection_init';
  if (isInit) await until(() => state.received > 0);
  let hasStream = !isInit;
  for (const message of others) {
    const { type, id, payload } = (parsed(String(message)) ?? {}) as Message;
    const query = payload?.query;
    // Not as a text: it may be lists within lists, deeper than this process can follow.
    const isStream = typeof query !== 'string' || !/^\s*(query|mutation|\{)/.test(query);
    hasStream ||= isStream;
    if (type === 'subscribe' && !isStream) waitedFor.add(id);
    // What was completed by its asker is not answered.
    if (type === 'complete') waitedFor.delete(id);
    if (socket.readyState === WebSocket.OPEN) socket.send(message);
  }
  if (!(await until(() => waitedFor.size === 0))) faults.push('an operation without an answer');
  if (hasStream && state.closed === 0) await sleep(STREAM_MS);
  const { closed } = state;
  if (closed !== 0 && !FINE_CLOSES.has(closed) && (closed < 4400 || closed >= 4500)) {
    faults.push(`closed with ${closed}`);
  }
  socket.terminate();
  return { status: closed === 0 ? 101 : closed, faults };
}

function messageFaults(message: Message, waitedFor: Set<unknown>): string[] {
  const { type, id, payload } = message;
  if (type === 'next' || type === 'error' || type === 'complete') waitedFor.delete(id);
  if (type === 'error') return errorFaults(payload);
  return type === 'next' ? resultFaults(payload, 200) : [];
}
