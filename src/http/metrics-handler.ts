import { GatewayError } from '../core/errors.ts';
import { requireScope } from '../core/principal.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { AuthenticateCaller } from '../security/rate-limits.ts';
import { answer, answerError } from './answer.ts';
import { HttpCall, keyOf } from './call.ts';
import type { PathHandler } from './router.ts';

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
}: MetricsHandlerOptions): PathHandler {
  return {
    name: 'metrics',
    matches: path => path === '/metrics',
    async handle(req, res) {
      if (req.method !== 'GET' && req.method !== 'HEAD') {
        const error = new GatewayError('METHOD_NOT_ALLOWED', 'Metrics support GET.');
        return answerError(res, error, { allow: 'GET, HEAD' });
      }
      try {
        const call = new HttpCall(req, res, String(res.getHeader('x-request-id')));
        const principal = requireScope(await authenticate(keyOf(call.headers), call), 'METRICS');
        if (principal.workspaceId !== null) {
          throw new GatewayError('FORBIDDEN', 'This needs a key of all workspaces.');
        }
      } catch (error) {
        if (error instanceof GatewayError) return answerError(res, error);
        throw error;
      }
      answer(res, { status: 200, body: await metrics.text(), type: TEXT_FORMAT });
    },
  };
}
