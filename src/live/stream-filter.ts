import { GatewayError } from '../core/errors.ts';
import { checkFilter } from '../core/filter-check.ts';
import { compileFilter } from '../core/filter-matches.ts';
import { searchWords } from '../core/filter-search.ts';
import type { EventFilter } from '../core/filter.ts';
import { LIMITS } from '../core/limits.ts';
import type { StreamSearch, SubscribeOptions } from './stream.ts';

/** What a filter looks for in the whole text of an event or of a value. */
interface Searched {
  readonly words: readonly string[];
  /** Conditions with `contains`. */
  readonly contains: number;
}

/** Looking for all words of a workspace in a kilobyte of text takes as long as looking at so many events. */
const WORDS_COST = 4;
const CONTAINS_COST = 2;

/**
 * A page that searches for long runs into its time limit in Postgres. A stream looks at each event
 * in this process: what it may look for is bounded, and counted against its workspace's turns.
 * @throws GatewayError BAD_USER_INPUT, as `checkFilter`.
 */
export function compileStreamFilter(
  filter: EventFilter,
): Pick<SubscribeOptions, 'matches' | 'search' | 'types'> {
  checkFilter(filter);
  const { words, contains } = searched(filter);
  checkMost('search words in all', words.length, LIMITS.filterNodesMax);
  const chars = words.reduce((sum, word) => sum + word.length, 0);
  checkMost('characters in search words', chars, LIMITS.streamSearchCharsMax);
  checkMost('conditions with contains', contains, LIMITS.streamContainsMax);
  const costPerKb = (words.length > 0 ? WORDS_COST : 0) + CONTAINS_COST * contains;
  const search: StreamSearch = { words: new Set(words), costPerKb };
  return {
    matches: compileFilter(filter),
    types: filter.types ?? null,
    ...(costPerKb > 0 && { search }),
  };
}

function checkMost(what: string, got: number, most: number): void {
  if (got <= most) return;
  const message = `The filter of a stream expects at most ${most} ${what}, but got ${got}.`;
  throw new GatewayError('BAD_USER_INPUT', message);
}

function searched({ search, payload, and, or, not }: EventFilter): Searched {
  const inner = [...(and ?? []), ...(or ?? []), ...(not == null ? [] : [not])].map(searched);
  const own = (payload ?? []).filter(({ contains }) => contains != null).length;
  return {
    words: [...searchWords(search ?? ''), ...inner.flatMap(({ words }) => words)],
    contains: inner.reduce((sum, { contains }) => sum + contains, own),
  };
}
