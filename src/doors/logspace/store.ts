/**
 * Storing. Agents know success and failure of a whole batch, and send it again for ever after a
 * failure; so an event that can't be recorded is kept in quarantine, and the batch is accepted.
 */
import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { GatewayError } from '../../core/errors.ts';
import { uuidOf } from '../../core/event-key.ts';
import type { EventInput, EventProblem } from '../../core/event.ts';
import { LIMITS } from '../../core/limits.ts';
import { isStorableJson, TEXT_INVALID } from '../../core/text.ts';
import type { QuarantineItem } from '../../ingest/quarantine.ts';
import type { DoorAnswer, DoorContext, DoorRequest } from '../door.ts';
import { recordEach } from '../record.ts';
import { readJson, readText } from './body.ts';
import { decodeEvent } from './decode.ts';
import { hqError } from './errors.ts';
import { writeJson, type WireJson } from './json.ts';
import { problem } from './problems.ts';

/** @throws GatewayError, nothing of the batch is lost: what was not acknowledged comes again. */
export async function storeEvents(request: DoorRequest, context: DoorContext): Promise<DoorAnswer> {
  const workspace = await context.access(null, 'EVENTS_WRITE');
  const text = readText(request.body);
  const sent = readJson(text);
  if (!Array.isArray(sent)) {
    const message = 'The events come as an array.';
    throw hqError('BAD_USER_INPUT', 'UNPARSABLE_PARAMETER_VALUE', message, { parameter: 'body' });
  }
  if (sent.length > LIMITS.batchEventsMax) {
    const message = `At most ${LIMITS.batchEventsMax} events are taken at once, but got ${sent.length}.`;
    throw new GatewayError('PAYLOAD_TOO_LARGE', message);
  }
  const { events, aside } = await decodeAll(sent, UNSTORABLE_SENT.test(text));
  // What is busy or away fails here first, before quarantine holds what will come again.
  await recordEach(context, workspace, events);
  if (aside.length > 0) await context.keepAside(workspace, aside);
  return { status: 202 };
}

interface Batch {
  readonly events: EventInput[];
  readonly aside: QuarantineItem[];
}

/** Decoding this many takes some 5 ms: the event loop turns in between. */
const DECODED_PER_TURN = 500;

async function decodeAll(sent: readonly WireJson[], isSuspect: boolean): Promise<Batch> {
  const batch: Batch = { events: [], aside: [] };
  for (const [index, value] of sent.entries()) {
    if (index % DECODED_PER_TURN === DECODED_PER_TURN - 1) await nextTurn();
    const { input, problems } = decodeEvent(value);
    if (isSuspect && !isStorableJson(JSON.stringify(input))) {
      const more = problem('TEXT_INVALID', TEXT_INVALID, '');
      // What quarantine must replace stands in `sent` as it was escaped.
      const wire = { ...(input.wire as object | undefined), sent: writeJson(value) };
      batch.aside.push(aside({ ...input, wire }, [...problems, more]));
    } else if (problems.length > 0) batch.aside.push(aside(input, problems));
    else batch.events.push(input);
  }
  return batch;
}

/** An event without an id gets one of its content: what is sent again is kept once. */
function aside(input: EventInput, problems: readonly EventProblem[]): QuarantineItem {
  if (input.id != null) return { input, problems };
  const content = createHash('sha256').update(JSON.stringify(input)).digest('hex');
  return { input, problems, madeId: uuidOf(content) };
}

/** An escape of U+0000 or of half a surrogate pair; also where the backslash itself is escaped. */
const UNSTORABLE_SENT = /\\u(?:0000|[dD][89a-fA-F])/;
