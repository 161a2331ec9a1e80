/**
 * Page arithmetic of Relay connections (https://relay.dev/graphql/connections.htm), without any
 * storage: a reader asks for one row more than the page holds, and `toPage` tells from what came
 * how the page ends. Both ends are honest. The end where reading stops is known by that row; at
 * the other end lies a cursor, and the reader probes for one row beyond it. The specification
 * would allow a guess there ("true whenever `after` is given"), which is wrong once the row of
 * the cursor has expired or the filter is another one.
 */
import { GatewayError } from './errors.ts';
import { LIMITS } from './limits.ts';

export interface PageArgs {
  readonly first?: number | null | undefined;
  readonly after?: string | null | undefined;
  readonly last?: number | null | undefined;
  readonly before?: string | null | undefined;
}

/** What a caller has seen of a workspace's log: the answer is not older than that. */
export interface Seen {
  /** A cursor by position: the answer shows the log up to there at least. */
  readonly atLeast?: string | null | undefined;
  /** Something that was read before this is asked. A page after or before a cursor always has. */
  readonly goesOn?: boolean | undefined;
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
}

/** Page arguments that were checked, with the default filled in. */
export interface PageRequest {
  /** Items on the page, at most. */
  readonly size: number;
  /** Counted from the end of the list. */
  readonly backward: boolean;
  readonly after: string | null;
  readonly before: string | null;
}

/**
 * `first: 0` is an empty page, whose ends are still told. With neither `first` nor `last` the
 * page has the default size: right before `before` where only that is given, else from the start.
 * @throws GatewayError BAD_USER_INPUT for `first` with `last`, and for a size that is negative,
 * no whole number or over the bound; CURSOR_INVALID for an empty cursor.
 */
export function checkPageArgs(args: PageArgs): PageRequest {
  const after = args.after ?? null;
  const before = args.before ?? null;
  if (args.first != null && args.last != null) {
    throw new GatewayError('BAD_USER_INPUT', 'A page expects first or last, but got both.');
  }
  checkSize('first', args.first);
  checkSize('last', args.last);
  if (after === '' || before === '') {
    throw new GatewayError(
      'CURSOR_INVALID',
      `${after === '' ? 'after' : 'before'} expects a cursor, but got an empty text. Omit it for the first page.`,
    );
  }
  const neither = args.first == null && args.last == null;
  return {
    size: args.first ?? args.last ?? LIMITS.pageSizeDefault,
    backward: neither ? before !== null && after === null : args.last != null,
    after,
    before,
  };
}

function checkSize(name: 'first' | 'last', size: number | null | undefined): void {
  if (size == null) return;
  if (Number.isInteger(size) && size >= 0 && size <= LIMITS.pageSizeMax) return;
  const expected = `a whole number from 0 to ${LIMITS.pageSizeMax}`;
  throw new GatewayError('BAD_USER_INPUT', `${name} expects ${expected}, but got ${size}.`);
}

/** Whether the list goes on at or beyond the cursors, seen from the page. */
export interface PageEnds {
  /** A row stands at `after` or before it; false where no `after` was given. */
  readonly behindAfter: boolean;
  /** A row stands at `before` or after it; false where no `before` was given. */
  readonly beyondBefore: boolean;
}

/** Trims rows that were fetched in reading order, up to `size + 1`, into a page in list order. */
export function toPage<T>(fetched: readonly T[], request: PageRequest, ends: PageEnds): Page<T> {
  const items = fetched.slice(0, request.size);
  if (request.backward) items.reverse();
  return { items, ...goingOn(fetched.length > request.size, request, ends) };
}

/** The page with as many items as are kept, from where its reading began. */
export function cutPage<P extends Page<unknown>>(page: P, kept: number, backward: boolean): P {
  const { items } = page;
  if (kept >= items.length) return page;
  return backward
    ? { ...page, items: items.slice(items.length - kept), hasPreviousPage: true }
    : { ...page, items: items.slice(0, kept), hasNextPage: true };
}

/** Where a page goes on; `isMore` tells whether there are rows beyond it where reading stopped. */
export function goingOn(
  isMore: boolean,
  { backward }: Pick<PageRequest, 'backward'>,
  { behindAfter, beyondBefore }: PageEnds,
): Pick<Page<unknown>, 'hasNextPage' | 'hasPreviousPage'> {
  return backward
    ? { hasNextPage: beyondBefore, hasPreviousPage: isMore || behindAfter }
    : { hasNextPage: isMore || beyondBefore, hasPreviousPage: behindAfter };
}
