/** The events that are recorded: of a usual size, with ids as recorders make them (UUID v4). */
import { randomUUID } from 'node:crypto';

export const TYPES = Array.from({ length: 20 }, (_, n) => `area.${n}`);
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** A tenth of a second to some days: retries, phones that were off, nightly uploads. */
const LATE_MS_MAX = 5 * DAY_MS;

/** Some 330 bytes as JSON. `lateShare` of them happened up to five days before `nowMs`. */
export function anEvent({ nowMs = Date.now(), lateShare = 0, subjects = 1_000 } = {}) {
  const isLate = Math.random() < lateShare;
  const behindMs = Math.random() * (isLate ? LATE_MS_MAX : MINUTE_MS);
  const user = Math.floor(Math.random() * subjects);
  return {
    id: randomUUID(),
    type: TYPES[Math.floor(Math.random() * TYPES.length)],
    occurredAt: new Date(nowMs - behindMs).toISOString(),
    source: 'shop',
    subject: `order-${user}`,
    actor: `user-${user % 97}`,
    payload: { plan: 'pro', seats: user % 12, region: 'eu-west-1', note: 'a note of a usual size' },
  };
}

export function someEvents(count, options) {
  return Array.from({ length: count }, () => anEvent(options));
}

export const RECORD_ONE = `mutation ($event: EventInput!) {
  recordEvent(input: { event: $event }) { receipt { status } } }`;
export const RECORD_ONE_IN = `mutation ($workspace: String!, $event: EventInput!) {
  recordEvent(input: { workspace: $workspace, event: $event }) { receipt { status } } }`;
export const RECORD_MANY = `mutation ($events: [EventInput!]!) {
  recordEvents(input: { events: $events }) { recordedCount } }`;
export const isRecorded = answer => answer.includes('"status":"RECORDED"');
export const areRecorded = count => answer => answer.includes(`"recordedCount":${count}`);
