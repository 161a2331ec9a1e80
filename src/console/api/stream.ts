/**
 * A subscription over server-sent events, read with `fetch`: the key goes in a header, and a reader
 * that is slow makes the gateway wait instead of filling this page's memory.
 * @see https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md#distinct-connections-mode
 */
import { stringifyDocument } from '@urql/core';
import type { TypedDocumentNode } from 'urql';
import { authorization } from './client.ts';
import { offline, problemOfError, type Problem } from './problem.ts';
import { currentKey } from './session.ts';

/** A stream that ended otherwise than by its reader. */
export class StreamError extends Error {
  readonly problem: Problem;
  /** What the gateway said beside it, such as the cursor to resume at. */
  readonly extensions: Readonly<Record<string, unknown>>;

  constructor(problem: Problem, extensions: Readonly<Record<string, unknown>> = {}) {
    super(problem.title);
    this.problem = problem;
    this.extensions = extensions;
  }
}

interface Result<Data> {
  readonly data?: Data | null;
  readonly errors?: readonly { message: string; extensions?: Record<string, unknown> }[];
}

/**
 * Results as they come, as many at once as have arrived. Returns when the gateway completes the
 * stream or `signal` aborts. @throws StreamError
 */
export async function* openStream<Data, Variables>(
  document: TypedDocumentNode<Data, Variables>,
  variables: Variables,
  signal: AbortSignal,
): AsyncGenerator<Data[]> {
  const body = JSON.stringify({ query: stringifyDocument(document), variables });
  try {
    const response = await fetch('/graphql', {
      method: 'POST',
      headers: {
        ...authorization(currentKey() ?? ''),
        'content-type': 'application/json',
        accept: 'text/event-stream',
      },
      credentials: 'omit',
      body,
      signal,
    });
    if (!response.body || !isEventStream(response)) throw await refusal(response);
    const decoder = new EventDecoder<Result<Data>>();
    for await (const text of textOf(response.body)) {
      const results = decoder.push(text);
      if (results.length > 0) yield results.map(dataOf);
    }
  } catch (error) {
    if (signal.aborted) return;
    throw error instanceof StreamError ? error : new StreamError(offline());
  }
}

async function* textOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield decoder.decode(value, { stream: true });
    }
  } finally {
    void reader.cancel().catch(() => undefined);
  }
}

function isEventStream({ headers }: Response): boolean {
  return headers.get('content-type')?.startsWith('text/event-stream') === true;
}

async function refusal(response: Response): Promise<StreamError> {
  const { errors } = (await response.json()) as Result<never>;
  return failure(errors) ?? new StreamError(offline());
}

function dataOf<Data>({ data, errors }: Result<Data>): Data {
  const failed = failure(errors);
  if (failed) throw failed;
  return data as Data;
}

function failure(errors: Result<never>['errors']): StreamError | undefined {
  const [first] = errors ?? [];
  return first && new StreamError(problemOfError(first), first.extensions);
}

/** From pieces of an event stream to the data of its `next` events. */
class EventDecoder<T> {
  #rest = '';

  push(text: string): T[] {
    const blocks = (this.#rest + text).split('\n\n');
    this.#rest = blocks.pop() ?? '';
    return blocks.flatMap(block => {
      const data = block.split('\n').find(line => line.startsWith('data: '));
      return data === undefined || data === 'data: ' ? [] : [JSON.parse(data.slice(6)) as T];
    });
  }
}
