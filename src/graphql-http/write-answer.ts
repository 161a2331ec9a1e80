import { preferredType } from '../http/accept.ts';
import { answer } from '../http/answer.ts';
import { ENCODINGS_READ } from '../http/body.ts';
import type { HttpCall } from '../http/call.ts';
import { presentError, presentResult, type PresentedResult } from '../http/errors.ts';
import type { Log } from '../observability/log.ts';
import { beginsStream, collapsed, httpStatus, retryAfterS } from './http-status.ts';
import type { Result } from './pipeline.ts';
import type { EventStreams } from './sse.ts';
import { isResultSource, once, writeResult, WrittenResult } from './written-result.ts';

/** Writes a result as the caller likes it: as JSON, or as a stream of events. */
export type WriteAnswer = (result: Result, call: HttpCall) => Promise<void>;

export function createWriteAnswer(streams: EventStreams, log: Log): WriteAnswer {
  return async (result, call) => {
    const asker = { requestId: call.requestId, log };
    if (result instanceof WrittenResult) return answerWritten(result, call);
    if (isResultSource(result)) return streams.send(call, result);
    const presented = collapsed(presentResult(result, asker));
    const type = preferredType(call.req.headers.accept);
    if (type === 'text/event-stream' && beginsStream(presented)) {
      return streams.send(call, once(writeResult(presented, asker)));
    }
    const jsonType = type === 'text/event-stream' ? 'application/json' : type;
    const status = httpStatus(presented, type);
    let body: string;
    try {
      body = JSON.stringify(presented);
    } catch (error) {
      body = JSON.stringify({ errors: [presentError(error, asker)] });
    }
    answer(call.res, {
      status,
      type: jsonType,
      body,
      headers: extraHeaders(call, status, presented),
    });
  };
}

/** Data without errors, for a caller who wants it whole. */
function answerWritten({ json }: WrittenResult, { req, res }: HttpCall): void {
  answer(res, { status: 200, type: preferredType(req.headers.accept), body: json });
}

function extraHeaders(
  { req }: HttpCall,
  status: number,
  { errors }: PresentedResult,
): Record<string, string> {
  const seconds = status === 200 ? undefined : retryAfterS(errors);
  return {
    ...(status === 405 && { allow: req.method === 'GET' ? 'POST' : 'GET, POST' }),
    ...(status === 415 && { accept: 'application/json', 'accept-encoding': ENCODINGS_READ }),
    ...(status === 401 && { 'www-authenticate': 'Bearer' }),
    ...(seconds !== undefined && { 'retry-after': `${seconds}` }),
  };
}
