import fc from 'fast-check';
import { expect, test } from 'vitest';
import { lineIds } from '../../../src/cli/import/line-id.ts';
import { jsonItems, lines, type TextRecord } from '../../../src/cli/import/lines.ts';

/** The same bytes in chunks of other sizes, which may cut characters. */
async function* chunked(text: string, size: number): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function all(records: AsyncIterable<TextRecord>): Promise<TextRecord[]> {
  const found: TextRecord[] = [];
  for await (const record of records) found.push(record);
  return found;
}

test('a list is cut into its items wherever its chunks are cut', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.jsonValue(), { maxLength: 8 }),
      fc.integer({ min: 1, max: 40 }),
      fc.constantFrom(undefined, 2),
      async (values, size, indent) => {
        const found = await all(
          jsonItems(chunked(JSON.stringify(values, null, indent), size), 'IN_LIST'),
        );
        expect(found.map(({ text }) => JSON.parse(text) as unknown)).toEqual(
          JSON.parse(JSON.stringify(values)),
        );
      },
    ),
  );
});

test('items and lines know where they begin, and a list that is cut off says so', async () => {
  const list = '[\n  {"a": "1,\\"]"},\n\n  [2,\n 3], 4\n]\n';
  expect(await all(jsonItems(chunked(list, 3), 'IN_LIST'))).toEqual([
    { line: 2, text: '{"a": "1,\\"]"}' },
    { line: 4, text: '[2,\n 3]' },
    { line: 5, text: '4' },
  ]);
  await expect(all(jsonItems(chunked(list.slice(0, 30), 7), 'IN_LIST'))).rejects.toThrow('cut off');
  expect(await all(lines(chunked('one\n\n  \nfür\r\nlast', 2)))).toEqual([
    { line: 1, text: 'one' },
    { line: 4, text: 'für\r' },
    { line: 5, text: 'last' },
  ]);
});

test('an id tells input, line and text apart, and is a UUID', () => {
  const { idOf } = lineIds('a.ndjson', 'first');
  const id = idOf(4_000_000_000, 'text');
  expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(lineIds('a.ndjson', 'first').idOf(4_000_000_000, 'text')).toBe(id);
  const others = [
    idOf(4_000_000_001, 'text'),
    idOf(4_000_000_000, 'other'),
    lineIds('b.ndjson', 'first').idOf(4_000_000_000, 'text'),
    lineIds('a.ndjson', 'another day').idOf(4_000_000_000, 'text'),
  ];
  expect(new Set([id, ...others]).size).toBe(5);
});
