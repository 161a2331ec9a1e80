import { GatewayError } from '../core/errors.ts';

/** An EventSource, which can send no headers, sends its ticket in the URL. */
export const TICKET_PARAMETER = 'ticket';

/** The ticket of a URL, or null. */
export function ticketOf(url: string): string | null {
  if (!url.includes('ticket=')) return null;
  return readSearch(url).get(TICKET_PARAMETER) ?? null;
}

/** Not URLSearchParams, which puts U+FFFD where an escape is not UTF-8. */
export function readSearch(url: string): Map<string, string> {
  const search = url.includes('?') ? url.slice(url.indexOf('?') + 1) : '';
  const given = new Map<string, string>();
  for (const pair of search.split('&')) {
    if (pair === '') continue;
    const [name = '', ...value] = pair.split('=').map(decode);
    if (given.has(name)) {
      throw new GatewayError('BAD_REQUEST', 'A parameter is given twice in the URL.');
    }
    given.set(name, value.join('='));
  }
  return given;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw new GatewayError('BAD_REQUEST', 'The URL has an escape that is not UTF-8.');
  }
}
