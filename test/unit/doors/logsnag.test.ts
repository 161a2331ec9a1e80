import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ExactObject } from '../../../src/core/exact-json.ts';
import { decode, encode, projectOf } from '../../../src/doors/logsnag/translate.ts';
import { readCall, type Call } from '../../../src/doors/logsnag/wire.ts';
import { anyJson, anyText, overTheWire } from './arbitraries.ts';
import { stored } from './stored.ts';

const number = fc.oneof(fc.integer(), fc.double({ noNaN: true, min: -9e9, max: 9e9 }));
const value = fc.oneof(anyText, fc.boolean(), number);
const bag = fc.dictionary(
  anyText.filter(key => key !== '__proto__'),
  value,
  { maxKeys: 4 },
);
const title = anyText.filter(each => each.trim() !== '');
const icon = fc.constantFrom('🔥', ':heart:', 'moneybag', '👍🏽', '❤', null, '');
const shared = {
  project: fc.constantFrom('shop', 'My-SaaS'),
  icon,
  extra: anyJson.filter(each => each !== undefined),
};
const optional = <T>(each: fc.Arbitrary<T>) => fc.option(each);

const bodies: Readonly<Record<Call, fc.Arbitrary<object>>> = {
  log: fc.record(
    {
      ...{ ...shared, channel: title, event: title, description: optional(anyText) },
      ...{ user_id: optional(anyText), tags: optional(bag), notify: optional(fc.boolean()) },
      parser: fc.constantFrom('markdown', 'text', null),
      timestamp: optional(
        fc.oneof(fc.integer({ min: 0, max: 4e9 }), fc.double({ min: 0, max: 4e9, noNaN: true })),
      ),
    },
    { requiredKeys: ['project', 'channel', 'event'] },
  ),
  identify: fc.record(
    { ...shared, user_id: title, properties: bag },
    { requiredKeys: ['project', 'user_id', 'properties'] },
  ),
  group: fc.record(
    { ...shared, group_id: title, user_id: optional(title), properties: optional(bag) },
    { requiredKeys: ['project', 'group_id'] },
  ),
  insight: fc.record({ ...shared, title, value }, { requiredKeys: ['project', 'title', 'value'] }),
  increment: fc.record(
    { ...shared, title, value: number.map($inc => ({ $inc })) },
    { requiredKeys: ['project', 'title', 'value'] },
  ),
};

describe('the translation of LogSnag', () => {
  test.each(Object.entries(bodies))('SNAG-T-1 gives every %s back as it came', (call, body) => {
    fc.assert(
      fc.property(body.map(overTheWire), raw => {
        const sent = readCall(call as Call, raw);
        const event = stored(decode(call as Call, sent, raw as ExactObject), 'LOGSNAG');
        expect(encode(event, projectOf(sent))).toEqual(raw);
      }),
      { numRuns: 200 },
    );
  });
});
