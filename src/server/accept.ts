export type AnswerType =
  'application/json' | 'application/graphql-response+json' | 'text/event-stream';

const JSON_TYPES = new Set(['application/json', 'application/*', '*/*']);
const STREAM_TYPES = new Set(['text/event-stream', 'text/*', '*/*']);

/** Accept headers repeat: a few hundred spellings are remembered, hostile ones are not kept. */
const PREFERENCES_MAX = 200;
const preferences = new Map<string, AnswerType>();

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
    type = findPreferred(accept);
    if (preferences.size >= PREFERENCES_MAX) preferences.clear();
    preferences.set(accept, type);
  }
  return type;
}

/** Whether a stream of events may be sent; no header at all, as curl's, takes everything. */
export function takesEventStream(accept: string | undefined): boolean {
  return accept === undefined || mediaRanges(accept).some(range => STREAM_TYPES.has(range));
}

/** Whether a browser is asking for a page. */
export function takesHtml(accept: string | undefined): boolean {
  return accept !== undefined && mediaRanges(accept).includes('text/html');
}

function findPreferred(accept: string): AnswerType {
  for (const range of mediaRanges(accept)) {
    if (range === 'application/graphql-response+json' || range === 'text/event-stream') {
      return range;
    }
    if (JSON_TYPES.has(range)) return 'application/json';
  }
  return 'application/json';
}

/** The media ranges of an Accept header, best first; those of weight 0 are refusals. */
function mediaRanges(accept: string): string[] {
  const ranges = accept.toLowerCase().split(',').map(parseRange);
  return ranges
    .filter(range => range.weight > 0)
    .sort((a, b) => b.weight - a.weight)
    .map(range => range.type);
}

function parseRange(text: string): { type: string; weight: number } {
  const [type = '', ...parameters] = text.split(';').map(part => part.trim());
  const charset = parameters.find(parameter => parameter.startsWith('charset='));
  const weight = parameters.find(parameter => parameter.startsWith('q='))?.slice(2);
  const spoken = charset === undefined || /^charset="?utf-?8"?$/.test(charset);
  return { type, weight: spoken ? Number(weight ?? 1) || 0 : 0 };
}
