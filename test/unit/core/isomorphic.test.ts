import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { uuidV7 } from '../../../src/core/isomorphic.ts';

test('an id begins with its time and says its version and variant', () => {
  // The example of RFC 9562, A.6.
  const id = uuidV7(0x017f22e279b0, '00000000-0000-4cc3-98c4-dc0c0c07398f');
  expect(id).toBe('017f22e2-79b0-7cc3-98c4-dc0c0c07398f');
  expect(uuidV7(1, randomUUID())).toMatch(
    /^00000000-0001-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  );
});
