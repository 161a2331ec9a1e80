/**
 * A subscription over server-sent events, read with `fetch`: the key goes in a header, and a reader
 * that is slow makes the gateway wait instead of filling this page's memory.
 * @see https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md#distinct-connections-mode
 */
import { stringifyDocument } from '@urql/core';
import type { TypedDocumentNode } from 'urql';
import { batchesOf, isEventStream } from '../../client/transport.ts';
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
    if (!isEventStream(response)) throw await refusal(response);
    for await (const batch of batchesOf(response)) yield (batch as Result<Data>[]).map(dataOf);
  } catch (error) {
    if (signal.aborted) return;
    throw error instanceof StreamError ? error : new StreamError(offline());
  }
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
