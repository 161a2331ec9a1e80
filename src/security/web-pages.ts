/**
 * Keeps the web pages of others away from the gateway. A browser sends what any page asks for, also
 * to an address that only its user can reach, and also when the page may not read the answer: so it
 * could use up what its user's address is allowed, or lock it out with wrong keys.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import { isLoopback } from './address.ts';

export interface PageRequest {
  readonly method?: string | undefined;
  readonly headers: IncomingHttpHeaders;
}

/**
 * Whether the page of another origin sends this, and is not among `origins`. Looked at are the
 * requests that a browser sends without asking first: GET, which upgrades are too, and POST of forms
 * and plain text. Whatever else a page sends needs the consent that CORS gives.
 */
export function isForeignPage(request: PageRequest, origins: readonly string[]): boolean {
  const { origin, host, 'sec-fetch-site': site } = request.headers;
  if (origin === undefined && site === undefined) return false;
  if (!isSentUnasked(request)) return false;
  if (origin !== undefined && origins.includes(origin)) return false;
  // The word of a browser, which holds behind proxies that alter Host.
  if (site === 'same-origin' || site === 'none') return false;
  // Without an origin: an image, a frame, a script or a link. Another port of a site is another page.
  return origin === undefined || !isAtHost(origin, host);
}

/** The same of any request that names its origin, whatever it sends: MCP asks for that. */
export function isForeignOrigin(
  { headers: { origin, host } }: PageRequest,
  origins: readonly string[],
): boolean {
  return origin !== undefined && !origins.includes(origin) && !isAtHost(origin, host);
}

/** @see https://fetch.spec.whatwg.org/#cors-safelisted-request-header */
const SAFELISTED =
  /^(?:application\/x-www-form-urlencoded|multipart\/form-data|text\/plain)?\s*(?:;|$)/i;

function isSentUnasked({ method, headers }: PageRequest): boolean {
  if (method === 'GET' || method === 'HEAD') return true;
  return method === 'POST' && SAFELISTED.test(headers['content-type']?.trim() ?? '');
}

/** The scheme is left out: TLS may end at a proxy. */
function isAtHost(origin: string, host: string | undefined): boolean {
  if (!URL.canParse(origin)) return false;
  const { protocol, host: own } = new URL(origin);
  const asked = `${protocol}//${host ?? ''}/`;
  return own !== '' && URL.canParse(asked) && new URL(asked).host === own;
}

/** Of the machine that a container runs on, as Docker and Podman name it; nobody can own them. */
const CONTAINER_HOSTS: readonly string[] = ['host.docker.internal', 'host.containers.internal'];

/**
 * Whether a Host header names this gateway: an address, `localhost`, or one of `names`. An attacker
 * can point a name of its own at any address (DNS rebinding), and a browser then takes the gateway
 * for the attacker's site; it can't make a browser send an address or `localhost` for its name.
 */
export function isOwnHost(host: string, names: readonly string[]): boolean {
  const name = nameOf(host);
  if (isAddress(name) || name === 'localhost' || name.endsWith('.localhost')) return true;
  return CONTAINER_HOSTS.includes(name) || names.includes(name);
}

/** Without its port, in lower case. */
function nameOf(host: string): string {
  const bracketed = /^\[([^\]]*)\](?::\d*)?$/.exec(host)?.[1];
  return bracketed ?? host.replace(/:\d*$/, '').replace(/\.$/, '').toLowerCase();
}

/** What ends in a number is never looked up: 127.1 is an address, too. */
function isAddress(name: string): boolean {
  return isIP(name) !== 0 || /(?:^|\.)(?:\d+|0x[\da-f]*)$/.test(name);
}

export interface ListenSettings {
  readonly host: string;
  readonly trustedProxies: number;
  /** As the operator gave them; empty where none are given. */
  readonly allowedHosts: readonly string[];
}

/**
 * The names that a Host header may have; null for any. Where nothing is set a gateway that listens on
 * loopback alone, and so is called by what runs on its own machine, has no other name than localhost.
 * A proxy of ours before it passes on the name that its clients used.
 */
export function allowedNames({
  host,
  trustedProxies,
  allowedHosts,
}: ListenSettings): readonly string[] | null {
  if (allowedHosts.includes('*')) return null;
  if (allowedHosts.length > 0) return [...allowedHosts, host].map(nameOf);
  return isLoopback(host) && trustedProxies === 0 ? [nameOf(host)] : null;
}
