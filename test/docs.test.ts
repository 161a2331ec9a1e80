import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect, test } from 'vitest';
import { SETTINGS } from '../src/config/config.ts';
import { AUDIT_TYPES } from '../src/core/audit.ts';
import { ERRORS } from '../src/core/errors.ts';
import { LIMIT_MEANINGS, LIMITS } from '../src/core/limits.ts';
import type { Scope } from '../src/core/principal.ts';
import { createDoors } from '../src/doors/index.ts';
import { METRICS } from '../src/observability/metric-names.ts';

const read = (path: string) => readFileSync(path, 'utf8');

/** The one table of a page, without its head. */
function tableOf(page: string): string[][] {
  const rows = read(page)
    .split('\n')
    .filter(line => line.startsWith('|'));
  return rows.slice(2).map(row =>
    row
      .split('|')
      .slice(1, -1)
      .map(cell => cell.trim().replaceAll('`', '')),
  );
}

test('docs/settings.md lists every setting with its default: run `npm run docs` after a change', () => {
  const settings = Object.entries(SETTINGS).map(([name, { byDefault, description }]) => [
    name,
    byDefault,
    description,
  ]);
  expect(tableOf('docs/settings.md')).toEqual(settings);
});

test('docs/errors.md lists every error code with its status', () => {
  const errors = Object.entries(ERRORS).map(([code, { status, meaning }]) => [
    code,
    String(status),
    meaning,
  ]);
  expect(tableOf('docs/errors.md')).toEqual(errors);
});

test('docs/audit.md lists every type of the audit', () => {
  expect(tableOf('docs/audit.md')).toEqual(Object.entries(AUDIT_TYPES));
});

test('docs/metrics.md lists every metric', () => {
  expect(tableOf('docs/metrics.md')).toEqual(Object.entries(METRICS));
});

test('docs/limits.md lists every limit with its value', () => {
  const limits = Object.entries(LIMIT_MEANINGS).map(([name, meaning]) => [
    name,
    LIMITS[name as keyof typeof LIMITS].toLocaleString('en'),
    meaning.replaceAll('`', ''),
  ]);
  expect(tableOf('docs/limits.md')).toEqual(limits);
});

test('the README is a front page: at most 10 KB and 200 lines', () => {
  const readme = read('README.md');
  expect(Buffer.byteLength(readme)).toBeLessThanOrEqual(10_240);
  expect(readme.split('\n').length).toBeLessThanOrEqual(201);
});

test('the figures of the README are those of docs/performance.md', () => {
  const measured = read('docs/performance.md');
  const figures = [...read('README.md').matchAll(/ _(\d.*?)_$/gm)]
    .flatMap(([, text = '']) => text.match(/\d[\d,]*(?:\/s| ms| events\/s| deliveries\/s)/g) ?? [])
    .map(figure => figure.replace(/ events\/s$| deliveries\/s$/, ''));
  expect(figures.length).toBeGreaterThanOrEqual(6);
  expect(figures.filter(figure => !measured.includes(figure))).toEqual([]);
});

test('no page tells anybody to run a package with npx that is not ours', () => {
  const named = pages().flatMap(page =>
    [...read(page).matchAll(/\bnpx (?:-\S+ )*([@\w./-]+)/g)].map(([, name = '']) => name),
  );
  const { dependencies, devDependencies } = JSON.parse(read('package.json')) as Record<
    'dependencies' | 'devDependencies',
    Record<string, string>
  >;
  expect(named.filter(name => !(name in dependencies || name in devDependencies))).toEqual([]);
});

test('every link between the pages leads to a file, and to a heading of it', () => {
  const links = pages().flatMap(page => linksOf(page).map(link => ({ page, link })));
  expect(links.length).toBeGreaterThan(80);
  const broken = links.filter(({ page, link }) => !leadsSomewhere(page, link));
  expect(broken).toEqual([]);
});

