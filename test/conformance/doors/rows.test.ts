/** The table in README.md and the tests name the same rows. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const HERE = new URL('./', import.meta.url);
const FOLDERS = [HERE, new URL('../../unit/doors/', HERE)];
const DOORS = ['SPK', 'LS', 'GEN', 'AK', 'LSH', 'CE', 'OTLP', 'SEG', 'PH', 'SNAG', 'RT'];
const PREFIXES = [...DOORS, 'X'].join('|');
const ID = new RegExp(`\\b(?:${PREFIXES})-[A-Z]+-[0-9A-Z]+\\b`, 'g');
const NAMED = new RegExp(`['\`](?:${PREFIXES}|\\$\\{id\\})-`);

/** Those of `shapes.test.ts` are written once for all doors. */
function idsOf(text: string): string[] {
  const each = [...text.matchAll(/\$\{id\}(-SHAPE-[0-9A-Z]+)/g)];
  const ofEveryDoor = each.flatMap(([, row]) => DOORS.map(door => `${door}${row}`));
  return [...(text.match(ID) ?? []), ...ofEveryDoor];
}

/** Only what stands in the name of a test. */
function namesIn(source: string): string {
  return source
    .split('\n')
    .filter(line => NAMED.test(line))
    .join('\n');
}

const tested = new Set(
  FOLDERS.flatMap(folder =>
    readdirSync(folder)
      .filter(name => name.endsWith('.test.ts') && name !== 'rows.test.ts')
      .flatMap(name => idsOf(namesIn(readFileSync(new URL(name, folder), 'utf8')))),
  ),
);
const readme = readFileSync(new URL('README.md', HERE), 'utf8');
const listed = new Set(idsOf(readme));

test('every row of the table is a test', () => {
  expect([...listed].filter(id => !tested.has(id))).toEqual([]);
  expect(listed.size).toBeGreaterThan(200);
});

test('every test with an id is in the table', () => {
  expect([...tested].filter(id => !listed.has(id))).toEqual([]);
});

test('every fact has a row', () => {
  const facts = readme.split('\n').filter(line => /^\| (?!fact|-)/.test(line));
  expect(facts.filter(line => idsOf(line).length === 0)).toEqual([]);
});
