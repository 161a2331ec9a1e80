import { preferredType } from '../accept.ts';
import { answer } from '../answer.ts';
import { ENCODINGS_READ } from '../body.ts';
import { HttpCall } from '../call.ts';
import { presentError, presentResult, type PresentedResult, type RawResult } from '../errors.ts';
import type { Log } from '../log.ts';
import { beginsStream, collapsed, httpStatus, retryAfterS } from '../outcome.ts';
import type { EdgePlugin } from '../pipeline.ts';
import { isReadySource, once, Ready, toReady, type ReadySource } from '../ready.ts';
import type { EventStreams } from '../sse.ts';

/**
 * Writes the answer: one JSON result or a stream of events, as the caller likes. It goes straight
 * to the socket, since a stream must feel its reader's pace and end with it; Yoga finds the answer
 * given and adds nothing.
 */
export function useAnswers(write: WriteAnswer): EdgePlugin {
  return {
    onResultProcess({ result, serverContext, setResultProcessor }) {
      const call = serverContext?.call;
      if (!(call instanceof HttpCall)) return;
      setResultProcessor(async (_result, { Response }) => {
        await write(result as RawResult | ReadySource, call);
        return new Response(null, { status: call.res.statusCode });
      }, 'application/json');
    },
  };
}

export type WriteAnswer = (
  result: RawResult | Ready | ReadySource,
  call: HttpCall,
) => Promise<void>;

export function createWriteAnswer(streams: EventStreams, log: Log): WriteAnswer {
  return async (result, call) => {
    const asker = { requestId: call.requestId, log };
    if (result instanceof Ready) return writeReady(result, call);
    if (isReadySource(result)) return streams.send(call, result);
    const presented = collapsed(presentResult(result, asker));
    const type = preferredType(call.req.headers.accept);
    if (type === 'text/event-stream' && beginsStream(presented)) {
      return streams.send(call, once(toReady(presented, asker)));
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
function writeReady({ json }: Ready, { req, res }: HttpCall): void {
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
