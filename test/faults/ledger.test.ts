/** The ledger sees each way in which a server can be broken. */
import { expect, test } from 'vitest';
import { idOf, Ledger, type StoredEvent } from './ledger.ts';

const ids = [0, 1, 2].map(number => idOf('w', number));
const sound: readonly StoredEvent[] = ids.map((eventId, index) => ({
  eventId,
  position: index + 1,
}));

/** Three events that were sent and acknowledged, and a subscriber that saw these. */
function recorded(seen: readonly StoredEvent[] = sound): Ledger {
  const ledger = new Ledger();
  for (const { eventId, position } of sound) {
    ledger.send(eventId);
    ledger.acknowledge(eventId, { position, status: 'RECORDED' });
  }
  for (const event of seen) ledger.see('s', event);
  return ledger;
}

test('a sound server has no faults', () => {
  expect(recorded().faults(sound, ['s'])).toEqual([]);
});

test.each<[string, readonly StoredEvent[]]>([
  ['lost: 1 (w#2)', sound.slice(0, 2)],
  ['doubled: 1 (w#2)', [...sound, { eventId: ids[2]!, position: 4 }]],
  ['alien: 1 (w#7)', [...sound, { eventId: idOf('w', 7), position: 4 }]],
  ['not dense: 1 (position 5)', [...sound.slice(0, 2), { eventId: ids[2]!, position: 5 }]],
  [
    'out of its writer’s order: 1 (w#1 after 2)',
    [sound[0]!, { eventId: ids[2]!, position: 2 }, { eventId: ids[1]!, position: 3 }],
  ],
  [
    'stored elsewhere than acknowledged: 3 (w#0 at 2, told 1, w#1 at 3, told 2, w#2 at 4, told 3)',
    sound.map(({ eventId, position }) => ({ eventId, position: position + 1 })),
  ],
])('sees %s', (fault, stored) => {
  expect(recorded().faults(stored, [])).toContain(fault);
});

test('sees a ghost: refused and yet stored', () => {
  const ledger = recorded();
  ledger.refuse(ids[1]!);
  expect(ledger.faults(sound, [])).toEqual(['ghost: 1 (w#1)']);
});

test('sees an event that is recorded twice, or at two positions', () => {
  const ledger = recorded();
  ledger.acknowledge(ids[0]!, { position: 1, status: 'DUPLICATE' });
  expect(ledger.faults(sound, [])).toEqual([]);
  ledger.acknowledge(ids[0]!, { position: 1, status: 'RECORDED' });
  ledger.acknowledge(ids[1]!, { position: 9, status: 'DUPLICATE' });
  expect(ledger.faults(sound, [])).toEqual([
    'w#0 was acknowledged, and RECORDED again',
    'w#1 was acknowledged at 2 and at 9',
  ]);
});

test.each<[string, readonly StoredEvent[]]>([
  ['misses one', [sound[0]!, sound[2]!]],
  ['is repeated', [sound[0]!, sound[0]!, sound[1]!, sound[2]!]],
  ['is out of order', [sound[1]!, sound[0]!, sound[2]!]],
  ['ends early', sound.slice(0, 2)],
  ['goes on', [...sound, { eventId: ids[0]!, position: 4 }]],
])('sees a stream that %s', (_what, seen) => {
  expect(recorded(seen).faults(sound, ['s'])).toHaveLength(1);
});
