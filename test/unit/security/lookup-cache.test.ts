import { expect, test } from 'vitest';
import { deferred } from '../../../src/core/isomorphic.ts';
import { createLookupCache } from '../../../src/security/lookup-cache.ts';

function createLookUps() {
  const asked: { name: string; answer: (value: string | null) => void }[] = [];
  const kept = createLookupCache<string, string>({
    lookUp(name) {
      const { promise, resolve } = deferred<string | null>();
      asked.push({ name, answer: resolve });
      return promise;
    },
    keptMs: 1_000,
    nowMs: () => 0,
  });
  return { kept, asked };
}

test('what many ask for at once is looked up once', async () => {
  const { kept, asked } = createLookUps();
  const found = Promise.all(['a', 'a', 'b', 'a'].map(async name => kept.find(name)));
  expect(asked.map(({ name }) => name)).toEqual(['a', 'b']);
  for (const { name, answer } of asked) answer(`the ${name}`);
  expect(await found).toEqual(['the a', 'the a', 'the b', 'the a']);
});

test('what another began to look for before it was made is looked for again', async () => {
  const { kept, asked } = createLookUps();
  const [early, late] = [kept.find('a'), kept.find('a')];
  asked[0]?.answer(null);
  expect(await early).toBeNull();
  await expect.poll(() => asked.length).toBe(2);
  asked[1]?.answer('made since');
  expect(await late).toBe('made since');
});

test('a look-up that began before something was forgotten is neither kept nor shared', async () => {
  const { kept, asked } = createLookUps();
  const before = kept.find('a');
  kept.forget(() => true);
  const after = kept.find('a');
  asked[0]?.answer('old');
  asked[1]?.answer('new');
  expect([await before, await after]).toEqual(['old', 'new']);
  expect(await kept.find('a')).toBe('new');
  expect(asked).toHaveLength(2);
});

test('what has several names is looked up once for all of them, and forgotten by all', async () => {
  const asked: string[] = [];
  const kept = createLookupCache<string, string>({
    async lookUp(name) {
      asked.push(name);
      return 'the value';
    },
    namesOf: () => ['slug', 'id'],
    keptMs: 1_000,
    nowMs: () => 0,
  });
  expect(await kept.find('slug')).toBe('the value');
  expect(kept.find('id')).toBe('the value');
  expect(asked).toEqual(['slug']);
  kept.forget(() => true);
  expect(await kept.find('id')).toBe('the value');
  expect(asked).toEqual(['slug', 'id']);
});
