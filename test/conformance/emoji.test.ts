/**
 * Unicode's list of emoji, in every spelling that is in use, as icons of events.
 * @see https://www.unicode.org/reports/tr51/#Emoji_Keyboard_Test_Data
 */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AUDIT_WORKSPACE_ID } from '../../src/core/audit.ts';
import { isEmoji } from '../../src/core/emoji.ts';
import { ADMIN_KEY, startTestGateway, type TestGateway } from '../kit/gateway.ts';

const FILE = readFileSync('test/fixtures/unicode/emoji-test.txt', 'utf8');
const SELECTOR = '\uFE0F';

interface Listed {
  readonly emoji: string;
  readonly status: string;
}

const listed: readonly Listed[] = [...FILE.matchAll(/^([0-9A-F ]+?) *; ([a-z-]+) +#/gm)].map(
  ([, codes = '', status = '']) => {
    const points = codes.split(' ').map(code => parseInt(code, 16));
    return { emoji: String.fromCodePoint(...points), status };
  },
);
const components = listed.filter(({ status }) => status === 'component');
const emoji = listed.filter(({ status }) => status !== 'component').map(each => each.emoji);

test('the list has every kind of spelling', () => {
  const count = (wanted: string) => listed.filter(({ status }) => status === wanted).length;
  const statuses = ['fully-qualified', 'minimally-qualified', 'unqualified', 'component'];
  expect(statuses.map(count)).toEqual([3655, 827, 242, 9]);
});

test('every emoji of the list is one, and no two of them together', () => {
  expect(emoji.filter(each => !isEmoji(each))).toEqual([]);
  expect(emoji.filter((each, n) => isEmoji(each + emoji[(n + 1) % emoji.length]!))).toEqual([]);
  expect(emoji.filter(each => isEmoji(`${each}x`) || isEmoji(` ${each}`))).toEqual([]);
});

test('skin tones and hair by themselves are pictures of the same kind, and are taken', () => {
  expect(components.filter(each => !isEmoji(each.emoji)).map(each => each.emoji)).toEqual([]);
});

test.each([
  ...['', '1', '#', '#\uFE0F', 'x', SELECTOR, '\u200d', '❤\uFE0E', '👤👤', 'heart', '\u20e3'],
  ...['❤\uFE0F\uFE0F', '1\uFE0F\uFE0F\u20e3', `${SELECTOR}❤`, '1\u20e3\uFE0F', '🇦', '🇦🇦'],
  ...['❤\u200d', '\u200d🔥', '❤\u200d\u200d🔥', '🔥\u200d❤'],
])('%j is none', text => {
  expect(isEmoji(text)).toBe(false);
});

describe('through the gateway', () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await startTestGateway();
  });
  afterAll(() => gateway[Symbol.asyncDispose]());

  test('all are recorded, and given back as they came', async () => {
    const { recordEvents } = await gateway.data<{ recordEvents: { recordedCount: number } }>(
      'mutation($events: [EventInput!]!) { recordEvents(input: { events: $events }) { recordedCount } }',
      { events: emoji.map((icon, n) => ({ id: `e${n}`, type: 'emoji', icon })) },
    );
    expect(recordEvents.recordedCount).toBe(emoji.length);
    const rows = await gateway.db.read.query<{ icon: string }>(
      `select icon from events where workspace_id <> ${AUDIT_WORKSPACE_ID} order by position`,
    );
    expect(rows.map(({ icon }) => icon)).toEqual(emoji);
  });

  test.each(['❤\u200d🔥', '🏳\u200d🌈', '1\u20e3', '🕵🏻\u200d♀'])(
    'Logsh keeps an event whose icon is %s',
    async icon => {
      const answer = await fetch(`${gateway.url}/api/event`, {
        method: 'POST',
        headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json' },
        body: JSON.stringify({ workspace: 'emoji', event: 'e', icon }),
      });
      expect([answer.status, await answer.text()]).toEqual([200, expect.anything()]);
    },
  );
});
