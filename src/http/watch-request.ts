import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AnsweredRequest } from '../observability/metrics.ts';
import { endRequestSpan, inRequestSpan } from '../observability/trace.ts';

export interface WatchOptions {
  readonly route: string;
  readonly metrics: { answered(request: AnsweredRequest): void } | undefined;
}

/** Handles a request in a span, and counts it once its answer is sent or its reader is gone. */
export function watchRequest(
  req: IncomingMessage,
  res: ServerResponse,
  { route, metrics }: WatchOptions,
  handle: () => Promise<void>,
): Promise<void> {
  const startedMs = performance.now();
  const method = req.method ?? '';
  const attributes = { 'http.request.method': method, 'http.route': route };
  const about = { name: `${method} ${route}`, headers: req.headers, attributes };
  return inRequestSpan(about, span => {
    res.once('close', () => {
      const ms = performance.now() - startedMs;
      const isStream = String(res.getHeader('content-type')).startsWith('text/event-stream');
      metrics?.answered({ route, status: res.statusCode, ms, isStream });
      endRequestSpan(span, res.statusCode);
    });
    return handle();
  });
}
