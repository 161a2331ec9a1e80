import { text } from 'node:stream/consumers';
import { EXIT, UsageError } from './errors.ts';
import { messagesOf, post } from './event-stream.ts';
import { connectionFrom } from './gateway-connection.ts';
import type { ConnectionOptions } from './options.ts';
import { endWithReader, printableJson, write } from './output.ts';

export interface GraphqlOptions extends ConnectionOptions {
  /** JSON. */
  readonly variables?: string;
  readonly take?: number;
}

/**
 * Runs a document from the arguments or standard input and prints what comes: the answer, or,
 * for a subscription, a line for each message. Exit code 1 when the gateway reports errors.
 */
export async function runDocument(document: string | undefined, options: GraphqlOptions) {
  const connection = connectionFrom(options);
  endWithReader();
  const query = document ?? (await text(process.stdin));
  if (query.trim() === '')
    throw new UsageError('Expected a document, as argument or on standard input.');
  const body = `{"query":${JSON.stringify(query)},"variables":${options.variables ?? '{}'}}`;
  if (!/^\s*subscription\b/m.test(query)) {
    const response = await post(connection, body, { accept: 'application/json' });
    await print(await response.json(), 2);
    return;
  }
  const response = await post(connection, body, { accept: 'text/event-stream' });
  const takeMax = options.take ?? Infinity;
  let taken = 0;
  for await (const message of messagesOf(response)) {
    await print(message);
    taken += 1;
    if (taken >= takeMax) break;
  }
}

async function print(result: unknown, indent?: number): Promise<void> {
  if (typeof result === 'object' && result !== null && 'errors' in result) {
    process.exitCode = EXIT.FAILED;
  }
  await write(`${printableJson(JSON.stringify(result, null, indent))}\n`);
}
