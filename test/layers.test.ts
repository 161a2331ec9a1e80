import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, sep } from 'node:path';
import { expect, test } from 'vitest';

const SRC = 'src';
const BENEATH = ['core', 'db'];
const SERVICES = ['security', 'record', 'rollup', 'upkeep', 'read', 'live', 'consume'];
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  'json-schema': ['core'],
  config: ['core'],
  version: [],
  db: ['core'],
  observability: ['core'],
  security: BENEATH,
  record: [...BENEATH, 'json-schema'],
  upkeep: BENEATH,
  rollup: [...BENEATH, 'upkeep'],
  read: BENEATH,
  live: BENEATH,
  consume: [...BENEATH, 'read', 'live'],
  graphql: ['core', 'json-schema', ...SERVICES],
  doors: ['core', ...SERVICES],
  console: [],
  client: ['core'],
  http: ['core', 'observability', 'security'],
  'graphql-http': ['core', 'config', 'observability', 'read', 'live', 'graphql', 'http'],
  mcp: ['core', 'version', 'observability', 'security', 'graphql', 'http', 'graphql-http'],
  gateway: [
    ...['config', 'version', ...BENEATH, 'observability', 'json-schema', ...SERVICES],
    ...['graphql', 'doors', 'http', 'graphql-http', 'mcp'],
  ],
  cli: [
    ...['client', 'config', 'version', ...BENEATH, 'observability', 'security', 'record'],
    'gateway',
  ],
};

const layerOf = (file: string) => (file.split(sep)[0] as string).replace(/\.ts$/, '');

test('each layer imports only from the layers beneath it', () => {
  const trespasses: string[] = [];
  let imports = 0;
  for (const file of readdirSync(SRC, { recursive: true, encoding: 'utf8' })) {
    if (!/\.tsx?$/.test(file)) continue;
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

test('the client takes types alone from other layers, and the one function that browsers can run', () => {
  const taken = readdirSync(join(SRC, 'client')).flatMap(file => {
    const source = readFileSync(join(SRC, 'client', file), 'utf8');
    const imports = source.matchAll(/^import (?!type )[^;]*?from '([^']+)'/gm);
    return [...imports].map(([, target]) => target as string);
  });
  expect(taken).toContain('./errors.ts');
  const foreign = taken.filter(target => !target.startsWith('./'));
  expect(foreign).toEqual(['../core/uuid-v7.ts']);
});

test('no file imports itself by way of others', () => {
  const imports = new Map<string, string[]>();
  for (const file of readdirSync(SRC, { recursive: true, encoding: 'utf8' })) {
    if (!/\.tsx?$/.test(file)) continue;
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
