import { isIP, SocketAddress } from 'node:net';
import { writeExact } from './exact-json.ts';

/** Postgres' text refuses U+0000, and a lone surrogate would be altered on its way there. */
export function isStorableText(text: string): boolean {
  return !text.includes('\u0000') && text.isWellFormed();
}

/** Length in UTF-8 without encoding where the answer is plain. */
export function isWithinBytes(text: string, bytesMax: number): boolean {
  if (text.length > bytesMax) return false;
  return text.length * 3 <= bytesMax || Buffer.byteLength(text) <= bytesMax;
}

/** What a recorder is told of text that is not storable. */
export const TEXT_INVALID = 'Text must be valid Unicode without the character U+0000.';

/** What Postgres refuses in JSON, as `JSON.stringify` escapes it; a backslash of the text is two. */
const UNSTORABLE = /\\\\|\\u(?:0000|d[89a-f][0-9a-f]{2})/g;

/** Whether `jsonb` takes this text of `JSON.stringify`. */
export function isStorableJson(json: string): boolean {
  for (const [escape] of json.matchAll(UNSTORABLE)) if (escape !== '\\\\') return false;
  return true;
}

/** Of numbers that `numeric` may not hold: far beyond what an event may have. */
const MAY_OVERFLOW = /\d[eE][+-]?\d{4}|[\d.]{10000}/;
const TEXT_OR_NUMBER = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*/g;

/**
 * As JSON text that `jsonb` takes: U+FFFD stands where it takes no character. Numbers keep every
 * digit, those that it does not hold as texts.
 */
export function storableJson(value: unknown): string {
  const written = writeExact(value);
  const json = MAY_OVERFLOW.test(written)
    ? written.replace(TEXT_OR_NUMBER, part =>
        part.startsWith('"') || !MAY_OVERFLOW.test(part) ? part : `"${part}"`,
      )
    : written;
  return json.replace(UNSTORABLE, escape => (escape === '\\\\' ? escape : '\ufffd'));
}

/** IP addresses in one spelling: that of RFC 5952 for IPv6, which Postgres writes as well. */

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

/** As much of a text from its beginning as takes no more bytes of UTF-8. */
export function truncateBytes(text: string, bytesMax: number): string {
  if (isWithinBytes(text, bytesMax)) return text;
  // A character that was cut becomes U+FFFD, of three bytes.
  const cut = Buffer.from(text)
    .subarray(0, bytesMax - 3)
    .toString();
  return cut.replace(/\uFFFD+$/, '');
}
