import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { SETTINGS } from '../src/config.ts';
import { ERRORS } from '../src/core/errors.ts';
import { LIMIT_MEANINGS, LIMITS } from '../src/core/limits.ts';
import { METRICS } from '../src/observability/metrics.ts';

const readme = readFileSync('README.md', 'utf8');

function tableOf(heading: string): string[][] {
  const section = readme.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  const rows = section.split('\n').filter(line => line.startsWith('|'));
  return rows.slice(2).map(row =>
    row
      .split('|')
      .slice(1, -1)
      .map(cell => cell.trim().replaceAll('`', '')),
  );
}

test('the README lists every setting with its default', () => {
  const settings = Object.entries(SETTINGS).map(([name, { byDefault, description }]) => [
    name,
    byDefault,
    description,
  ]);
  expect(tableOf('Settings')).toEqual(settings);
});

test('the README lists every error code with its status', () => {
  const errors = Object.entries(ERRORS).map(([code, { status, meaning }]) => [
    code,
    String(status),
    meaning,
  ]);
  expect(tableOf('Errors')).toEqual(errors);
});

test('the README lists every metric', () => {
  expect(tableOf('Metrics')).toEqual(Object.entries(METRICS));
});

test('the README lists every limit with its value', () => {
  const limits = Object.entries(LIMIT_MEANINGS).map(([name, meaning]) => [
    name,
    LIMITS[name as keyof typeof LIMITS].toLocaleString('en'),
    meaning.replaceAll('`', ''),
  ]);
  expect(tableOf('Limits')).toEqual(limits);
});

test('the dashboard shows every metric, and none that is not there', () => {
  const dashboard = readFileSync('docs/grafana-dashboard.json', 'utf8');
  const shown = [...dashboard.matchAll(/\bsluice_[a-z_]+/g)].map(([name]) =>
    name.replace(/_(bucket|sum|count)$/, ''),
  );
  expect(new Set(shown)).toEqual(new Set(Object.keys(METRICS)));
});

test('every promise of SECURITY.md names a test that is there', () => {
  const rows = [
    ...readFileSync('SECURITY.md', 'utf8').matchAll(/\| `(test\/[^`]+)`: (.+?) +\|$/gm),
  ];
  expect(rows.length).toBeGreaterThan(25);
  const missing = rows.filter(([, file, name]) => {
    const source = readFileSync(file as string, 'utf8');
    return !source.includes(`'${name}'`);
  });
  expect(missing.map(([row]) => row)).toEqual([]);
});

test('each row of docs/isolation.md names tests that exist', () => {
  const rows = readFileSync('docs/isolation.md', 'utf8')
    .split('\n')
    .filter(line => line.startsWith('| '))
    .slice(2);
  expect(rows.length).toBeGreaterThan(20);
  for (const row of rows) {
    const named = [...row.matchAll(/`(test\/[^`]+)`: "([^"]+)"/g)];
    expect(named, row).not.toEqual([]);
    for (const [each, file = '', title = ''] of named) {
      expect(readFileSync(file, 'utf8'), each).toContain(`('${title}'`);
    }
  }
});
