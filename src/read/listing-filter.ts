/** Which events a list by number shows: a filter, and what only doors ask for. */
import { type SQL, sql } from 'drizzle-orm';
import { GatewayError } from '../core/errors.ts';
import { checkFilter } from '../core/filter-check.ts';
import { searchWords } from '../core/filter-search.ts';
import type { EventFilter } from '../core/filter.ts';
import { LIMITS } from '../core/limits.ts';
import { canonicalIp, isStorableText } from '../core/text.ts';
import { countedEvents, notExpired } from '../db/stored-event.ts';
import { filterSql } from './filters.ts';
import { allOf } from './params.ts';

/** All that is given must hold. */
export interface ListingFilter {
  readonly filter?: EventFilter | null | undefined;
  /** Stands in the type, without regard to the case of ASCII letters. */
  readonly typeContains?: string | null | undefined;
  /** Words, each found where `EventFilter.search` looks, in the event id or the client's address. */
  readonly search?: string | null | undefined;
}

/**
 * Over the aliases of `eventSource`. What has expired or was redacted is not listed.
 * @throws GatewayError BAD_USER_INPUT
 */
export function listingSql(
  { filter, typeContains, search }: ListingFilter,
  workspaceId: number,
): SQL {
  checkFilter(filter);
  checkText(typeContains, 'typeContains');
  checkText(search, 'search');
  const conditions = [
    sql`e.workspace_id = ${workspaceId}`,
    notExpired,
    sql`e.redacted_at is null`,
    filterSql(filter, workspaceId),
  ];
  if (typeContains != null) conditions.push(typeContaining(typeContains, workspaceId));
  for (const word of searchWords(search ?? '')) conditions.push(foundIn(word, workspaceId));
  return allOf(conditions);
}

/**
 * What `listingSql` needs to read from where no column of an event's definition is asked for. Only
 * searches look at those; without the join Postgres reads a workspace at once, not type by type,
 * and with several workers.
 */
export function listingSource({ filter, search }: ListingFilter): SQL {
  return search != null || isSearch(filter) ? countedEvents : sql`events e`;
}

function isSearch(filter: EventFilter | null | undefined): boolean {
  if (filter == null) return false;
  const { search, and, or, not } = filter;
  return search != null || isSearch(not) || [...(and ?? []), ...(or ?? [])].some(isSearch);
}

function checkText(text: string | null | undefined, name: string): void {
  if (text == null || (text.length <= LIMITS.searchCharsMax && isStorableText(text))) return;
  const expected = `at most ${LIMITS.searchCharsMax} characters of valid Unicode without U+0000`;
  throw new GatewayError('BAD_USER_INPUT', `${name} expects ${expected}.`);
}

function typeContaining(part: string, workspaceId: number): SQL {
  return sql`e.definition_id = any(array(
    select t.id from event_definitions t
    where t.workspace_id = ${workspaceId}
      and strpos(lower(t.name collate "C"), lower(${part}::text collate "C")) > 0
  ))`;
}

function foundIn(word: string, workspaceId: number): SQL {
  return sql`(${filterSql({ search: word }, workspaceId)}
    or strpos(lower(e.event_id), ${word}) > 0
    or strpos(lower(e.client_ip), ${canonicalIp(word)}) > 0)`;
}
