import type { IncomingMessage } from 'node:http';

export interface RequestTarget {
  /** A path without a slash at its end, and its query. */
  readonly url: string;
  /** Of an absolute target: it counts in place of the Host header. */
  readonly authority: string | undefined;
}

/**
 * The target of a request in the one form that routes are found by. The absolute form,
 * `GET http://host/path`, is what clients send to a proxy, and a server must take it. A slash at
 * the end is dropped: clients and their configurations add one without meaning another address.
 * @returns null for an absolute form that is no URL of http.
 * @see https://www.rfc-editor.org/rfc/rfc9112#section-3.2.2
 */
export function readTarget(url: string): RequestTarget | null {
  if (url.startsWith('/') || url === '*') return { url: withoutSlash(url), authority: undefined };
  const [, authority, target = ''] = ABSOLUTE.exec(url) ?? [];
  if (authority === undefined || !URL.canParse(`http://${authority}/`)) return null;
  return { url: withoutSlash(target.startsWith('/') ? target : `/${target}`), authority };
}

/** Puts the target of a request into that form. @returns false where it has none. */
export function normalizeTarget(req: IncomingMessage): boolean {
  const target = readTarget(req.url ?? '/');
  if (target === null) return false;
  req.url = target.url;
  if (target.authority !== undefined) req.headers.host = target.authority;
  return true;
}

/** An authority has no user here: credentials in a URL are not read. */
const ABSOLUTE = /^https?:\/\/([^/?#@]+)([/?][^#]*)?$/i;

function withoutSlash(url: string): string {
  const query = url.indexOf('?');
  let end = query === -1 ? url.length : query;
  if (url[end - 1] !== '/') return url;
  while (end > 1 && url[end - 1] === '/') end -= 1;
  return url.slice(0, end) + (query === -1 ? '' : url.slice(query));
}
