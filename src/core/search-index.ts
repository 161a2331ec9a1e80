/**
 * What the index of searches holds of events: terms, which are numbers. A term stands for three
 * characters of what `search` looks at, for a source or for a client address. Events come in blocks
 * of neighbours, and the index has the terms of a block. A block that lacks a term of what is looked
 * for has no such event. One that has them all may have one, and is looked at: so an index that is
 * asked first changes no answer.
 */
import type { StoredEvent } from './event.ts';
import { searchableText, searchWords, type Searchable } from './filter-search.ts';

/**
 * Events of a block. Fewer make the index larger and look at fewer events in vain. An id of random
 * hexadecimal digits has few terms that its neighbours lack: with 64 events a block of those has
 * them all.
 */
export const BLOCK_EVENTS = 16;

/** Terms of texts are so many different ones a workspace. */
const GRAM_BITS = 16;
const SPACE = 0x20;
const FNV_PRIME = 16_777_619;
/** Odd, with bits all over: the upper bits of a product hold all of a number. */
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

/** Those that every event has which a search finds; none of words of less than three characters. */
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

/** What holds white space is in no word, and has no term. The text is folded. */
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

/** As FNV-1a does it, of numbers instead of bytes. */
function mixed(hash: number, value: number): number {
  return Math.imul(hash ^ value, FNV_PRIME);
}
