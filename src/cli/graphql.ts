import { text } from 'node:stream/consumers';
import { SluiceError } from '../client/index.ts';
import { batchesOf, isEventStream } from '../client/transport.ts';
import { EXIT, UsageError } from './errors.ts';
import { connectionFrom, type GatewayConnection } from './gateway-connection.ts';
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
    const response = await post(connection, body, 'application/json');
    await print(await response.json(), 2);
    return;
  }
  const response = await post(connection, body, 'text/event-stream');
  if (!isEventStream(response)) return print(await response.json());
  let left = options.take ?? Infinity;
  for await (const messages of batchesOf(response)) {
    for (const message of messages.slice(0, left)) await print(message);
    left -= messages.length;
    if (left <= 0) break;
  }
}

async function print(result: unknown, indent?: number): Promise<void> {
  if (typeof result === 'object' && result !== null && 'errors' in result) {
    process.exitCode = EXIT.FAILED;
  }
  await write(`${printableJson(JSON.stringify(result, null, indent))}\n`);
}

/** Posts an operation. @throws SluiceError NO_ANSWER where no gateway answers */
async function post(
  { url, key }: GatewayConnection,
  body: string,
  accept: string,
): Promise<Response> {
  const headers = { accept, 'content-type': 'application/json', authorization: `Bearer ${key}` };
  try {
    return await fetch(`${url}/graphql`, { method: 'POST', headers, body });
  } catch (cause) {
    throw new SluiceError('NO_ANSWER', `No gateway answers at ${url}.`, { cause });
  }
}
