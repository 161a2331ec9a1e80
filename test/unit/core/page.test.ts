import { describe, expect, test } from 'vitest';
import { checkPageArgs, toPage } from '../../../src/core/page.ts';

const refusal = (args: object) => {
  try {
    checkPageArgs(args);
  } catch (error) {
    return error as Error & { code: string };
  }
  throw new Error('expected a refusal');
};

describe('page arguments', () => {
  test('have 50 items from the start by default, and right before a lone `before`', () => {
    expect(checkPageArgs({})).toEqual({ size: 50, backward: false, after: null, before: null });
    expect(checkPageArgs({ first: null, last: null, before: 'b' })).toMatchObject({
      size: 50,
      backward: true,
    });
    expect(checkPageArgs({ after: 'a', before: 'b' })).toMatchObject({ size: 50, backward: false });
    expect(checkPageArgs({ first: 0, before: 'b' })).toMatchObject({ size: 0, backward: false });
    expect(checkPageArgs({ last: 1_000 })).toMatchObject({ size: 1_000, backward: true });
  });

  test('are refused where they contradict or pass a bound', () => {
    expect(refusal({ first: 1, last: 1 }).message).toBe(
      'A page expects first or last, but got both.',
    );
    for (const size of [-1, 1_001, 1.5, 2 ** 31 - 1, NaN]) {
      const error = refusal({ last: size });
      expect(error.code).toBe('BAD_USER_INPUT');
      expect(error.message).toBe(`last expects a whole number from 0 to 1000, but got ${size}.`);
    }
  });

  test('are refused with an empty cursor', () => {
    expect(refusal({ after: '' })).toMatchObject({ code: 'CURSOR_INVALID' });
    expect(refusal({ before: '' }).message).toContain('before expects a cursor');
  });
});

describe('a page', () => {
  const ends = { behindAfter: false, beyondBefore: false };

  test('read forward has a next page where more rows came than fit, or lie beyond `before`', () => {
    const request = checkPageArgs({ first: 2 });
    expect(toPage([1, 2, 3], request, ends)).toEqual({
      items: [1, 2],
      hasNextPage: true,
      hasPreviousPage: false,
    });
    expect(toPage([1, 2], request, ends).hasNextPage).toBe(false);
    expect(toPage([1], request, { behindAfter: true, beyondBefore: true })).toEqual({
      items: [1],
      hasNextPage: true,
      hasPreviousPage: true,
    });
  });

  test('read backward is turned round, and its ends with it', () => {
    const request = checkPageArgs({ last: 2 });
    expect(toPage([3, 2, 1], request, ends)).toEqual({
      items: [2, 3],
      hasNextPage: false,
      hasPreviousPage: true,
    });
    expect(toPage([3], request, { behindAfter: true, beyondBefore: true })).toEqual({
      items: [3],
      hasNextPage: true,
      hasPreviousPage: true,
    });
  });

  test('of no items still tells whether there are any', () => {
    expect(toPage([1], checkPageArgs({ first: 0 }), ends)).toEqual({
      items: [],
      hasNextPage: true,
      hasPreviousPage: false,
    });
  });
});
