import { GatewayError } from '../core/errors.ts';
import { checkFilter } from '../core/filter-check.ts';
import { searchWords } from '../core/filter-search.ts';
import type { EventFilter } from '../core/filter.ts';
import { LIMITS } from '../core/limits.ts';

/**
 * A page that searches for long runs into its time limit in Postgres. A stream looks for each
 * word in each event in this process, where nothing cuts it short: a word counts as a condition.
 * @throws GatewayError BAD_USER_INPUT, as `checkFilter`.
 */
export function checkStreamFilter(filter: EventFilter): void {
  checkFilter(filter);
  const words = wordsOf(filter);
  if (words <= LIMITS.filterNodesMax) return;
  throw new GatewayError(
    'BAD_USER_INPUT',
    `The filter of a stream expects at most ${LIMITS.filterNodesMax} search words in all, but got ${words}.`,
  );
}

function wordsOf({ search, and, or, not }: EventFilter): number {
  const inner = [...(and ?? []), ...(or ?? []), ...(not == null ? [] : [not])];
  return inner.reduce((sum, each) => sum + wordsOf(each), searchWords(search ?? '').length);
}
