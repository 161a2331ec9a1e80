import { isIP, isIPv4 } from 'node:net';

/** Whence a request came, as its connection and its headers say. */
export interface Origin {
  /** The peer of the connection; undefined when it is gone. */
  readonly remoteAddress: string | undefined;
  readonly headers: { get(name: string): string | null };
}

/**
 * The address that a caller is known by in rates. An IPv6 caller has at least 2^64 addresses, and
 * is known by its network.
 */
export function addressOf(origin: Origin, proxies: number): string {
  return networkOf(clientAddress(origin, proxies));
}

/**
 * The address of a caller; empty where its connection is gone. `X-Forwarded-For` can be written by
 * anybody, so it is read only as far as proxies of ours have written it: with one proxy its last
 * entry is the caller, with two the last but one. An IPv4 address in IPv6 form is an IPv4 address.
 */
export function clientAddress({ remoteAddress = '', headers }: Origin, proxies: number): string {
  const forwarded = proxies === 0 ? null : headers.get('x-forwarded-for');
  const hops = [...(forwarded?.split(',') ?? []).map(hop => bare(hop)), remoteAddress];
  const claimed = hops.at(-1 - proxies) ?? hops[0] ?? '';
  const address = isIP(claimed) === 0 ? remoteAddress : claimed;
  const mapped = /^::ffff:([\d.]+)$/i.exec(address)?.[1];
  return mapped !== undefined && isIPv4(mapped) ? mapped : address;
}

/**
 * The scheme that a caller used. The gateway itself speaks none but http, and X-Forwarded-Proto can be
 * written by anybody: it is read as far as `addressOf` reads X-Forwarded-For.
 */
export function schemeOf({ headers }: Pick<Origin, 'headers'>, proxies: number): 'http' | 'https' {
  const hops = proxies === 0 ? [] : (headers.get('x-forwarded-proto')?.split(',') ?? []);
  const claimed = hops.at(-proxies) ?? hops[0] ?? '';
  return claimed.trim().toLowerCase() === 'https' ? 'https' : 'http';
}

/** Some proxies write a port behind the address. */
function bare(hop: string): string {
  const text = hop.trim();
  const bracketed = /^\[([^\]]*)\](:\d+)?$/.exec(text);
  return bracketed?.[1] ?? text.replace(/^([\d.]+):\d+$/, '$1');
}

function networkOf(address: string): string {
  if (isIP(address) !== 6) return address;
  const [head = '', tail] = address.replace(/%.*$/, '').split('::');
  const groups = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = Array.from({ length: Math.max(0, 8 - groups.length - after.length) }, () => '0');
  const network = [...groups, ...(tail === undefined ? [] : zeros), ...after].slice(0, 4);
  return `${network.map(group => parseInt(group, 16).toString(16)).join(':')}::/64`;
}

/** Whether a host, without brackets, is this machine by itself. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^(?:::ffff:)?127\./i.test(host);
}
