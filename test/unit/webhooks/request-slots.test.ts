import { expect, test } from 'vitest';
import { RequestSlots } from '../../../src/webhooks/request-slots.ts';

const NEVER = new AbortController().signal;
const make = () => new RequestSlots({ max: 100, hostMax: 10 });

/** Takes on as many hosts as it gets places of. */
function takeAll(places: RequestSlots, workspaceId: number): number {
  let all = 0;
  for (let host = 0; host < 20; host++)
    all += places.take(workspaceId, `h${workspaceId}-${host}`, 10);
  return all;
}

test('a host has no more than its bound, whoever asks', () => {
  const places = make();
  expect(places.take(1, 'a', 7)).toBe(7);
  expect(places.take(2, 'a', 7)).toBe(3);
  expect(places.take(3, 'a', 1)).toBe(0);
  expect(places.take(3, 'b', 1)).toBe(1);
  places.leave(1, 'a', 2);
  expect(places.take(3, 'a', 7)).toBe(2);
});

test('one workspace never has all of them: another finds some', () => {
  const places = make();
  expect(takeAll(places, 1)).toBe(75);
  expect(takeAll(places, 2)).toBeGreaterThanOrEqual(18);
  expect(places.take(3, 'c', 1)).toBe(1);
});

test('who waits for a host that is full holds up nobody, and is woken in turn', async () => {
  const places = make();
  places.take(1, 'a', 10);
  const woken: string[] = [];
  const wait = (name: string, workspaceId: number, host: string) =>
    places.wait(workspaceId, host, NEVER).then(() => void woken.push(name));
  const waits = [wait('first', 1, 'a'), wait('second', 1, 'a'), wait('other', 2, 'a')];
  expect(places.take(1, 'b', 1)).toBe(1);
  places.leave(1, 'a', 1);
  await waits[0];
  expect(woken).toHaveLength(1);
  places.leave(1, 'a', 2);
  await Promise.all(waits);
  expect(woken.sort()).toEqual(['first', 'other', 'second']);
});

test('who gives up is not woken, and one that is passed by lets the next one in', async () => {
  const places = make();
  places.take(1, 'a', 10);
  const leaving = new AbortController();
  const gone = places.wait(1, 'a', leaving.signal);
  const next = places.wait(1, 'a', NEVER);
  leaving.abort();
  await gone;
  places.leave(1, 'a', 1);
  await next;
  const third = places.wait(1, 'a', NEVER);
  places.pass();
  await third;
  expect(places.take(1, 'a', 10)).toBe(1);
});
