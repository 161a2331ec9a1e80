import { GatewayError } from '../core/errors.ts';
import { requireScope } from '../core/principal.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { AuthenticateCaller } from '../security/rate-limits.ts';
import { answer } from './answer.ts';
import { keyOf } from './call.ts';
import type { HttpHandler } from './handler.ts';

export interface MetricsHandlerOptions {
  readonly metrics: Metrics;
  readonly authenticate: AuthenticateCaller;
}

/** Of Prometheus, version 0.0.4. */
const TEXT_FORMAT = 'text/plain; version=0.0.4';

/** `GET /metrics` in Prometheus' format, for a METRICS or ADMIN key of every workspace. */
export function createMetricsHandler({
  metrics,
  authenticate,
}: MetricsHandlerOptions): HttpHandler {
  return {
    name: 'metrics',
    readOnly: 'Metrics support GET.',
    matches: path => path === '/metrics',
    async handle(call) {
      const principal = requireScope(await authenticate(keyOf(call.headers), call), 'METRICS');
      if (principal.workspaceId !== null) {
        throw new GatewayError('FORBIDDEN', 'This needs a key of all workspaces.');
      }
      answer(call.res, { status: 200, body: await metrics.text(), type: TEXT_FORMAT });
    },
  };
}
