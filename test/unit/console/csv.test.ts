import { expect, test } from 'vitest';
import { toCsv } from '../../../src/console/parts/download.ts';

test('a formula within a text is none, for spreadsheets that part cells at semicolons', () => {
  const texts = ['a;=1+1', 'a;"=1+1;"', '{"b":"; -1"}', 'a\n@b', 'a;b', 'a=1;b-1'];
  const rows = texts.map(subject => ({ subject }));
  expect(toCsv(rows).split('\r\n').slice(1, -1)).toEqual([
    "a;'=1+1",
    `"a;'""=1+1;"""`,
    `"{""b"":"";' -1""}"`,
    '"a\n\'@b"',
    'a;b',
    'a=1;b-1',
  ]);
});

test('a table from the console has no formulas in it, and its numbers stay numbers', () => {
  const values = ['=1+1', '+1', '-1', '@a', '\t=1', '＝1', 'a=1', '', null];
  const rows = values.map(value => ({ subject: value, count: -1 }));
  expect(toCsv(rows).split('\r\n')).toEqual([
    'subject,count',
    ...["'=1+1,-1", "'+1,-1", "'-1,-1", "'@a,-1", "'\t'=1,-1", "'＝1,-1", 'a=1,-1', ',-1', ',-1'],
    '',
  ]);
});
