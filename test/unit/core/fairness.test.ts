/** Who gets how much, and who is next: the two rules that everything shared goes by. */
import { describe, expect, test } from 'vitest';
import { Crowd, FairPlaces, FairQueue, mayHold, NO_TENANT } from '../../../src/core/fairness.ts';

describe('room', () => {
  /** Tenants that take one at a time in turn, until none may. */
  function filled(tenants: number, max: number): number[] {
    const own = Array.from({ length: tenants }, () => 0);
    for (let isMore = true; isMore;) {
      isMore = false;
      for (const [n, held] of own.entries()) {
        const all = own.reduce((sum, each) => sum + each, 0);
        if (!mayHold({ own: held, all, max }, 1)) continue;
        own[n] = held + 1;
        isMore = true;
      }
    }
    return own;
  }

  test.each([
    [1, 1_000, [750]],
    [2, 700, [300, 300]],
    [3, 1_000, [300, 300, 300]],
    [1, 1, [1]],
    [1, 2, [1]],
  ])('of %i tenants that take all they may of %i', (tenants, max, expected) => {
    expect(filled(tenants, max)).toEqual(expected);
  });

  test('is left for the next, however many take all they may', () => {
    for (let tenants = 1; tenants < 40; tenants++) {
      const all = filled(tenants, 1_000).reduce((sum, each) => sum + each, 0);
      expect(mayHold({ own: 0, all, max: 1_000 }, 1)).toBe(true);
    }
  });
});

describe('turns', () => {
  test('go round between tenants, however much one of them has waiting', () => {
    const queue = new FairQueue<string>();
    for (let n = 0; n < 100; n++) queue.add('busy', `busy ${n}`);
    queue.add('quiet', 'quiet 0');
    queue.add('quiet', 'quiet 1');
    const order = Array.from({ length: 5 }, () => queue.take());
    expect(order).toEqual(['busy 0', 'quiet 0', 'busy 1', 'quiet 1', 'busy 2']);
    expect(queue.size).toBe(97);
  });

  test('are as many as make the cost alike', () => {
    const queue = new FairQueue<{ tenant: 'dear' | 'cheap' }>();
    for (let n = 0; n < 200; n++) {
      for (const tenant of ['dear', 'cheap'] as const) queue.add(tenant, { tenant });
    }
    const taken = { dear: 0, cheap: 0 };
    for (let n = 0; n < 110; n++) {
      const { tenant } = queue.take(undefined, 0)!;
      taken[tenant] += 1;
      queue.charge(tenant, tenant === 'dear' ? 10 : 1);
    }
    expect(taken).toEqual({ dear: 10, cheap: 100 });
  });

  test('can not be saved up by who asks for nothing', () => {
    const queue = new FairQueue<string>();
    for (let n = 0; n < 100; n++) queue.add('busy', `busy ${n}`);
    for (let n = 0; n < 50; n++) queue.take();
    for (let n = 0; n < 50; n++) queue.add('late', `late ${n}`);
    const next = Array.from({ length: 20 }, () => queue.take()!);
    expect(next.filter(item => item.startsWith('late'))).toHaveLength(10);
  });
});

describe('places', () => {
  test('are never all taken by one tenant, and what is given back goes to who had least', () => {
    const places = new FairPlaces<string>(10);
    const taken = Array.from({ length: 10 }, () => places.take('busy'));
    expect(taken.filter(Boolean)).toHaveLength(7);
    for (let n = 0; n < 50; n++) places.wait('busy', 'busy');
    expect([places.take('a'), places.take('b'), places.take('c')]).toEqual([true, true, true]);
    places.wait('d', 'd');
    expect(places.leave('busy', 100)).toEqual(['d']);
    expect(places.leave('a', 1)).toEqual([]);
    expect(places.taken).toBe(9);
  });

  test('are all there for the gateway itself', () => {
    const places = new FairPlaces<string>(3);
    expect([1, 2, 3, 4].map(() => places.take(NO_TENANT))).toEqual([true, true, true, false]);
  });
});

describe('a crowd', () => {
  test('is there while several tenants are at work, and a second after', () => {
    let nowMs = 0;
    const crowd = new Crowd(() => nowMs);
    for (const tenant of [1, 1, NO_TENANT, 1]) crowd.note(tenant);
    expect(crowd.isThere).toBe(false);
    crowd.note(2);
    nowMs = 999;
    expect(crowd.isThere).toBe(true);
    nowMs = 1_000;
    expect(crowd.isThere).toBe(false);
  });

  test('leaves a tenant a quarter of the places, and all three quarters when it is gone', () => {
    let nowMs = 0;
    const places = new FairPlaces<string>(20, new Crowd(() => nowMs));
    const takeAll = (tenant: number) => {
      let taken = 0;
      while (places.take(tenant)) taken += 1;
      return taken;
    };
    expect(places.take(2)).toBe(true);
    expect(takeAll(1)).toBe(5);
    places.leave(2, 1);
    nowMs = 1_000;
    expect(5 + takeAll(1)).toBe(15);
    // The administration of a workspace is no second one.
    places.take('key 1');
    expect(places.take(NO_TENANT)).toBe(true);
  });
});
