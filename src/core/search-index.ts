/**
 * The search index holds terms of events, which are numbers. A term stands for three characters of
 * the text that `search` looks at, for a source, or for a client address. The index has the terms of
 * each block of neighbouring events. A block without one of the searched terms has no match. A block
 * with all of them may have one, and its events are read. So the index does not change answers.
 */
import type { StoredEvent } from './event.ts';
import { searchableText, searchWords, type Searchable } from './filter-search.ts';

/**
 * Events of a block. With fewer, the index is larger, and fewer events are read without a match. Ids
 * of random hexadecimal digits share most terms: a block of 64 of them has nearly all terms.
 */
export const BLOCK_EVENTS = 16;

/** The number of different terms of texts in a workspace. */
const GRAM_BITS = 16;
const SPACE = 0x20;
const FNV_PRIME = 16_777_619;
/** Odd, with its bits spread: the upper bits of a product depend on all bits of a number. */
const MIX = 0x9e37_79b1;
/** More than there are characters in most texts, so that different ones stay different. */
const STEP = 1_021;

/** The block of a position: the first one begins with position 0. */
export function blockOf(position: number): number {
  return Math.floor(position / BLOCK_EVENTS);
}

/** The first position of a block. */
export function firstOf(block: number): number {
  return block * BLOCK_EVENTS;
}

type Indexed = Searchable & Pick<StoredEvent, 'clientIp'>;

/** Adds the terms of an event of this workspace. */
export function addTerms(terms: Set<number>, workspaceId: number, event: Indexed): void {
  addGrams(terms, workspaceId, searchableText(event));
  if (event.source !== null) terms.add(sourceTerm(workspaceId, event.source));
  if (event.clientIp !== null) terms.add(clientIpTerm(workspaceId, event.clientIp));
}

/** The terms of every event that a search can find. Words of less than three characters have none. */
export function searchTerms(workspaceId: number, search: string): number[] {
  const terms = new Set<number>();
  for (const word of searchWords(search)) addGrams(terms, workspaceId, word);
  return [...terms];
}

export function sourceTerm(workspaceId: number, source: string): number {
  return valueTerm(workspaceId, `source ${source}`);
}

/** Of an address in its canonical form. */
export function clientIpTerm(workspaceId: number, clientIp: string): number {
  return valueTerm(workspaceId, `clientIp ${clientIp}`);
}

/** Three characters with white space are in no word, and have no term. The text is case-folded. */
function addGrams(terms: Set<number>, workspaceId: number, text: string): void {
  let [first, second] = [SPACE, SPACE];
  for (let at = 0; at < text.length; at++) {
    const third = text.charCodeAt(at);
    if (first > SPACE && second > SPACE && third > SPACE) {
      const gram = Math.imul(Math.imul(first, STEP) + second, STEP) + third;
      terms.add((workspaceId << GRAM_BITS) | (Math.imul(gram, MIX) >>> (32 - GRAM_BITS)));
    }
    first = second;
    second = third;
  }
}

/** Of a whole value: 32 bits, so that few others share them. */
function valueTerm(workspaceId: number, value: string): number {
  let hash = mixed(MIX, workspaceId);
  for (let at = 0; at < value.length; at++) hash = mixed(hash, value.charCodeAt(at));
  return hash;
}

/** FNV-1a over numbers instead of bytes. */
function mixed(hash: number, value: number): number {
  return Math.imul(hash ^ value, FNV_PRIME);
}
