import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalJson, quoted } from '../../../src/core/canonical-json.ts';
import { contentHash } from '../../../src/core/content-hash.ts';

test('canonical JSON is JSON with its keys in order, whatever the value', () => {
  fc.assert(
    fc.property(fc.jsonValue(), value => {
      const text = canonicalJson(value);
      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
      expect(canonicalJson(JSON.parse(text))).toBe(text);
    }),
  );
});

test('keys are sorted by code units, at every depth, and what is undefined is left out', () => {
  const value = { b: [{ z: 1, a: undefined, é: 2, Z: 3 }], a: null, '😀': true, '\ufb33': 1.5e300 };
  expect(canonicalJson(value)).toBe(
    '{"a":null,"b":[{"Z":3,"z":1,"é":2}],"😀":true,"\ufb33":1.5e+300}',
  );
  expect(canonicalJson(new Date(0))).toBe('"1970-01-01T00:00:00.000Z"');
  expect(canonicalJson(undefined)).toBe('null');
});

test('a text is written as JSON writes it, whatever stands in it', () => {
  const unit = fc.constantFrom('a', ' ', '"', '\\', '\n', '\u007f', 'é', '\u2028', '😀', '\ud800');
  fc.assert(
    fc.property(fc.string({ unit }), text => {
      expect(quoted(text)).toBe(JSON.stringify(text));
    }),
  );
});

test('the hash of an event stays what it was: events are stored under it', () => {
  const event = {
    ...{ id: 'not hashed', type: 'order.paid', occurredAt: new Date(0), notify: false },
    ...{
      subject: 'order-7',
      actor: null,
      icon: '👤',
      payload: { b: 'two "quotes"', a: [1, null] },
    },
    properties: [{ name: 'total', type: 'LONG' as const, values: ['1'] }],
  };
  expect(contentHash(event)).toBe('01570516-7f18-bb1f-ecde-a927745abd05');
  expect(contentHash({ ...event, id: 'another' })).toBe('01570516-7f18-bb1f-ecde-a927745abd05');
  expect(contentHash({ ...event, actor: 'somebody' })).not.toBe(
    '01570516-7f18-bb1f-ecde-a927745abd05',
  );
});
