import { messagesOf as streamed } from '../client/event-stream.ts';
import { SluiceError } from '../client/index.ts';
import { isEventStream } from '../client/transport.ts';
import type { GatewayConnection } from './gateway-connection.ts';

/** Posts an operation. @throws SluiceError NO_ANSWER where no gateway answers */
export async function post(
  { url, key }: GatewayConnection,
  body: string,
  { accept, signal }: { readonly accept: string; readonly signal?: AbortSignal },
): Promise<Response> {
  const headers = { accept, 'content-type': 'application/json', authorization: `Bearer ${key}` };
  try {
    const init = { method: 'POST', headers, body, ...(signal && { signal }) };
    return await fetch(`${url}/graphql`, init);
  } catch (cause) {
    throw new SluiceError('NO_ANSWER', `No gateway answers at ${url}.`, { cause });
  }
}

/** The data of each `next` event; an answer that is no stream is its one message. */
export async function* messagesOf(
  response: Response,
  onBytes: () => void = () => {},
): AsyncGenerator<unknown> {
  if (isEventStream(response)) yield* streamed(response, onBytes);
  else yield await response.json();
}
