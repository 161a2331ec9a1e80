import { computeHash, type Event } from '@retracedhq/retraced';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { digestOf } from '../../../src/doors/retraced/hash.ts';
import { decode, encode } from '../../../src/doors/retraced/translate.ts';
import { readEvent } from '../../../src/doors/retraced/wire.ts';
import { anyInstant, anyText } from './arbitraries.ts';
import { stored } from './stored.ts';

const text = fc.oneof(anyText, anyText, fc.constantFrom('a:b', '100%', '=;', 'x'.repeat(300)));
const texts = fc.dictionary(
  anyText.filter(key => key !== '__proto__'),
  text,
  { maxKeys: 4 },
);
const part = fc.record(
  { id: text, name: text, href: text, fields: texts },
  { requiredKeys: ['id'] },
);
const event = fc.record(
  {
    action: text.filter(each => each.trim() !== ''),
    crud: fc.constantFrom('c', 'r', 'u', 'd'),
    is_anonymous: fc.constant(true),
    group: fc.record({ id: text, name: text }, { requiredKeys: ['id'] }),
    ...{ actor: part, target: part, fields: texts, metadata: texts },
    created: fc.oneof(anyInstant, fc.constant('2026-01-02T03:04:05+01:00')),
    source_ip: fc.oneof(fc.ipV4(), fc.ipV6()),
    ...{ description: text, component: text, version: text, external_id: text },
    is_failure: fc.boolean(),
  },
  { requiredKeys: ['action', 'crud', 'is_anonymous'] },
);
const ID = '0197a000-0000-7000-8000-000000000001';

describe('the translation of Retraced', () => {
  test('RT-T-1 gives every event back as it came', () => {
    fc.assert(
      fc.property(event, sent => {
        expect(encode(stored(decode(readEvent(sent), ID), 'RETRACED'))).toEqual(sent);
      }),
      { numRuns: 500 },
    );
  });

  test('RT-T-2 answers the digest that the client reckons', () => {
    fc.assert(
      fc.property(event, sent => {
        const { hashResult } = computeHash(sent as unknown as Event, ID);
        expect(digestOf(readEvent(sent), ID)).toBe(hashResult);
      }),
      { numRuns: 500 },
    );
  });
});
