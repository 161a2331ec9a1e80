/** Bodies of answers. Events are shown in them whatever they are like, and however large all are. */
import type { GatewayError } from '../core/errors.ts';
import type { EventProblem, StoredEvent } from '../core/event.ts';
import { writeExact } from '../core/exact-json.ts';
import type { DoorAnswer } from './door.ts';

export function json(
  status: number,
  body: unknown,
  headers?: Readonly<Record<string, string>>,
): DoorAnswer {
  return { status, ...(headers && { headers }), body: writeExact(body) };
}

/** The first thing that was wrong with an event that was refused. */
export function problemIn({ extensions }: GatewayError): EventProblem | undefined {
  return (extensions['problems'] as readonly EventProblem[] | undefined)?.[0];
}

/** All events of an answer in their order, as many at a time as fit into memory. */
export type EventChunks =
  readonly (readonly StoredEvent[])[] | AsyncIterable<readonly StoredEvent[]>;

/**
 * JSON with a list of events in it. What fits is one text. What does not is written part by part;
 * its first part is read before the answer begins, so that its faults are told.
 */
export async function eventsBody(
  chunks: EventChunks,
  encode: (events: readonly StoredEvent[]) => readonly string[],
  { before, after }: { readonly before: string; readonly after: string },
): Promise<NonNullable<DoorAnswer['body']>> {
  if (isList(chunks)) return `${before}${encode(chunks.flat()).join(',')}${after}`;
  const iterator = chunks[Symbol.asyncIterator]();
  const first = await iterator.next();
  return parts();

  async function* parts() {
    yield before;
    let separator = '';
    for (let next = first; next.done !== true; next = await iterator.next()) {
      const texts = encode(next.value);
      if (texts.length > 0) yield separator + texts.join(',');
      if (texts.length > 0) separator = ',';
    }
    yield after;
  }
}

function isList(chunks: EventChunks): chunks is readonly (readonly StoredEvent[])[] {
  return Array.isArray(chunks);
}

/**
 * Translates an event of which anything may be damaged: what a door noted beside it is left out
 * where it can't be translated, and then its content.
 */
export function shown<T>(event: StoredEvent, encode: (event: StoredEvent) => T): T {
  try {
    return encode(event);
  } catch {
    // Said by what is missing.
  }
  try {
    return encode({ ...event, wire: null });
  } catch {
    return encode({ ...event, wire: null, payload: '{}', propertyTypes: null });
  }
}

/** What is not shown of an event, for people; null for nothing. */
export function unreadableText({ unreadable }: StoredEvent): string | null {
  if (unreadable === undefined) return null;
  return unreadable.map(({ code, message }) => `${code}: ${message}`).join(' ');
}
