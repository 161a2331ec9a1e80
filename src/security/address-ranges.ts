/** Where a key may be used from: addresses and networks in CIDR notation. */
import { BlockList, isIP } from 'node:net';
import { GatewayError } from '../core/errors.ts';
import { LIMITS } from '../core/limits.ts';

interface Range {
  readonly address: string;
  readonly prefix: number;
  readonly family: 'ipv4' | 'ipv6';
}

/**
 * The ranges as they are kept: lower case, each once, an address alone as a network of one.
 * @throws GatewayError BAD_USER_INPUT
 */
export function checkRanges(given: readonly string[]): string[] {
  const { keyAddressesMax } = LIMITS;
  if (given.length === 0 || given.length > keyAddressesMax) {
    const message = `addresses expects 1 to ${keyAddressesMax} ranges, but got ${given.length}.`;
    throw new GatewayError('BAD_USER_INPUT', message);
  }
  const ranges = given.map(text => {
    const range = readRange(text);
    if (range !== null) return `${range.address}/${range.prefix}`;
    const message = `addresses expects CIDR such as 10.0.0.0/8 or 2001:db8::/32, but got ${JSON.stringify(text.slice(0, 60))}.`;
    throw new GatewayError('BAD_USER_INPUT', message);
  });
  return [...new Set(ranges)];
}

/** Null for what is no range. */
function readRange(text: string): Range | null {
  const [, address = '', bits] = /^([0-9a-f.:]{2,45})(?:\/(\d{1,3}))?$/i.exec(text.trim()) ?? [];
  const version = isIP(address);
  // An IPv4 caller is known by its IPv4 address: such a range would never fit.
  if (version === 0 || /^::ffff:[\d.]+$/i.test(address)) return null;
  const most = version === 4 ? 32 : 128;
  const prefix = bits === undefined ? most : Number(bits);
  if (prefix > most) return null;
  return { address: address.toLowerCase(), prefix, family: version === 4 ? 'ipv4' : 'ipv6' };
}

/** Whether an address lies in the ranges. */
export type Allows = (address: string) => boolean;

/** @param ranges as `checkRanges` gave them; null allows every address */
export function allowsOf(ranges: readonly string[] | null): Allows {
  if (ranges === null) return () => true;
  const list = new BlockList();
  for (const text of ranges) {
    const range = readRange(text);
    if (range !== null) list.addSubnet(range.address, range.prefix, range.family);
  }
  return address => {
    const version = isIP(address);
    return version !== 0 && list.check(address, version === 4 ? 'ipv4' : 'ipv6');
  };
}