test('every file of the code that a page or a comment names is there', () => {
  const files = ['src', 'test', 'scripts', 'bench'].flatMap(folder =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).map(file => `/${folder}/${file}`),
  );
  const named = [...pages(), ...files.filter(file => /^\/src\/.*\.tsx?$/.test(file))]
    .map(file => file.replace(/^\//, ''))
    .flatMap(page =>
      [...read(page).matchAll(/`((?:[\w-]+\/)*[\w.-]+\.(?:tsx?|sql|mjs))`/g)].map(
        ([, name = '']) => ({ page, name }),
      ),
    )
    .filter(({ name }) => !name.includes('NNNN'));
  expect(named.length).toBeGreaterThan(100);
  const missing = named.filter(({ name }) => !files.some(file => file.endsWith(`/${name}`)));
  expect(missing).toEqual([]);
});

test('docs/README.md has every page of docs', () => {
  const listed = new Set(linksOf('docs/README.md').map(link => normalize(join('docs', link))));
  const missing = pages().filter(page => page.startsWith('docs/') && !listed.has(page));
  expect(missing).toEqual(['docs/README.md']);
});

test('docs/doors/README.md has every door, and tells rightly which record and which read', () => {
  const doors = createDoors(
    { logshEventsPerSecond: 1, logspaceOrder: null },
    {
      sealingKey: Buffer.alloc(32),
    },
  );
  const rows = tableOf('docs/doors/README.md');
  const told = rows.map(([link = '', records, reads, ...others]) => {
    expect(
      others.every(cell => cell !== ''),
      link,
    ).toBe(true);
    return { page: /\((\w+)\.md\)/.exec(link)?.[1], records, reads };
  });
  const yesOrNo = (isSo: boolean) => (isSo ? 'yes' : 'no');
  const actual = doors.map(({ name, routes }) => {
    const has = (scope: Scope) => routes.some(each => each.scope === scope);
    return {
      page: name.toLowerCase(),
      records: yesOrNo(has('EVENTS_WRITE')),
      reads: yesOrNo(has('EVENTS_READ')),
    };
  });
  const byPage = (a: { page?: string | undefined }, b: { page?: string | undefined }) =>
    String(a.page).localeCompare(String(b.page));
  expect(told.toSorted(byPage)).toEqual(actual.toSorted(byPage));
});

test('the READMEs of folders name files that exist', () => {
  const missing = pages()
    .filter(page => /^src\/.*README\.md$/.test(page))
    .flatMap(page => {
      const folder = dirname(page);
      const inside = readdirSync(folder, { recursive: true, encoding: 'utf8' });
      const named = [...read(page).matchAll(/`([\w./-]+\.(?:tsx?|css|md|graphql)|[\w-]+\/)`/g)];
      return named
        .map(([, name = '']) => name)
        .filter(name => !inside.some(path => `/${path}`.endsWith(`/${name.replace(/\/$/, '')}`)))
        .filter(name => !existsSync(name) && !existsSync(join('src', name)))
        .map(name => `${page}: ${name}`);
    });
  expect(missing).toEqual([]);
});

/** Every page that was written here, by its path from the root. */
function pages(): string[] {
  const below = (folder: string) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter(name => name.endsWith('.md') && !name.includes('node_modules'))
      .map(name => join(folder, name));
  const inRoot = readdirSync('.').filter(name => name.endsWith('.md'));
  return [...inRoot, 'bench/README.md', ...below('docs'), ...below('src')];
}

/** The targets of links and images, without code and without other hosts. */
function linksOf(page: string): string[] {
  const prose = read(page)
    .replace(/```[^]*?```/g, '')
    .replace(/`[^`\n]*`/g, '');
  const targets = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
  return targets.filter(target => !/^\w+:/.test(target));
}

function leadsSomewhere(page: string, link: string): boolean {
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? page : normalize(join(dirname(page), path));
  if (!existsSync(target)) return false;
  return anchor === undefined || anchorsOf(target).has(anchor);
}

/** As GitHub makes them of headings. */
function anchorsOf(page: string): Set<string> {
  const headings = [
    ...read(page)
      .replace(/```[^]*?```/g, '')
      .matchAll(/^#+ (.+)$/gm),
  ];
  return new Set(
    headings.map(([, text = '']) =>
      text
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

test('the dashboard shows every metric, and none that is not there', () => {
  const dashboard = readFileSync('docs/grafana-dashboard.json', 'utf8');
  const shown = [...dashboard.matchAll(/\bsluice_[a-z_]+/g)].map(([name]) =>
    name.replace(/_(bucket|sum|count)$/, ''),
  );
  expect(new Set(shown)).toEqual(new Set(Object.keys(METRICS)));
});

test('the alerts ask for metrics that are there, and the documentation says what each means', () => {
  const rules = readFileSync('docs/alert-rules.yaml', 'utf8');
  const alerts = [...rules.matchAll(/- alert: (\w+)\n +expr: (.+)\n/g)];
  expect(alerts.length).toBeGreaterThan(8);
  expect(alerts).toHaveLength(rules.split('- alert:').length - 1);
  const operating = readFileSync('docs/operating.md', 'utf8');
  for (const [, alert, expression = ''] of alerts) {
    const names = [...expression.matchAll(/\b(?:sluice_[a-z_]+|up)\b/g)].map(([name]) => name);
    expect(names, alert).not.toEqual([]);
    for (const name of names) {
      expect(['up', ...Object.keys(METRICS)], alert).toContain(name);
      expect(operating, alert).toContain(name);
    }
  }
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
