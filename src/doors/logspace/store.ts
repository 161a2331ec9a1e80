/**
 * Stores batches. Agents only know success or failure of a whole batch, and send a failed one again
 * for ever. So an event that cannot be recorded goes to quarantine, and the batch is accepted.
 */
import { hash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { GatewayError } from '../../core/errors.ts';
import { uuidOf } from '../../core/event-key.ts';
import type { EventInput, EventProblem } from '../../core/event.ts';
import { LIMITS } from '../../core/limits.ts';
import { isStorableJson, TEXT_INVALID } from '../../core/text.ts';
import type { QuarantineItem } from '../../record/quarantine.ts';
import type { DoorAnswer, DoorContext, DoorRequest } from '../door.ts';
import { recordEach } from '../record.ts';
import { asRefusal, readText } from './body.ts';
import { decodeEvent } from './decode.ts';
import { hqError } from './errors.ts';
import { END, JsonReader } from './json-reader.ts';
import { parseJson, writeJson } from './json.ts';
import { problem } from './wire.ts';

/** @throws GatewayError. Nothing of the batch is lost: the agent sends it again. */
export async function storeEvents(request: DoorRequest, context: DoorContext): Promise<DoorAnswer> {
  const workspace = await context.access(null, 'EVENTS_WRITE');
  const { events, aside } = await decodeBatch(readText(request.body));
  // If something is busy or away, it fails here, before anything of the batch is in quarantine.
  await recordEach(context, workspace, events);
  if (aside.length > 0) await context.keepAside(workspace, aside);
  return { status: 202 };
}

interface Batch {
  readonly events: EventInput[];
  readonly aside: QuarantineItem[];
}

/** Reading this many takes some 5 ms: the event loop turns in between. */
const DECODED_PER_TURN = 500;

/** @throws GatewayError BAD_USER_INPUT, PAYLOAD_TOO_LARGE */
async function decodeBatch(text: string): Promise<Batch> {
  const batch: Batch = { events: [], aside: [] };
  const isSuspect = UNSTORABLE_SENT.test(text);
  const reader = new JsonReader(text);
  try {
    if (!reader.is(END.array)) throw notAnArray(reader);
    reader.open(0);
    let count = 0;
    for (; reader.follows(END.array, count === 0); count++) {
      if (count % DECODED_PER_TURN === DECODED_PER_TURN - 1) await nextTurn();
      if (count < LIMITS.batchEventsMax) take(reader, isSuspect, batch);
      else reader.value(1);
    }
    reader.end();
    if (count > LIMITS.batchEventsMax) throw tooMany(count);
  } catch (error) {
    throw asRefusal(error, text);
  }
  return batch;
}

function take(reader: JsonReader, isSuspect: boolean, { events, aside }: Batch): void {
  const { start } = reader;
  const { input, problems } = decodeEvent(reader);
  if (isSuspect && !isStorableJson(JSON.stringify(input))) {
    const more = problem('TEXT_INVALID', TEXT_INVALID, '');
    // Characters that quarantine must replace are kept in `sent`, escaped.
    const sent = writeJson(parseJson(reader.textFrom(start)));
    const wire = { ...(input.wire as object | undefined), sent };
    aside.push(asideOf({ ...input, wire }, [...problems, more]));
  } else if (problems.length > 0) aside.push(asideOf(input, problems));
  else events.push(input);
}

function notAnArray(reader: JsonReader): GatewayError {
  reader.value(0);
  reader.end();
  const message = 'Expected an array of events.';
  return hqError('BAD_USER_INPUT', 'UNPARSABLE_PARAMETER_VALUE', message, { parameter: 'body' });
}

function tooMany(count: number): GatewayError {
  const message = `At most ${LIMITS.batchEventsMax} events are accepted at once, but got ${count}.`;
  return new GatewayError('PAYLOAD_TOO_LARGE', message);
}

/** An event without an id gets one made from its content, so that a repeated one is kept once. */
function asideOf(input: EventInput, problems: readonly EventProblem[]): QuarantineItem {
  if (input.id != null) return { input, problems };
  const content = hash('sha256', JSON.stringify(input), 'hex');
  return { input, problems, madeId: uuidOf(content) };
}

/** An escape of U+0000 or of half a surrogate pair; also where the backslash itself is escaped. */
const UNSTORABLE_SENT = /\\u(?:0000|[dD][89a-fA-F])/;
