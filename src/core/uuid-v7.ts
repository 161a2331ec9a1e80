/**
 * A UUID of version 7 (RFC 9562, 5.7): 48 bits of time, so that ids of about one time lie
 * together, then 74 bits at random, taken from a UUID of version 4.
 */
export function uuidV7(unixMs: number, randomUuid: string): string {
  const time = unixMs.toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUuid.slice(15)}`;
}
