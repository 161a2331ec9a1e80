import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Json, JsonObject } from '../../../src/core/json.ts';
import { createEventLog } from '../../../src/live/log.ts';
import { jsonbText, storedEvents } from '../../../src/record/stored-events.ts';
import { anEvent, startRecordingDatabase } from '../../kit/recording.ts';

let recording: Awaited<ReturnType<typeof startRecordingDatabase>>;
beforeAll(async () => {
  recording = await startRecordingDatabase();
});
afterAll(() => recording[Symbol.asyncDispose]());

const name = fc.oneof(
  fc.constantFrom('b', 'aa', '10', '9', 'é', 'zz', '\uffee', '😀', 'toString', '__proto__'),
  fc.string({ minLength: 1, unit: 'grapheme' }),
);
const number = fc.oneof(
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }).filter(n => !Number.isInteger(n)),
);
const text = fc.oneof(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary-ascii' }));
const { value } = fc.letrec<{ value: Json }>(tie => ({
  value: fc.oneof(
    { depthSize: 'small', maxDepth: 3 },
    fc.oneof(fc.constant(null), fc.boolean(), number, text),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(name, tie('value'), { maxKeys: 4, noNullPrototype: true }),
  ),
}));
const payload = fc.dictionary(name, value, { maxKeys: 6, noNullPrototype: true });
const isStorable = (json: unknown) => !JSON.stringify(json).includes('\\u0000');

test('a flush hands streams exactly the events that a read of the log returns', async () => {
  const workspace = await recording.workspace();
  await recording.db.write.query(
    "insert into event_definitions (workspace_id, name, category) values ($1, 'test.event', 'tests')",
    [workspace.id],
  );
  const payloads = fc.sample(payload.filter(isStorable), { numRuns: 400, seed: 8 }) as JsonObject[];
  const events = payloads.map(given => anEvent({ payload: given }));
  const before = recording.recorded.length;
  const receipts = await recording.record({ workspace, door: 'GRAPHQL', events, atomic: false });
  expect(receipts.map(({ status }) => status)).toEqual(payloads.map(() => 'RECORDED'));
  const offered = recording.recorded
    .slice(before)
    .flatMap(recorded => storedEvents(recorded, () => true));
  const place = { position: 0, recordedAt: new Date(0) };
  const read = await createEventLog(recording.db.read).after(workspace.id, place, 1_000);
  const positions = new Set(offered.map(({ position }) => position));
  expect(offered).toEqual(read.filter(({ position }) => positions.has(position)));
  expect(offered.length).toBeGreaterThan(payloads.length / 2);
});

test('numbers in a form that only Postgres can write are read from Postgres', () => {
  for (const literal of [
    '1e-7',
    '1E5',
    '-0',
    '1.50',
    '9007199254740993',
    '0.1000000000000000055',
  ]) {
    expect(jsonbText(`{"a":${literal}}`)).toBeNull();
  }
  expect(jsonbText('{"bb":[1,{}],"a":-0.5}')).toBe('{"a": -0.5, "bb": [1, {}]}');
});
