import { hash } from 'node:crypto';

const CANONICAL_UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** The event id as a UUID, by which it is looked up: itself where it is a canonical one. */
export function eventKey(eventId: string): string {
  if (CANONICAL_UUID.test(eventId)) return eventId;
  return uuidOf(hash('sha256', eventId, 'hex'));
}

/** The first 32 of some hex digits, written as a UUID. */
export function uuidOf(hex: string): string {
  const [a, b, c] = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16)];
  return `${a}-${b}-${c}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`;
}
