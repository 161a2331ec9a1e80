/**
 * What is shown stands in the address bar: `/w/<workspace>/<page>/<more>?<what the page keeps>`.
 * So every view can be linked to, and the browser's back works.
 */
import { useMemo, useSyncExternalStore } from 'react';

export const PAGES = [
  'events',
  'explore',
  'definitions',
  'consumers',
  'notifications',
  'settings',
  'status',
] as const;
export type Page = (typeof PAGES)[number];

export interface Route {
  /** Null where the address names none: the session then chooses. */
  readonly workspace: string | null;
  readonly page: Page;
  /** What follows the page in the path, such as the name of a definition. */
  readonly rest: readonly string[];
}

const listeners = new Set<() => void>();

function changed(): void {
  for (const listener of [...listeners]) listener();
}
window.addEventListener('popstate', changed);

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function useAddress(): string {
  return useSyncExternalStore(subscribe, () => location.pathname + location.search);
}

export interface NavigateOptions {
  /** Takes the place of the present entry of the history, so that back skips it. */
  readonly replace?: boolean;
}

export function navigate(to: string, { replace = false }: NavigateOptions = {}): void {
  if (to === location.pathname + location.search) return;
  if (replace) history.replaceState(null, '', to);
  else history.pushState(null, '', to);
  changed();
}

export function routeOf(path: string): Route {
  const [, w, workspace, page, ...rest] = path.split('/').map(decoded);
  if (w !== 'w' || !workspace) return { workspace: null, page: 'events', rest: [] };
  return {
    workspace,
    page: PAGES.find(each => each === page) ?? 'events',
    rest: rest.filter(part => part !== '').map(unprotected),
  };
}

/** The address of today for one of before, when the page of events was called Live; else null. */
export function presentAddress(address: string): string | null {
  const present = address.replace(/^(\/w\/[^/?]+)\/live(?=[/?]|$)/, '$1/events');
  return present === address ? null : present;
}

/**
 * A browser takes `.` and `..` in a path for steps, also where they are encoded. So a name of that
 * kind has a tilde before it there.
 */
const protectedPart = (part: string) => (/^~*\.{1,2}$/.test(part) ? `~${part}` : part);
const unprotected = (part: string) => (/^~+\.{1,2}$/.test(part) ? part.slice(1) : part);

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The address of a page. Parts of `rest` may hold any character. */
export function pathTo(
  workspace: string,
  page: Page,
  rest: readonly string[] = [],
  search: Readonly<Record<string, string>> = {},
): string {
  const parts = ['w', workspace, page, ...rest.map(protectedPart)];
  const path = parts.map(encodeURIComponent).join('/');
  const query = new URLSearchParams(search).toString();
  return `/${path}${query && `?${query}`}`;
}

export function useRoute(): Route {
  const [path = '/'] = useAddress().split('?');
  return useMemo(() => routeOf(path), [path]);
}

/** The parameters after the question mark. */
export function useSearch(): URLSearchParams {
  const [, query = ''] = useAddress().split('?');
  return useMemo(() => new URLSearchParams(query), [query]);
}

/** One value for each name, a list for a name that repeats; empty or null takes the name away. */
export type SearchChanges = Readonly<Record<string, string | readonly string[] | null>>;

export function setSearch(changes: SearchChanges, options?: NavigateOptions): void {
  navigate(location.pathname + searchText(changes, location.search), options);
}

/** What follows a path: a question mark and the parameters, or nothing. */
export function searchText(changes: SearchChanges, before = ''): string {
  const search = new URLSearchParams(before);
  for (const [name, value] of Object.entries(changes)) {
    search.delete(name);
    for (const each of typeof value === 'string' ? [value] : (value ?? [])) {
      if (each !== '') search.append(name, each);
    }
  }
  const query = search.toString();
  return query && `?${query}`;
}
