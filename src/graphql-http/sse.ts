import { setTimeout as sleep } from 'node:timers/promises';
import { GatewayError } from '../core/errors.ts';
import type { HttpCall } from '../http/call.ts';
import type { Log } from '../observability/log.ts';
import type { PipelineOptions } from './pipeline.ts';
import { ResultStream } from './result-stream.ts';
import type { StreamTurns, Unsent } from './stream-fairness.ts';
import { writeResult, type ResultSource, type WrittenResult } from './written-result.ts';

/**
 * Results as server-sent events, each stream on a connection of its own.
 *
 * A stream asks its source for more only once the last results have left for the reader, so a slow
 * reader costs a few results of memory. A reader that takes nothing for `stalledReaderMs` is cut. A
 * ping tells proxies that the connection lives; TCP's keep-alive finds readers whose cable was
 * pulled. When the reader is gone, the signal of the call wakes the source, which then returns.
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html
 * @see https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md#distinct-connections-mode
 */
export interface EventStreams {
  /** Resolves when the stream has ended, from whichever side. */
  send(call: HttpCall, results: ResultSource): Promise<void>;
  /** Gives open streams a time to end by themselves, then ends them with GOING_AWAY. */
  stop(patienceMs: number): Promise<void>;
}

type StreamOptions = Pick<PipelineOptions, 'log' | 'settings'> & {
  readonly turns: StreamTurns;
  readonly unsent: Unsent;
};

const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  // Asks nginx and its kin not to wait for more before they pass on what came.
  'x-accel-buffering': 'no',
} as const;

/** Within 20 s of silence the kernel knows that the peer is gone: 10 s, then ten probes. */
const KEEP_ALIVE_PROBE_MS = 10_000;
const COMMENT = ':\n\n';
const COMPLETE = 'event: complete\ndata:\n\n';

export function createEventStreams(options: StreamOptions): EventStreams {
  const open = new Map<ResultStream, Promise<void>>();
  return {
    async send(call, results) {
      const stream = new ResultStream(results, () => call.abort(), options.log);
      const ended = sendStream(call, stream, options);
      open.set(stream, ended);
      try {
        await ended;
      } finally {
        open.delete(stream);
      }
    },
    async stop(patienceMs) {
      const ended = Promise.allSettled(open.values());
      await Promise.race([ended, sleep(patienceMs, undefined, { ref: false })]);
      for (const stream of open.keys()) {
        stream.fail(new GatewayError('GOING_AWAY', 'The gateway is stopping.'));
      }
      await Promise.allSettled(open.values());
    },
  };
}

async function sendStream(
  call: HttpCall,
  stream: ResultStream,
  options: StreamOptions,
): Promise<void> {
  const { res, req } = call;
  // What is sent from now on is nobody's answer to wait for.
  call.work?.end();
  if (res.destroyed) return stream.end();
  res.once('close', () => stream.end());
  req.socket.setNoDelay(true);
  req.socket.setKeepAlive(true, KEEP_ALIVE_PROBE_MS);
  res.writeHead(200, HEADERS);
  // Some browsers tell nobody of the headers before the first bytes.
  res.write(COMMENT);
  const ping = setInterval(() => {
    if (!res.writableNeedDrain) res.write(COMMENT);
  }, options.settings.ssePingMs);
  try {
    await pump(call, stream, options);
  } catch (error) {
    const asker = { requestId: call.requestId, log: options.log };
    write(call, [writeResult({ errors: [error] }, asker)]);
  } finally {
    clearInterval(ping);
    stream.end();
    if (!res.destroyed) res.end(COMPLETE);
  }
}

async function pump(call: HttpCall, stream: ResultStream, options: StreamOptions): Promise<void> {
  for (;;) {
    await options.turns.turn();
    const batch = await stream.nextBatch();
    if (batch.length === 0) return;
    if (call.onStreamOpened !== undefined) await noteOpened(call, batch, options.log);
    if (!write(call, batch)) await drained(call, options);
  }
}

/**
 * With the first cursor that leaves, the stream may be resumed by its ticket. Where that can't be
 * noted the stream goes on all the same: who is cut then needs a new ticket.
 */
async function noteOpened(
  call: HttpCall,
  batch: readonly WrittenResult[],
  log: Log,
): Promise<void> {
  const cursor = batch.find(({ eventId }) => eventId !== undefined)?.eventId;
  if (cursor === undefined) return;
  const { onStreamOpened } = call;
  call.onStreamOpened = undefined;
  await onStreamOpened?.(cursor).catch((err: unknown) => {
    log.warn({ requestId: call.requestId, err }, 'the ticket of a stream was not noted');
  });
}

/** False when the reader is behind. */
function write({ res }: HttpCall, batch: readonly WrittenResult[]): boolean {
  if (res.destroyed) return true;
  if (batch.length > 1) res.cork();
  for (const { event } of batch) res.write(event);
  if (batch.length > 1) res.uncork();
  return !res.writableNeedDrain;
}

/** Resolves when the reader has caught up, or is gone; it is cut where what waits finds no room. */
function drained(
  { res, req, tenant }: HttpCall,
  { settings, unsent }: StreamOptions,
): Promise<void> {
  // Node counts the progress of one large write as activity, and destroys the socket without any.
  req.socket.setTimeout(settings.stalledReaderMs);
  return new Promise(resolve => {
    function done(): void {
      unsent.forget(req.socket);
      req.socket.setTimeout(0);
      res.off('drain', done).off('close', done);
      resolve();
    }
    res.once('drain', done).once('close', done);
    if (!unsent.note(req.socket, tenant, res.writableLength)) req.socket.destroy();
  });
}
