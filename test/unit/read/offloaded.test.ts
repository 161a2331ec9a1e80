import { expect, test } from 'vitest';
import { LOG_BEGINNING } from '../../../src/core/cursor.ts';
import type { Seen } from '../../../src/core/page.ts';
import type { EventListArgs, EventReader } from '../../../src/read/event-reader.ts';
import type { Offload } from '../../../src/read/offload.ts';
import { offloadEvents } from '../../../src/read/offloaded.ts';

/** What a question is said to have seen. */
async function seenBy(ask: (reader: EventReader) => Promise<unknown>): Promise<Seen> {
  let seen: Seen | undefined;
  const offload: Offload = {
    note() {},
    answer(question) {
      seen = question.seen;
      return new Promise(() => {});
    },
  };
  const none = {} as EventReader;
  void ask(offloadEvents(offload, { primary: none, make: () => none }));
  return seen as Seen;
}

const FIRST: EventListArgs[] = [
  { first: 10 },
  { last: 10, filter: { types: ['a'] } },
  { offset: 0, filter: { allOf: [{ types: ['a'] }, { redacted: false }] } },
];
const LATER: EventListArgs[] = [
  { after: 'x' },
  { last: 10, before: 'x' },
  { offset: 10 },
  { filter: { allOf: [{ after: LOG_BEGINNING, through: LOG_BEGINNING }, { types: ['a'] }] } },
  { goesOn: true },
];

test.each(FIRST)('a first page may be a little old: %j', async args => {
  expect((await seenBy(reader => reader.page(1, args))).goesOn).toBe(false);
  expect((await seenBy(reader => reader.wholePage(1, args))).goesOn).toBe(false);
});

test.each(LATER)('a page that goes on is as new as now: %j', async args => {
  expect((await seenBy(reader => reader.page(1, args))).goesOn).toBe(true);
  expect((await seenBy(reader => reader.wholePage(1, args))).goesOn).toBe(true);
});

test('what is counted for a page, or of parents, is as new as they are', async () => {
  expect((await seenBy(reader => reader.count(1, null, { goesOn: true }))).goesOn).toBe(true);
  expect((await seenBy(reader => reader.countBy(1, 'parentId', ['p']))).goesOn).toBe(true);
  expect((await seenBy(reader => reader.page(1, { atLeast: 'x' }))).atLeast).toBe('x');
});
