import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, sep } from 'node:path';
import { expect, test } from 'vitest';

const SRC = 'src';
const BENEATH = ['core', 'db'];
const SERVICES = [
  ...[
    'security',
    'record',
    'evidence',
    'search',
    'rollup',
    'upkeep',
    'read',
    'meters',
    'live',
    'consume',
  ],
  ...['webhooks', 'notifications'],
];
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  'json-schema': ['core'],
  config: ['core'],
  db: ['core'],
  observability: ['core'],
  security: BENEATH,
  record: [...BENEATH, 'json-schema'],
  evidence: BENEATH,
  search: [...BENEATH, 'evidence'],
  upkeep: [...BENEATH, 'evidence', 'search'],
  read: BENEATH,
  meters: [...BENEATH, 'upkeep', 'read'],
  rollup: [...BENEATH, 'evidence', 'search', 'upkeep', 'meters'],
  live: BENEATH,
  consume: [...BENEATH, 'read', 'live'],
  webhooks: [...BENEATH, 'security', 'read', 'consume'],
  notifications: [...BENEATH, 'security', 'read', 'consume', 'webhooks'],
  graphql: ['core', 'json-schema', ...SERVICES],
  doors: ['core', ...SERVICES],
  console: ['core', 'client'],
  client: ['core'],
  http: ['core', 'observability', 'security'],
  'graphql-http': ['core', 'config', 'observability', 'read', 'live', 'graphql', 'http'],
  mcp: ['core', 'config', 'observability', 'security', 'graphql', 'http', 'graphql-http'],
  gateway: [
    ...['config', ...BENEATH, 'observability', 'json-schema', ...SERVICES],
    ...['graphql', 'doors', 'http', 'graphql-http', 'mcp'],
  ],
  cli: [
    ...['client', 'config', ...BENEATH, 'observability', 'security', 'record', 'evidence'],
    ...['json-schema', 'gateway'],
  ],
};

/** The TypeScript files of some folders, as paths within `src`. */
function filesOf(...folders: readonly string[]): string[] {
  return folders.flatMap(folder =>
    readdirSync(join(SRC, folder), { recursive: true, encoding: 'utf8' })
      .filter(file => /(?<!\.d)\.tsx?$/.test(file))
      .map(file => join(folder, file)),
  );
}

const layerOf = (file: string) => (file.split(sep)[0] as string).replace(/\.ts$/, '');

test('each layer imports only from the layers beneath it', () => {
  const trespasses: string[] = [];
  let imports = 0;
  for (const file of filesOf('')) {
    const source = readFileSync(join(SRC, file), 'utf8');
    for (const [, target] of source.matchAll(/(?:from|import)\s*\(?['"](\.[^'"]+)['"]/g)) {
      imports += 1;
      const from = layerOf(file);
      const to = layerOf(normalize(join(dirname(file), target as string)));
      if (to !== from && !MAY_IMPORT[from]?.includes(to)) trespasses.push(`${file} imports ${to}`);
    }
  }
  expect(imports).toBeGreaterThan(100);
  expect(trespasses).toEqual([]);
});

test('what runs in browsers takes only types and portable functions from the core', () => {
  const taken = filesOf('client', 'console').flatMap(file => {
    const source = readFileSync(join(SRC, file), 'utf8');
    const imports = source.matchAll(/^import (?!type )[^;]*?from '(\.[^']+)'/gm);
    return [...imports].map(([, target]) => normalize(join(dirname(file), target as string)));
  });
  const ofCore = taken.filter(target => target.startsWith(`core${sep}`));
  expect([...new Set(ofCore)]).toEqual([join('core', 'isomorphic.ts')]);
  expect(readFileSync(join(SRC, 'core', 'isomorphic.ts'), 'utf8')).not.toMatch(/^import/m);
});

test('commands start without the packages that only some of them need', () => {
  const seen = new Set<string>();
  function visit(file: string): void {
    if (seen.has(file)) return;
    seen.add(file);
    if (!file.startsWith('.')) return;
    const source = readFileSync(file, 'utf8');
    for (const [, target = ''] of source.matchAll(
      /^(?:im|ex)port (?!type )[^;]*?from '([^']+)'/gm,
    )) {
      visit(target.startsWith('.') ? `./${normalize(join(dirname(file), target))}` : target);
    }
  }
  visit(`./${join(SRC, 'cli', 'main.ts')}`);
  const packages = [...seen].filter(file => !/^\.|^node:/.test(file));
  expect(packages.sort()).toEqual(['commander', 'lru-cache']);
});

test('no file is a fragment: each has at least 15 lines, but for the entry points', () => {
  // The version is told without reading the settings.
  const entries = [
    join('cli', 'main.ts'),
    join('config', 'version.ts'),
    join('console', 'main.tsx'),
  ];
  const fragments = filesOf('').filter(file => {
    return readFileSync(join(SRC, file), 'utf8').split('\n').length <= 15;
  });
  expect(fragments.sort()).toEqual(entries);
});

test('no file imports itself by way of others', () => {
  const imports = new Map<string, string[]>();
  for (const file of filesOf('')) {
    const source = readFileSync(join(SRC, file), 'utf8');
    const targets = [...source.matchAll(/(?:from|import)\s*\(?['"](\.[^'"]+)['"]/g)];
    imports.set(
      file,
      targets.map(([, target]) => normalize(join(dirname(file), target as string))),
    );
  }
  const done = new Set<string>();
  const cycles: string[] = [];
  function visit(file: string, way: readonly string[]): void {
    if (way.includes(file)) cycles.push([...way.slice(way.indexOf(file)), file].join(' → '));
    if (way.includes(file) || done.has(file)) return;
    for (const target of imports.get(file) ?? []) visit(target, [...way, file]);
    done.add(file);
  }
  for (const file of imports.keys()) visit(file, []);
  expect(imports.size).toBeGreaterThan(400);
  expect(cycles).toEqual([]);
});
