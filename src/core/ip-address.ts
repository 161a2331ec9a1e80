/** IP addresses in one spelling: that of RFC 5952 for IPv6, which Postgres writes as well. */
import { isIP, SocketAddress } from 'node:net';

/**
 * The address in its canonical form, with its zone as it is; any other text unchanged. So equal
 * addresses are equal texts. An IPv4 address that is mapped into IPv6 stays one of IPv6.
 */
export function canonicalIp(text: string): string {
  if (!text.includes(':') || isIP(text) !== 6) return text;
  const [address = '', ...zone] = text.split('%');
  const { address: canonical } = new SocketAddress({ address, family: 'ipv6' });
  return [canonical, ...zone].join('%');
}
