import { randomInt } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/live/clock.ts';
import { type Forgotten, type Hint, type Wakeup, withPoll } from '../../../src/live/wakeup.ts';

/** Makes the wake-up of one more process; all that it makes hear each other. */
export type MakeWakeup = () => Wakeup;

/** What every implementation of the wake-up promises. */
export function wakeupContract(name: string, make: MakeWakeup): void {
  describe(`wake-up by ${name}`, () => {
    const started: Wakeup[] = [];
    afterEach(async () => {
      await Promise.all(started.splice(0).map(wakeup => wakeup.stop()));
    });

    async function join(wakeup = make()): Promise<{ wakeup: Wakeup; hints: Hint[] }> {
      const hints: Hint[] = [];
      wakeup.onHint(hint => hints.push(hint));
      await wakeup.start();
      started.push(wakeup);
      return { wakeup, hints };
    }

    test('whoever joins is told to look at all', async () => {
      const { hints } = await join();
      expect(hints).toEqual(['ALL']);
    });

    test('what one process announces, each other one hears, with its head', async () => {
      const [one, two, three] = [await join(), await join(), await join()];
      const workspace = randomInt(1e6);
      for (const { wakeup } of [two, three]) wakeup.watch(workspace);
      one.wakeup.announce(new Map([[workspace, 7]]), []);
      await expect.poll(() => headIn(two.hints, workspace)).toBe(7);
      await expect.poll(() => headIn(three.hints, workspace)).toBe(7);
    });

    test('of many announcements the newest head arrives, in fewer hints', async () => {
      const [one, two] = [await join(), await join()];
      two.wakeup.watch(1);
      for (let head = 1; head <= 1_000; head++) one.wakeup.announce(new Map([[1, head]]), []);
      await expect.poll(() => headIn(two.hints, 1)).toBe(1_000);
      expect(two.hints.length).toBeLessThan(10);
    });

    test('more workspaces than fit in a hint are all announced', async () => {
      const [one, two] = [await join(), await join()];
      two.hints.length = 0;
      for (let id = 1; id <= 5_000; id++) two.wakeup.watch(id);
      const heads = new Map(Array.from({ length: 5_000 }, (_, id) => [id + 1, 1_000_000 + id]));
      const isTold = (id: number) => two.hints.includes('ALL') || headIn(two.hints, id) > 0;
      const areTold = () => {
        one.wakeup.announce(heads, []);
        return [...heads.keys()].every(isTold);
      };
      await expect.poll(areTold).toBe(true);
    });

    test('what one process has to forget, each hears', async () => {
      const [one, two] = [make(), make()];
      const heard = [one, two].map(wakeup => {
        const forgotten: Forgotten[] = [];
        wakeup.onForget(each => forgotten.push(each));
        return forgotten;
      });
      await Promise.all([join(one), join(two)]);
      one.forget(7);
      one.forget(8);
      const idsIn = (forgotten: Forgotten[]) =>
        forgotten.flatMap(each => (each === 'ALL' ? [] : each));
      for (const forgotten of heard) await expect.poll(() => idsIn(forgotten)).toEqual([7, 8]);
    });

    test('after it has stopped nothing is hinted any more', async () => {
      const [one, two, three] = [await join(), await join(), await join()];
      for (const { wakeup } of [two, three]) wakeup.watch(2);
      await two.wakeup.stop();
      two.hints.length = 0;
      one.wakeup.announce(new Map([[2, 5]]), []);
      await expect.poll(() => headIn(three.hints, 2)).toBe(5);
      expect(two.hints).toEqual([]);
    });

    test('who no longer watches one workspace still hears of another', async () => {
      const [one, two] = [await join(), await join()];
      two.wakeup.watch(3);
      two.wakeup.watch(4);
      two.wakeup.unwatch(3);
      two.wakeup.unwatch(5);
      one.wakeup.announce(new Map([[4, 1]]), []);
      await expect.poll(() => headIn(two.hints, 4)).toBe(1);
    });

    test('start and stop may be called twice', async () => {
      const { wakeup } = await join();
      await wakeup.start();
      await wakeup.stop();
      await wakeup.stop();
    });

    test('with a poll beneath it, processes look even when every hint is lost', async () => {
      const deaf: Wakeup = Object.assign(make(), { onHint: () => {} });
      const { hints } = await join(withPoll(deaf, { pollMs: 5, clock: systemClock }));
      await expect.poll(() => hints.filter(hint => hint === 'ALL').length).toBeGreaterThan(3);
    });
  });
}

function headIn(hints: readonly Hint[], workspaceId: number): number {
  const heads = hints.map(hint => (hint === 'ALL' ? 0 : (hint.get(workspaceId) ?? 0)));
  return Math.max(0, ...heads);
}
