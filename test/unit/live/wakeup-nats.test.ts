/** Wake-ups by NATS, with servers that are killed, stand still and hold forged messages. */
import { connect } from '@nats-io/transport-node';
import { randomBytes, randomInt } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { StoredEvent } from '../../../src/core/event.ts';
import { systemClock } from '../../../src/live/clock.ts';
import { Interest } from '../../../src/live/interest.ts';
import { PeerMessages } from '../../../src/live/peer-messages.ts';
import { NatsWakeup, type NatsWakeupOptions } from '../../../src/live/wakeup-nats.ts';
import type { Hint, Wakeup } from '../../../src/live/wakeup.ts';
import { hasNats, startNats, type NatsServer } from '../../kit/nats.ts';
import { aStoredEvent } from './kit.ts';
import { wakeupContract } from './wakeup.ts';

const key = randomBytes(32);
const messages = new PeerMessages(key);
const aStored = (position: number, given: Partial<StoredEvent> = {}) =>
  aStoredEvent(position, { workspaceId: 7, ...given });

describe('messages between gateways', () => {
  const read = (all: readonly Buffer[]) => all.map(each => messages.readNews(each));

  test('carry events as they were stored', () => {
    const stored = aStored(3, {
      payload: '{"n": 12345678901234567890.125, "text": "\\u0000 ä 👋"}',
      expiresAt: new Date('2030-01-02T03:04:05.678Z'),
      wire: { deep: [1, null, { x: '\u2028' }] },
      propertyTypes: { n: 'DOUBLE' },
    });
    expect(read(messages.writeNews({ head: 3, events: [stored] }, 1_000_000))).toEqual([
      { head: 3, events: [stored] },
    ]);
  });

  test('are split where they are too large, and say how far each goes', () => {
    const events = [1, 2, 3, 4].map(position =>
      aStored(position, { payload: `"${'a'.repeat(1_500)}"` }),
    );
    const written = messages.writeNews({ head: 9, events }, 5_000);
    expect(written.every(({ length }) => length <= 5_000)).toBe(true);
    const news = read(written);
    expect(news.flatMap(each => each?.events)).toEqual(events);
    expect(news.map(each => each?.head)).toEqual([
      ...news.slice(0, -1).map(each => each?.events.at(-1)?.position),
      9,
    ]);
  });

  test('leave out an event that fits into none, and what comes after it', () => {
    const events = [aStored(1), aStored(2, { payload: `"${'a'.repeat(9_000)}"` }), aStored(3)];
    expect(read(messages.writeNews({ head: 3, events }, 5_000))).toEqual([
      { head: 3, events: [events[0]] },
    ]);
  });

  test('are none where anything of them was changed, or another key signed them', () => {
    const [message] = messages.writeNews({ head: 1, events: [aStored(1)] }, 100_000) as [Buffer];
    for (let tries = 0; tries < 200; tries++) {
      const changed = Buffer.from(message);
      const at = randomInt(changed.length);
      changed[at] = changed[at]! ^ (1 << randomInt(8));
      expect(messages.readNews(changed)).toBeNull();
    }
    for (let length = 0; length < 64; length++) {
      expect(messages.readNews(message.subarray(0, length))).toBeNull();
    }
    const others = new PeerMessages(randomBytes(32));
    expect(others.readNews(message)).toBeNull();
    expect(messages.readIds(others.writeIds([7]))).toBeNull();
    expect(messages.readIds(message)).toBeNull();
    expect(messages.readIds(messages.writeIds([7, 8]))).toEqual([7, 8]);
  });
});

test('what a gateway said that it watches holds for thrice the time in which it says so again', () => {
  let nowMs = 0;
  const interest = new Interest(() => nowMs);
  interest.keep(1, 10);
  interest.keep(1, 9);
  interest.see([1, 2]);
  expect([1, 2, 3].map(id => interest.isWanted(id))).toEqual([true, true, false]);
  expect(interest.headsOf([1, 2])).toEqual(new Map([[1, 10]]));
  nowMs = 30_000;
  interest.sweep();
  expect(interest.isWanted(1)).toBe(false);
  interest.see(Array.from({ length: 100_001 }, (_, id) => id));
  expect([1, 1e9].map(id => interest.isWanted(id))).toEqual([true, true]);
});

