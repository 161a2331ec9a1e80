import { describe, expect, test } from 'vitest';
import { checkDefinitionFilter, checkFilter } from '../../../src/core/filter-check.ts';
import type { EventFilter } from '../../../src/core/filter.ts';
import type { Json } from '../../../src/core/json.ts';
import { LIMITS } from '../../../src/core/limits.ts';

function messageOf(check: () => void): string {
  try {
    check();
  } catch (error) {
    expect(error).toMatchObject({ code: 'BAD_USER_INPUT' });
    return (error as Error).message;
  }
  return 'none';
}
const refusal = (filter: unknown) => messageOf(() => checkFilter(filter as EventFilter));
const ofProperty = (condition: object) => refusal({ payload: [{ path: ['a'], ...condition }] });
const nest = (times: number, inner: unknown, wrap: (inner: unknown) => unknown): unknown =>
  times === 0 ? inner : nest(times - 1, wrap(inner), wrap);

describe('a filter is refused with the path to what is wrong', () => {
  test('when a text can not be stored', () => {
    const expected = 'expects valid Unicode without the character U+0000, but got another text.';
    expect(refusal({ types: ['a', 'b\0'] })).toBe(`filter.types[1] ${expected}`);
    expect(refusal({ and: [{}, { not: { search: '\ud800' } }] })).toBe(
      `filter.and[1].not.search ${expected}`,
    );
    expect(refusal({ typePrefix: '\0' })).toContain('filter.typePrefix ');
    expect(refusal({ sourcePrefix: '\0' })).toContain('filter.sourcePrefix ');
    expect(refusal({ subjectPrefix: '\0' })).toContain('filter.subjectPrefix ');
    expect(refusal({ eventIds: ['\0'] })).toContain('filter.eventIds[0] ');
    expect(refusal({ categories: ['a', '\0'] })).toContain('filter.categories[1] ');
    expect(ofProperty({ equals: { a: ['\0'] } })).toBe(`filter.payload[0].equals.a[0] ${expected}`);
    expect(ofProperty({ equals: { '\0': 1 } })).toContain('filter.payload[0].equals ');
    expect(ofProperty({ contains: '\0' })).toContain('.contains ');
    expect(ofProperty({ startsWith: '\0' })).toContain('.startsWith ');
    expect(refusal({ payload: [{ path: ['\0'], exists: true }] })).toContain('.path[0] ');
  });

  test('when a condition has no path or no operator', () => {
    expect(refusal({ payload: [{ path: [], exists: true }] })).toBe(
      'filter.payload[0].path expects 1 to 32 steps, but got 0.',
    );
    const none = 'filter.payload[0] expects an operator beside path, such as equals, but got none.';
    expect(ofProperty({})).toBe(none);
    expect(ofProperty({ in: null, contains: null, exists: null })).toBe(none);
  });

  test('when values that have no order are compared', () => {
    const message = (came: string) =>
      `filter.payload[0].lessThan expects a number or a text, but got ${came}.`;
    expect(ofProperty({ lessThan: null })).toBe(message('null'));
    expect(ofProperty({ lessThan: [] })).toBe(message('a list'));
    expect(ofProperty({ lessThan: {} })).toBe(message('an object'));
    expect(ofProperty({ lessThan: true })).toBe(message('boolean'));
  });

  test('when a number is not finite, or an instant is outside the years 1 to 9999', () => {
    expect(ofProperty({ equals: Infinity })).toContain(
      'expects a number within the range of a 64-bit float, 5e-324 to 1.8e308, but got Infinity.',
    );
    const years = 'an instant of the years 1 to 9999';
    expect(refusal({ occurredAt: { from: new Date(NaN) } })).toBe(
      `filter.occurredAt.from expects ${years}, but got no instant.`,
    );
    expect(refusal({ recordedAt: { to: new Date(8e15) } })).toContain(
      `${years}, but got the year 255479.`,
    );
  });

  test('when it costs too much', () => {
    const bools = (count: number) => Array.from({ length: count }, () => ({ notify: true }));
    expect(refusal({ or: bools(LIMITS.filterNodesMax - 1) })).toBe('none');
    expect(refusal({ or: bools(LIMITS.filterNodesMax) })).toContain(
      'at most 200 filters and conditions',
    );
    const texts = (count: number) => Array.from({ length: count }, () => 'a');
    expect(refusal({ types: texts(LIMITS.filterValuesMax) })).toBe('none');
    expect(refusal({ types: texts(LIMITS.filterValuesMax), doors: ['IMPORT'] })).toContain(
      'at most 1000 values',
    );
    const not = (inner: unknown) => ({ not: inner });
    expect(refusal(nest(LIMITS.filterDepthMax - 1, {}, not))).toBe('none');
    expect(refusal(nest(LIMITS.filterDepthMax, {}, not))).toContain(
      'at most 10 levels of and, or and not',
    );
    const list = (inner: unknown) => [inner] as Json;
    expect(ofProperty({ equals: nest(LIMITS.payloadDepthMax, 1, list) })).toBe('none');
    expect(ofProperty({ equals: nest(LIMITS.payloadDepthMax + 1, 1, list) })).toContain(
      'JSON of at most 32 levels',
    );
    expect(refusal({ search: 'a'.repeat(257) })).toBe(
      'filter.search expects at most 256 characters, but got 257.',
    );
  });
});

test('a filter may be absent, empty, or match nothing', () => {
  expect(refusal(null)).toBe('none');
  expect(refusal({})).toBe('none');
  expect(refusal({ types: [], occurredAt: { from: new Date(5), to: new Date(1) } })).toBe('none');
  expect(ofProperty({ equals: null, in: [], notEquals: 'a', greaterThan: 1, lessThan: 'b' })).toBe(
    'none',
  );
});

test('a message holds no more than the beginning of a long path', () => {
  expect(ofProperty({ equals: { ['😀'.repeat(500)]: Infinity } }).length).toBeLessThan(300);
});

test('a filter of definitions is checked in the same way', () => {
  const refused = (filter: object) => messageOf(() => checkDefinitionFilter(filter));
  expect(messageOf(() => checkDefinitionFilter(null))).toBe('none');
  expect(refused({ names: ['a'], namePrefix: 'a', search: 'a b', statuses: ['ACTIVE'] })).toBe(
    'none',
  );
  expect(refused({ names: ['\0'] })).toContain('filter.names[0] expects');
  expect(refused({ namePrefix: '\0' })).toContain('filter.namePrefix expects');
  expect(refused({ search: 'a'.repeat(257) })).toContain('filter.search expects');
});
