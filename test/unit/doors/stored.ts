import type { Door, EventInput, StoredEvent } from '../../../src/core/event.ts';
import { prepareEvent } from '../../../src/core/prepare-event.ts';

const NOW = new Date('2026-03-01T12:00:00.000Z');

/** What an input is read back as, without a database. Throws where it would be refused. */
export function stored(input: EventInput, door: Door): StoredEvent {
  const prepared = prepareEvent(input, { door, now: () => NOW, newId: () => 'made' });
  if (prepared.event === null) throw new Error(JSON.stringify(prepared.problems));
  const { key: _key, hash: _hash, ...event } = prepared.event;
  return {
    ...event,
    wire: JSON.parse(JSON.stringify(event.wire)),
    ...{
      workspaceId: 1,
      position: 1,
      definitionId: 1,
      category: null,
      recordedAt: NOW,
      redactedAt: null,
    },
  };
}
