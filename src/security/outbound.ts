/**
 * Where the gateway may send a request that a caller asked for. An address is checked when the
 * connection is made, after the name was resolved, because a name may change between two look-ups.
 */
import { lookup as lookUpByHost, type LookupAddress } from 'node:dns';
import { Resolver } from 'node:dns/promises';
import { isIP, type LookupFunction } from 'node:net';
import { promisify } from 'node:util';
import { GatewayError } from '../core/errors.ts';
import { LIMITS } from '../core/limits.ts';
import { isWithinBytes } from '../core/text.ts';
import { allowsOf } from './address-ranges.ts';

/** This host, private networks, documentation, multicast and the rest of https://www.iana.org/assignments/iana-ipv4-special-registry */
const SPECIAL_IPV4 = allowsOf([
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16'],
  ...['172.16.0.0/12', '192.0.0.0/24', '192.0.2.0/24', '192.88.99.0/24', '192.168.0.0/16'],
  ...['198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24', '224.0.0.0/4', '240.0.0.0/4'],
  // The metadata service of Azure, among public addresses.
  '168.63.129.16/32',
]);
/** Only these are assigned to the internet … */
const GLOBAL_IPV6 = allowsOf(['2000::/3']);
/** … except these: protocols (with Teredo), documentation, 6to4. */
const SPECIAL_IPV6 = allowsOf(['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20']);
/** An IPv4 address in an IPv6 one: mapped, and as NAT64 translates it. */
const CARRIES_IPV4 = /^(0:0:0:0:0:ffff|64:ff9b:0:0:0:0):([\da-f]+):([\da-f]+)$/;

/** Whether an address belongs to the internet. If it contains an IPv4 address, that one decides. */
export function isPublicAddress(address: string): boolean {
  const version = isIP(address);
  if (version === 4) return !SPECIAL_IPV4(address);
  // With a zone it is an address of this link.
  if (version === 0 || address.includes('%')) return false;
  const [, , high, low] = CARRIES_IPV4.exec(groupsOf(address)) ?? [];
  if (high === undefined || low === undefined) {
    return GLOBAL_IPV6(address) && !SPECIAL_IPV6(address);
  }
  const bytes = [high, low].flatMap(group => [parseInt(group, 16) >> 8, parseInt(group, 16) & 255]);
  return isPublicAddress(bytes.join('.'));
}

/** An IPv6 address with all of its eight groups, each without leading zeros. */
function groupsOf(address: string): string {
  // A URL has one form for each address.
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => '0');
  return [...before, ...zeros, ...after].join(':');
}

export interface Outbound {
  /**
   * The URL as it is stored, without a fragment.
   * @param name of the field that it came in. @default 'url'
   * @throws GatewayError BAD_USER_INPUT for a text that is not a URL, URL_NOT_ALLOWED
   */
  checkUrl(text: string, name?: string): string;
  /** False if the host of a URL is an address that is not allowed. A name is checked later. */
  isAllowedHost(hostname: string): boolean;
  /** In place of `dns.lookup`: it fails for a name whose addresses are not allowed. */
  readonly lookup: LookupFunction;
}

export const ADDRESS_NOT_ALLOWED = 'ADDRESS_NOT_ALLOWED';

/**
 * @param allowsPrivate whether every address is allowed, and requests without TLS are
 * @param servers of names, in place of those of this host
 */
export function createOutbound(allowsPrivate: boolean, servers?: readonly string[]): Outbound {
  const isAllowed = (address: string) => allowsPrivate || isPublicAddress(address);
  const isAllowedHost = (hostname: string) => {
    const address = hostname.replace(/^\[(.*)\]$/, '$1');
    return isIP(address) === 0 || isAllowed(address);
  };

  async function find(hostname: string): Promise<LookupAddress[]> {
    const found = await addressesOf(hostname, { allowsHostNames: allowsPrivate, servers });
    if (found.every(({ address }) => isAllowed(address))) return found;
    const message = 'The host name resolves to an address that is not allowed.';
    throw Object.assign(new Error(message), { code: ADDRESS_NOT_ALLOWED });
  }

  return {
    checkUrl: (text, name = 'url') => checkUrl(text, name, { allowsPrivate, isAllowedHost }),
    isAllowedHost,
    lookup(hostname, options, callback) {
      find(hostname).then(
        found => {
          const family = Number(String(options.family ?? 0).replace('IPv', ''));
          const fitting = found.filter(each => family === 0 || each.family === family);
          const [first] = fitting;
          if (first === undefined) callback(unknownName(hostname), []);
          else if (options.all === true) callback(null, fitting);
          else callback(null, first.address, first.family);
        },
        (error: NodeJS.ErrnoException) => callback(error, []),
      );
    },
  };
}

interface Allowing extends Pick<Outbound, 'isAllowedHost'> {
  readonly allowsPrivate: boolean;
}

function checkUrl(text: string, name: string, { allowsPrivate, isAllowedHost }: Allowing): string {
  const expected = `${name} expects an absolute URL of at most ${LIMITS.webhookUrlBytesMax} bytes, such as https://receiver.example/events`;
  const isText =
    isWithinBytes(text, LIMITS.webhookUrlBytesMax) && /^[^\s\p{Cc}\p{Cs}]+$/u.test(text);
  if (!isText || !URL.canParse(text)) {
    throw new GatewayError('BAD_USER_INPUT', `${expected}, but got another text.`);
  }
  const url = new URL(text);
  if (!/^https?:$/.test(url.protocol) || (url.protocol === 'http:' && !allowsPrivate)) {
    const message = allowsPrivate
      ? 'The URL expects https or http.'
      : 'The URL expects https. It may be http only with SLUICE_WEBHOOK_PRIVATE_NETWORKS.';
    throw new GatewayError('URL_NOT_ALLOWED', message);
  }
  if (url.username !== '' || url.password !== '') {
    const message = 'The URL has credentials in it. Send them in a header.';
    throw new GatewayError('URL_NOT_ALLOWED', message);
  }
  const isLocal = /(^|\.)localhost\.?$/.test(url.hostname) && !allowsPrivate;
  if (isLocal || !isAllowedHost(url.hostname)) {
    const message =
      'The URL leads to a private or reserved address. SLUICE_WEBHOOK_PRIVATE_NETWORKS allows them.';
    throw new GatewayError('URL_NOT_ALLOWED', message);
  }
  url.hash = '';
  return url.href;
}

interface NameSource {
  readonly allowsHostNames: boolean;
  readonly servers: readonly string[] | undefined;
}

/**
 * Queries DNS from this thread: while a dead name server does not answer, `dns.lookup` would block
 * one of the few threads that also read files. But only `dns.lookup` knows names of this host and its
 * search domains. So if private addresses are allowed, it is called for names that DNS does not know.
 */
async function addressesOf(
  hostname: string,
  { allowsHostNames, servers }: NameSource,
): Promise<LookupAddress[]> {
  const resolver = new Resolver({ timeout: 2_000, tries: 2 });
  if (servers !== undefined) resolver.setServers(servers);
  const families = [4, 6] as const;
  const answers = await Promise.allSettled([
    resolver.resolve4(hostname),
    resolver.resolve6(hostname),
  ]);
  const found = answers.flatMap((answer, at) =>
    answer.status === 'rejected'
      ? []
      : answer.value.map(address => ({ address, family: families[at] as 4 | 6 })),
  );
  if (found.length > 0) return found;
  if (allowsHostNames) return lookUp(hostname, { all: true });
  throw unknownName(hostname);
}

const lookUp = promisify(lookUpByHost);

function unknownName(hostname: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${hostname} is not known`), { code: 'ENOTFOUND' });
}
