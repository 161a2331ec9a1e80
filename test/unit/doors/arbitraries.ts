/** What senders of products' analytics send, for properties of translations. */
import fc from 'fast-check';

export const anyText = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
  .filter(each => !each.includes('\0'));
export const anyInstant = fc
  .date({ min: new Date('1990-01-01'), max: new Date('2090-01-01'), noInvalidDate: true })
  .map(date => date.toISOString());
/** That an event can hold: the limits of numbers and texts have tests of their own. */
export const anyJson = fc
  .jsonValue({ maxDepth: 2 })
  .filter(value => !/\\u0000|\\ud[89a-f]|e-3/.test(JSON.stringify(value)));
export const anyBag = fc.dictionary(
  anyText.filter(key => key !== '__proto__'),
  anyJson,
  { maxKeys: 4 },
);
/** Also longer than an index takes, and no text. */
export const anyId = fc.oneof(anyText, anyText, fc.integer(), fc.constant('x'.repeat(300)));

/** As it comes over the wire: -0 is 0 there. */
export function overTheWire<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}
