/** Server-sent events, as far as the gateway writes them. */

/**
 * The data of each `next` event of a stream.
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export async function* messagesOf(
  response: Response,
  onBytes: () => void = () => {},
): AsyncGenerator<unknown> {
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
      yield* blocks.flatMap(messageOf);
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