// NATS is optional: a machine without it has none to try. `.ci/run` has one and requires it.
describe.skipIf(!hasNats)('NATS (skipped where there is no nats-server)', () => {
  let server: NatsServer;
  beforeAll(async () => {
    server = await startNats();
  });
  afterAll(() => server[Symbol.asyncDispose]());
  const started: Wakeup[] = [];
  afterEach(async () => {
    await Promise.all(started.splice(0).map(wakeup => wakeup.stop()));
  });

  let deaf = 0;
  const make = (given: Partial<NatsWakeupOptions> = {}) =>
    new NatsWakeup({
      ...{ servers: [server.url], credentials: null, epoch: 'abcd', key, clock: systemClock },
      ...{ onDeaf: () => void (deaf += 1), onHearing: () => {} },
      ...given,
    });

  async function join(given: Partial<NatsWakeupOptions> = {}) {
    const wakeup = make(given);
    const heard = { hints: [] as Hint[], events: [] as StoredEvent[], forgotten: [] as unknown[] };
    wakeup.onHint(hint => heard.hints.push(hint));
    wakeup.onEvents(events => heard.events.push(...events));
    wakeup.onForget(forgotten => heard.forgotten.push(forgotten));
    await wakeup.start();
    started.push(wakeup);
    return { ...heard, wakeup };
  }

  const headsOf = (hints: readonly Hint[], id: number) =>
    hints.flatMap(hint => (hint === 'ALL' ? [] : [hint.get(id) ?? 0]));

  wakeupContract('NATS', make);

  test('events come with their head to whoever watches, in order, and to nobody else', async () => {
    const [one, two, three] = [await join(), await join(), await join()];
    expect(one.wakeup.isWanted(7)).toBe(false);
    two.wakeup.watch(7);
    await expect.poll(() => one.wakeup.isWanted(7)).toBe(true);
    const events = Array.from({ length: 500 }, (_, n) =>
      aStored(n + 1, { payload: `"${'a'.repeat(5_000)}"` }),
    );
    for (let n = 0; n < 500; n += 100) {
      one.wakeup.announce(new Map([[7, n + 100]]), events.slice(n, n + 100));
    }
    await expect.poll(() => headsOf(two.hints, 7).at(-1)).toBe(500);
    expect(two.events).toEqual(events);
    expect(three.events).toEqual([]);
    expect(three.hints).toEqual(['ALL']);
  });

  test('gateways on other databases hear nothing of each other', async () => {
    const [one, stranger] = [await join(), await join({ epoch: 'other' })];
    const impostor = await join({ key: randomBytes(32) });
    for (const { wakeup } of [stranger, impostor]) wakeup.watch(7);
    const two = await join();
    two.wakeup.watch(7);
    await expect.poll(() => one.wakeup.isWanted(7)).toBe(true);
    impostor.wakeup.announce(new Map([[7, 99]]), [aStored(99)]);
    one.wakeup.announce(new Map([[7, 1]]), [aStored(1)]);
    one.wakeup.forget(7);
    // Messages of different subjects come in any order.
    await expect.poll(() => two.forgotten).toEqual(['ALL', [7]]);
    await expect.poll(() => two.events).toEqual([aStored(1)]);
    expect(headsOf(two.hints, 7)).not.toContain(99);
    for (const { events, forgotten } of [stranger, impostor]) {
      expect({ events, forgotten }).toEqual({ events: [], forgotten: ['ALL'] });
    }
  });

  test('what anybody else publishes is ignored', async () => {
    const one = await join();
    one.wakeup.watch(7);
    await using stranger = {
      connection: await connect({ servers: server.url }),
      [Symbol.asyncDispose]: () => stranger.connection.close(),
    };
    const { connection } = stranger;
    for (const name of ['w.7', 'watch', 'watching', 'forget', 'who']) {
      for (const text of ['', 'x'.repeat(40), `${'x'.repeat(32)}{"head":5,"events":[]}`]) {
        connection.publish(`sluice.abcd.${name}`, text, { reply: 'somewhere.else' });
      }
    }
    await connection.flush();
    const two = await join();
    two.wakeup.announce(new Map([[7, 3]]), []);
    await expect.poll(() => headsOf(one.hints, 7)).toEqual([3]);
    expect(one.forgotten).toEqual(['ALL']);
  });

  test('a server that is killed and comes back: everybody looks at all, then hears again', async () => {
    const own = await startNats();
    const [one, two] = [await join({ servers: [own.url] }), await join({ servers: [own.url] })];
    two.wakeup.watch(7);
    await expect.poll(() => one.wakeup.isWanted(7)).toBe(true);
    deaf = 0;
    await own.kill();
    await expect.poll(() => deaf).toBeGreaterThanOrEqual(2);
    for (let n = 1; n <= 100; n++) one.wakeup.announce(new Map([[7, n]]), [aStored(n)]);
    two.hints.length = 0;
    await own.restart();
    await expect.poll(() => two.hints).toContain('ALL');
    expect(two.forgotten).toEqual(['ALL', 'ALL']);
    const hears = () => {
      one.wakeup.announce(new Map([[7, 101]]), [aStored(101)]);
      return two.events.some(({ position }) => position === 101);
    };
    await expect.poll(hears).toBe(true);
    // Nothing was kept meanwhile.
    expect(two.events.some(({ position }) => position < 101)).toBe(false);
    await Promise.all(started.splice(0).map(wakeup => wakeup.stop()));
    await own[Symbol.asyncDispose]();
  });

  test('what a server that stands still does not take in is dropped', async () => {
    const own = await startNats();
    const [one, two] = [await join({ servers: [own.url] }), await join({ servers: [own.url] })];
    two.wakeup.watch(7);
    await expect.poll(() => one.wakeup.isWanted(7)).toBe(true);
    own.pause();
    const large = aStored(1, { payload: `"${'a'.repeat(500_000)}"` });
    const before = process.memoryUsage().external;
    for (let n = 0; n < 200; n++) {
      one.wakeup.announce(new Map([[7, 1]]), [large]);
      await new Promise(resolve => setImmediate(resolve));
    }
    expect(process.memoryUsage().external - before).toBeLessThan(60_000_000);
    own.resume();
    await Promise.all(started.splice(0).map(wakeup => wakeup.stop()));
    await own[Symbol.asyncDispose]();
  });

  test('a gateway starts without a server, and hears once there is one', async () => {
    const own = await startNats();
    await own.kill();
    deaf = 0;
    const one = await join({ servers: [own.url] });
    expect(deaf).toBe(1);
    expect(one.hints).toEqual([]);
    await own.restart();
    await expect.poll(() => one.hints).toEqual(['ALL']);
    await Promise.all(started.splice(0).map(wakeup => wakeup.stop()));
    await own[Symbol.asyncDispose]();
  });

  test('with a user and a password', async () => {
    const own = await startNats('--user', 'sluice', '--pass', 'a b');
    const url = own.url.replace('//', '//sluice:a%20b@');
    const [one, two] = [await join({ servers: [url] }), await join({ servers: [url] })];
    one.wakeup.forget(3);
    await expect.poll(() => two.forgotten).toEqual(['ALL', [3]]);
    deaf = 0;
    const refused = await join({ servers: [own.url] });
    expect([deaf, refused.hints]).toEqual([1, []]);
    await Promise.all(started.splice(0).map(wakeup => wakeup.stop()));
    await own[Symbol.asyncDispose]();
  });
});
