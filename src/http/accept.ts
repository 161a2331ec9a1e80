import { LRUCache } from 'lru-cache';
import Negotiator from 'negotiator';

export type AnswerType =
  'application/json' | 'application/graphql-response+json' | 'text/event-stream';

/** What GraphQL is answered in; the first is sent where a caller likes several equally well. */
const ANSWERS = offers(
  'application/json',
  'application/graphql-response+json',
  'text/event-stream',
);
const PAGES = offers('application/json', 'text/html');

/** Accept headers repeat. */
const PREFERENCES_MAX = 200;
const preferences = new LRUCache<string, AnswerType>({ max: PREFERENCES_MAX });

/**
 * The kind of answer that a caller likes best. `application/json` where it names none that is
 * spoken here: an answer of another kind tells more than 406, and a mutation has been carried out
 * by then.
 * @see https://graphql.github.io/graphql-over-http/draft/#sec-Accept
 */
export function preferredType(accept: string | undefined): AnswerType {
  if (accept === undefined || accept === '*/*') return 'application/json';
  let type = preferences.get(accept);
  if (type === undefined) {
    type = (accepted(accept, ANSWERS)[0] as AnswerType | undefined) ?? 'application/json';
    preferences.set(accept, type);
  }
  return type;
}

/** Whether a stream of events may be sent; no header at all, as curl's, takes everything. */
export function takesEventStream(accept: string | undefined): boolean {
  return accepted(accept, ANSWERS).includes('text/event-stream');
}

/** Whether a browser is asking for a page. */
export function takesHtml(accept: string | undefined): boolean {
  return accepted(accept, PAGES)[0] === 'text/html';
}

/** Whether a compressed answer may be sent. */
export function takesGzip(acceptEncoding: string | undefined): boolean {
  const negotiator = new Negotiator({ headers: { 'accept-encoding': acceptEncoding } });
  return negotiator.encoding(['gzip', 'identity']) === 'gzip';
}

/** The media types of `offered` that are accepted, best first, without their parameters. */
function accepted(accept: string | undefined, offered: readonly string[]): string[] {
  const types = new Negotiator({ headers: { accept } }).mediaTypes([...offered]);
  return types.map(type => type.replace(/;.*$/, ''));
}

/** A range with a charset is held against a type with one. */
function offers(...types: readonly string[]): readonly string[] {
  return types.flatMap(type => [type, `${type};charset=utf-8`]);
}
