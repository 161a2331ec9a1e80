import { expect, test } from 'vitest';
import { toCsv } from '../../../src/console/parts/download.ts';

test('a table from the console has no formulas in it, and its numbers stay numbers', () => {
  const values = ['=1+1', '+1', '-1', '@a', '\t=1', '＝1', 'a=1', '', null];
  const rows = values.map(value => ({ subject: value, count: -1 }));
  expect(toCsv(rows).split('\r\n')).toEqual([
    'subject,count',
    ...["'=1+1,-1", "'+1,-1", "'-1,-1", "'@a,-1", "'\t=1,-1", "'＝1,-1", 'a=1,-1', ',-1', ',-1'],
    '',
  ]);
});
