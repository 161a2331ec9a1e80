import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestGateway } from '../../kit/gateway.ts';
import { startRegistry } from './registry.ts';

const run = promisify(execFile);
const NAME = '@sluice-events/sluice';
const INSTALL_WITHIN_MS = 600_000;

let folder: string;
let project: string;

/** Packs what would be published, and installs it into an empty project, without a network. */
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-package-'));
  project = mkdtempSync(join(folder, 'project-'));
  await run('npm', ['pack', '--silent', '--pack-destination', folder]);
  const [tarball = ''] = readdirSync(folder).filter(name => name.endsWith('.tgz'));
  writeFileSync(join(project, 'package.json'), '{"private":true,"type":"module"}');
  await using registry = await startRegistry();
  const options = ['--no-audit', '--no-fund', '--registry', registry.url];
  const cache = ['--cache', join(folder, 'cache')];
  await run('npm', ['install', ...options, ...cache, join(folder, tarball)], { cwd: project });
}, INSTALL_WITHIN_MS);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const installed = (...path: string[]) => join(project, 'node_modules', ...path);

function manifestOf(...path: string[]) {
  return JSON.parse(readFileSync(installed(...path, 'package.json'), 'utf8')) as {
    version: string;
    private?: boolean;
  };
}

test('the package holds what runs and its licence, and none of the sources', () => {
  const files = readdirSync(installed(NAME)).filter(name => name !== 'node_modules');
  const packed = ['CHANGELOG.md', 'LICENSE', 'README.md', 'dist', 'package.json'];
  expect(files.sort()).toEqual(packed.sort());
  expect(existsSync(installed(NAME, 'dist', 'console', 'index.html'))).toBe(true);
  expect(existsSync(installed(NAME, 'dist', 'db', 'migrations', '0001_core.sql'))).toBe(true);
  expect(manifestOf(NAME).private).toBeUndefined();
});

test('it brings the versions that are overridden here, and nothing of development', () => {
  const { overrides } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    overrides: Record<string, string | object>;
  };
  const own = (name: string) => [NAME, 'node_modules', name];
  // An override of a dependency counts for nothing: its packages come within ours.
  for (const [name, version] of Object.entries(overrides)) {
    // What is overridden within one package alone is for a package of development.
    if (typeof version !== 'string') continue;
    expect([name, manifestOf(...own(name)).version]).toEqual([name, version]);
    expect(existsSync(installed(name))).toBe(false);
  }
  // Two of it would not know each other's types.
  expect(existsSync(installed(...own('graphql')))).toBe(false);
  for (const name of ['vitest', 'typescript', 'react']) {
    expect(existsSync(installed(name)) || existsSync(installed(...own(name)))).toBe(false);
  }
});

test('its command runs, and its typed client records with the types that it declares', async () => {
  await using gateway = await startTestGateway();
  const { slug, key } = await gateway.workspace();
  const env = { ...process.env, SLUICE_URL: gateway.url, SLUICE_KEY: key };
  const command = installed('.bin', 'sluice');
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  expect((await run(command, ['--version'])).stdout.trim()).toBe(version);
  const sent = await run(command, ['send', 'from.command', '--json'], { cwd: project, env });
  expect(sent.stdout).toContain('RECORDED');
  const code = (type: string) => `
    import { createClient, type Receipt } from '${NAME}/client';
    const client = createClient({ url: process.env['SLUICE_URL']!, key: process.env['SLUICE_KEY']! });
    const receipt: Receipt = await client.record({ type: ${type} });
    console.log(receipt.status);
    await client.close();`;
  writeFileSync(join(project, 'right.mts'), code("'from.client'"));
  writeFileSync(join(project, 'wrong.mts'), code('7'));
  const tsc = [
    resolve('node_modules/typescript/bin/tsc'),
    ...['--strict', '--module', 'nodenext', '--target', 'es2022', '--pretty', 'false'],
    ...['--typeRoots', resolve('node_modules/@types'), '--types', 'node'],
  ];
  const compiled = run(process.execPath, [...tsc, 'right.mts', 'wrong.mts'], { cwd: project });
  const said =
    /^wrong\.mts\(\d+,\d+\): error TS2322: Type 'number' is not assignable to type 'string'\.\n$/;
  await expect(compiled).rejects.toMatchObject({ stdout: expect.stringMatching(said) });
  const recorded = await run(process.execPath, ['right.mjs'], { cwd: project, env });
  expect(recorded.stdout.trim()).toBe('RECORDED');
  const { events } = await gateway.data<{ events: { nodes: { type: string }[] } }>(
    'query($slug: String) { events(workspace: $slug) { nodes { type } } }',
    { slug },
  );
  expect(events.nodes.map(({ type }) => type)).toEqual(['from.client', 'from.command']);
});
