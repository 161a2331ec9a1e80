/**
 * `search`: each word is found in the type, description, source, subject or actor, or in the
 * payload, where it may stand in a text, a key or the digits of a number at any depth. Case is
 * folded for ASCII letters only, which is what `lower` does under collation "C" on every server.
 */
import type { StoredEvent } from './event.ts';

/** A word holds no white space; a blank search has no words and matches everything. */
export function searchWords(search: string): string[] {
  return foldAscii(search)
    .split(/\s+/)
    .filter(word => word !== '');
}

function foldAscii(text: string): string {
  return text.replaceAll(/[A-Z]+/g, letters => letters.toLowerCase());
}

/** Stands between texts, so that no word is found across two of them. */
export const SEARCH_SEPARATOR = '\n';

/** What `search` looks at. */
export type Searchable = Pick<
  StoredEvent,
  'type' | 'description' | 'source' | 'subject' | 'actor' | 'payload'
>;

/** All of it, folded. */
export function searchableText(event: Searchable): string {
  const { type, description, source, subject, actor } = event;
  const texts = [type, description, source, subject, actor, ...payloadTexts(event.payload)];
  return foldAscii(texts.filter(part => part !== null).join(SEARCH_SEPARATOR));
}

/** Every string (a value or a key) and number of a JSON text. */
function payloadTexts(payload: string): string[] {
  const tokens = payload.match(/"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*/g) ?? [];
  return tokens.map(token => {
    if (!token.startsWith('"')) return token;
    return token.includes('\\') ? (JSON.parse(token) as string) : token.slice(1, -1);
  });
}
