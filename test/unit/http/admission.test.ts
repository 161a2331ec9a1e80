/** Who is let in, who waits, who is turned away. */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { Admission, nextLimit, type Work } from '../../../src/http/admission.ts';

function admission(workRequestsMax: number, workBytesMax = 1_000_000) {
  const seen = { refused: 0 };
  const onRefused = () => void (seen.refused += 1);
  return { seen, admission: new Admission({ workRequestsMax, workBytesMax, onRefused }) };
}

const code = (name: string) => expect.objectContaining({ code: name }) as Error;

function block(ms: number): void {
  for (const untilMs = performance.now() + ms; performance.now() < untilMs;);
}

describe('requests', () => {
  test('go on at once while there is room, then in order', async () => {
    const { admission: gate } = admission(2);
    const [one, two, three, four] = [1, 1, 1, 1].map(bytes => gate.enter(bytes)) as Work[];
    expect([one!.turn, two!.turn]).toEqual([undefined, undefined]);
    expect(gate.figures).toMatchObject({ inWork: 2, waiting: 2 });
    one!.end();
    await three!.turn;
    expect(gate.figures).toMatchObject({ inWork: 2, waiting: 1 });
    two!.end();
    two!.end();
    await four!.turn;
    for (const work of [three, four]) work!.end();
    expect(gate.figures).toMatchObject({ inWork: 0, waiting: 0 });
  });

  test('that have waited for too long are turned away, and the next has its turn', async () => {
    const { admission: gate, seen } = admission(1);
    const running = gate.enter(1);
    await expect(gate.enter(1).turn).rejects.toThrow(code('OVERLOADED'));
    expect([gate.figures, seen.refused]).toMatchObject([{ inWork: 1, waiting: 0 }, 1]);
    running.end();
    expect(gate.enter(1).turn).toBeUndefined();
  });

  test('that leave while they wait hold nobody up', async () => {
    const { admission: gate } = admission(1);
    const running = gate.enter(1);
    const [left, next] = [gate.enter(1), gate.enter(1)];
    left.end();
    await expect(left.turn).rejects.toThrow();
    running.end();
    await next.turn;
    expect(gate.figures).toMatchObject({ inWork: 1, waiting: 0 });
  });

  test('that find as many waiting as may wait are turned away at once', () => {
    const { admission: gate } = admission(1);
    const all = Array.from({ length: 1_001 }, () => gate.enter(0));
    expect(() => gate.enter(0)).toThrow(code('OVERLOADED'));
    for (const work of all.toReversed()) {
      work.turn?.catch(() => {});
      work.end();
    }
  });
});

describe('tenants', () => {
  test('that ask for more than fits leave a place, a wait and bytes to another', async () => {
    const { admission: gate } = admission(100, 1_000_000);
    const busy = Array.from({ length: 400 }, () => gate.enter(1, 'busy'));
    // Of 43 places at first.
    expect(gate.figures.inWork).toBe(32);
    const quiet = gate.enter(1, 'quiet');
    expect(quiet.turn).toBeUndefined();
    busy.push(gate.enter(700_000, 'busy'));
    expect(() => gate.enter(100_000, 'busy')).toThrow(code('OVERLOADED'));
    expect(gate.enter(200_000, 'quiet').turn).toBeUndefined();
    for (const work of busy) {
      work.turn?.catch(() => {});
      work.end();
    }
  });

  test('have a quarter of the places each while several are at work', () => {
    const { admission: gate } = admission(100);
    const works = [gate.enter(1, 'quiet')];
    for (let n = 0; n < 100; n++) works.push(gate.enter(1, 'busy'));
    // Of 43 places at first.
    expect(gate.figures.inWork).toBe(1 + 10);
    expect(gate.enter(1, 'quiet').turn).toBeUndefined();
    for (const work of works) {
      work.turn?.catch(() => {});
      work.end();
    }
  });

  test('rest after a large request that came while the event loop was late', async () => {
    const { admission: gate } = admission(100, 10_000_000);
    const first = [gate.enter(1, 'quiet'), gate.enter(1, 'busy')];
    await sleep(50);
    block(250);
    await sleep(1);
    first[1]!.end();
    // None of them is in work any more when the next comes: one by one they would all go on at once.
    let next = gate.enter(500_000, 'busy');
    for (let n = 0; next.turn === undefined && n < 2; n++) {
      next.end();
      next = gate.enter(500_000, 'busy');
    }
    expect(next.turn).toBeDefined();
    expect(gate.enter(1, 'quiet').turn).toBeUndefined();
    await next.turn;
    for (const work of [...first, next]) work.end();
  });

  test('take turns where both wait', async () => {
    const { admission: gate } = admission(4);
    const running = [1, 2, 3].map(() => gate.enter(1, 'busy'));
    const last = gate.enter(1, 'other');
    const order: string[] = [];
    const wait = (name: string) =>
      void gate.enter(1, name).turn?.then(
        () => order.push(name),
        () => {},
      );
    for (let n = 0; n < 20; n++) wait('busy');
    for (let n = 0; n < 2; n++) wait('quiet');
    for (const work of [...running, last]) work.end();
    await expect.poll(() => order.length).toBeGreaterThanOrEqual(2);
    expect(order.slice(0, 2)).toContain('quiet');
  });
});

describe('bytes', () => {
  test('are bounded for all together, also those that turn up later', () => {
    const { admission: gate } = admission(100, 1_000);
    const [one, two] = [gate.enter(400), gate.enter(400)];
    expect(() => gate.enter(300)).toThrow(code('OVERLOADED'));
    expect(() => two.grow(300)).toThrow(code('OVERLOADED'));
    two.grow(200);
    one.end();
    one.grow(5_000);
    gate.enter(300);
  });

  test('of one alone always fit', () => {
    const { admission: gate } = admission(100, 1_000);
    gate.enter(5_000).grow(5_000);
    expect(() => gate.enter(1)).toThrow(code('OVERLOADED'));
  });

  test('of a large body count as several requests', () => {
    const { admission: gate } = admission(6, 1e9);
    const large = gate.enter(1_000_000);
    const small = [gate.enter(1), gate.enter(1), gate.enter(1)];
    expect(small.map(({ turn }) => turn === undefined)).toEqual([true, true, false]);
    large.end();
    expect(gate.figures).toMatchObject({ inWork: 3, waiting: 0 });
  });
});

describe('the limit', () => {
  const calm = { lateMs: 0, isShort: false };
  const after = (limit: number, looks: number, look = calm) =>
    Array.from({ length: looks }).reduce<number>(now => nextLimit(now, 1_000, look), limit);

  test('shrinks while the event loop is late, but not to nothing', () => {
    expect(after(1_000, 1, { lateMs: 100, isShort: true })).toBeLessThan(1_000);
    expect(after(1_000, 50, { lateMs: 100, isShort: true })).toBe(11);
  });

  test('grows to its bound where requests wait for another reason', () => {
    expect(after(8, 50, { lateMs: 10, isShort: true })).toBe(1_000);
    // Within a second, after which who waits is turned away.
    expect(after(43, 9, { lateMs: 10, isShort: true })).toBe(1_000);
  });

  test('goes back to where it began', () => {
    expect([after(1_000, 50), after(11, 50)]).toEqual([43, 43]);
  });

  test('is never above its bound', () => {
    expect(nextLimit(3, 3, { lateMs: 500, isShort: true })).toBe(3);
    expect(nextLimit(3, 3, calm)).toBe(3);
  });
});
