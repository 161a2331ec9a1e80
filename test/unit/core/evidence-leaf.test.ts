import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalJson } from '../../../src/core/canonical-json.ts';
import {
  contentOf,
  hasContent,
  leafOf,
  type EventContent,
} from '../../../src/core/evidence-leaf.ts';
import '../../kit/chance.ts';

const EMPTY: EventContent = {
  notify: false,
  success: null,
  source: null,
  subject: null,
  actor: null,
  description: null,
  icon: null,
  clientIp: null,
  parentId: null,
  groupId: null,
  payload: '{}',
  propertyTypes: null,
  wire: null,
};

test('a leaf is the canonical JSON of its parts', () => {
  const text = fc.string({ unit: 'binary', maxLength: 120 });
  const envelopes = fc.record({
    door: text,
    epoch: text,
    eventId: text,
    expiresAt: fc.option(text),
    occurredAt: text,
    position: fc.maxSafeNat(),
    recordedAt: text,
    type: text,
    workspaceId: fc.nat(),
  });
  fc.assert(
    fc.property(envelopes, fc.uint8Array({ minLength: 32, maxLength: 32 }), (envelope, bytes) => {
      const commitment = Buffer.from(bytes);
      const parts = { version: 1, envelope, commitment: commitment.toString('base64') };
      expect(leafOf(envelope, commitment)).toBe(canonicalJson(parts));
    }),
  );
});

test('content is canonical JSON without what is null, and keeps every digit', () => {
  expect(contentOf(EMPTY)).toBe('{"notify":false,"payload":{}}');
  expect(hasContent(EMPTY)).toBe(false);
  const given = {
    ...EMPTY,
    actor: 'ä',
    success: false,
    payload: '{"z": 12345678901234567890, "a": [1.50, "x"]}',
    wire: '{"b":null,"a":1e2}',
  };
  expect(contentOf(given)).toBe(
    '{"actor":"ä","notify":false,"payload":{"a":[1.5,"x"],"z":12345678901234567890},' +
      '"success":false,"wire":{"a":100,"b":null}}',
  );
  for (const one of [{ notify: true }, { success: true }, { groupId: '' }, { wire: '1' }]) {
    expect(hasContent({ ...EMPTY, ...one })).toBe(true);
  }
});
