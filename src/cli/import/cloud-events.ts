/** CloudEvents go to the gateway's own door for them, as they are written. */
import { SluiceError, type Receipt, type SluiceErrorCode } from '../../client/index.ts';
import type { SendEvents } from '../../client/recorder.ts';
import type { GatewayConnection } from '../gateway-connection.ts';
import { problem } from './event-fields.ts';
import type { TextRecord } from './lines.ts';
import type { ImportRecord } from './mapping.ts';

const BATCHED = 'application/cloudevents-batch+json';
const TIMEOUT_MS = 60_000;

/** A CloudEvent is known by its source and id: it needs none of ours. */
export function cloudRecord({ line, text, problem: why }: TextRecord): ImportRecord {
  if (why !== undefined) return { line, text, problems: [why] };
  try {
    const { source, id } = JSON.parse(text) as Record<string, unknown>;
    if (typeof source === 'string' && typeof id === 'string') {
      return { line, text, id: `${source} ${id}`, json: text.trim() };
    }
  } catch {
    // Said below.
  }
  const message = 'Expected a CloudEvent: a JSON object with specversion, id, source and type.';
  return { line, text, problems: [problem('NOT_CLOUDEVENT', '', message)] };
}

/** By the door, which answers for all: one that is refused is found by halves. */
export function sendByDoor(connection: GatewayConnection, workspace: string | undefined) {
  const search = workspace === undefined ? '' : `?workspace=${encodeURIComponent(workspace)}`;
  const send: SendEvents = async events => {
    const response = await post(connection, `/cloudevents${search}`, `[${events.join(',')}]`);
    if (response.status === 204) return events.map(stored);
    const { code, detail } = await problemOf(response);
    const retryAfterS = Number(response.headers.get('retry-after') ?? Number.NaN);
    throw new SluiceError(code, detail, {
      errors: [{ message: detail, extensions: { code } }],
      retryAfterMs: Number.isNaN(retryAfterS) ? undefined : retryAfterS * 1_000,
    });
  };
  return send;
}

async function post({ url, key }: GatewayConnection, path: string, body: string) {
  try {
    return await fetch(`${url}${path}`, {
      method: 'POST',
      headers: { 'content-type': BATCHED, authorization: `Bearer ${key}` },
      body,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch (cause) {
    throw new SluiceError('NO_ANSWER', `No gateway answers at ${url}.`, { cause });
  }
}

/** The door says of all that they are stored, not where. */
function stored(): Receipt {
  return { status: 'RECORDED', eventId: '', position: 0, cursor: '', problems: [] };
}

/** The door's own words (RFC 9457), or those of whatever stands before it. */
async function problemOf(response: Response): Promise<{ code: SluiceErrorCode; detail: string }> {
  const text = await response.text().catch(() => '');
  try {
    const said = JSON.parse(text) as { code?: SluiceErrorCode; title?: string };
    if (said.code !== undefined && said.title !== undefined) {
      return { code: said.code, detail: said.title };
    }
  } catch {
    // Not the gateway's.
  }
  return { code: 'BAD_ANSWER', detail: `The gateway answered ${response.status}.` };
}
