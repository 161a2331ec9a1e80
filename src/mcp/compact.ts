/** Answers in the size of a model's attention: without what says nothing, and within a bound. */

/** Of one answer: some ten thousand tokens. */
export const ANSWER_CHARS_MAX = 40_000;
/** Of a payload in a list. */
const PAYLOAD_CHARS_MAX = 2_000;
const PAYLOAD_CHARS_SHOWN = 500;

export type Members = Readonly<Record<string, unknown>>;

/** Without nulls, and without lists, objects and texts that are empty. */
export function told(members: Members): Members {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => !isNothing(value)));
}

function isNothing(value: unknown): boolean {
  if (value == null || value === '') return true;
  if (typeof value !== 'object') return false;
  return Object.keys(value).length === 0;
}

/** An event in a list. Of a long payload its beginning is shown, as text. */
export function listed({ payload, ...event }: Members): Members {
  const text = JSON.stringify(payload);
  if (text.length <= PAYLOAD_CHARS_MAX) return told({ ...event, payload });
  return told({ ...event, payloadBegins: beginningOf(text, PAYLOAD_CHARS_SHOWN) });
}

/** The same by itself: only a payload that fills the whole answer is cut. */
export function whole({ payload, ...event }: Members): Members {
  const text = JSON.stringify(payload);
  if (text.length <= ANSWER_CHARS_MAX / 2) return told({ ...event, payload });
  return told({ ...event, payloadBegins: beginningOf(text, ANSWER_CHARS_MAX / 2) });
}

export function beginningOf(text: string, chars: number): string {
  return text.length <= chars ? text : `${text.slice(0, chars).toWellFormed()}…`;
}

export interface Page {
  readonly edges: readonly { readonly cursor: string; readonly node: Members }[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
  readonly totalCount?: number | null;
}

/**
 * As many items of a page as fit, under `name`. Where more follow, `nextAfter` is what to ask for
 * next.
 */
export function page(
  name: string,
  { edges, pageInfo, totalCount }: Page,
  show: (node: Members) => Members = told,
  charsMax = ANSWER_CHARS_MAX,
): Members {
  const items: Members[] = [];
  let chars = 0;
  for (const { node } of edges) {
    const item = show(node);
    chars += JSON.stringify(item).length + 1;
    // One at least, or nobody would get on.
    if (chars > charsMax && items.length > 0) break;
    items.push(item);
  }
  const isCut = items.length < edges.length;
  const nextAfter = isCut ? edges[items.length - 1]?.cursor : pageInfo.endCursor;
  const more = isCut || pageInfo.hasNextPage ? { nextAfter } : {};
  return { [name]: items, ...(totalCount == null ? {} : { totalCount }), ...more };
}
