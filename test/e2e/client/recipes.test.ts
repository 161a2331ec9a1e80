/** The programs of docs/recipes.md, run as they stand there. */
import { codegen } from '@graphql-codegen/core';
import * as typescript from '@graphql-codegen/typescript';
import * as operations from '@graphql-codegen/typescript-operations';
import { parse } from 'graphql';
import { execFile, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { startProxy } from '../../faults/proxy.ts';
import { startChildGateway } from '../../kit/child-gateway.ts';
import { startTestGateway, type TestGateway } from '../../kit/gateway.ts';

const PATIENCE = { timeout: 60_000 };
const run = promisify(execFile);
const PAGE = readFileSync('docs/recipes.md', 'utf8');
const TSX = import.meta.resolve('tsx');

/** The first program of a section. */
function programOf(section: string, language: string): string {
  const text = PAGE.slice(PAGE.indexOf(`\n## ${section}\n`));
  return new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``).exec(text)?.[1] as string;
}

let gateway: TestGateway;
/** Of the programs; packages are found from it. */
const folder = mkdtempSync(join(tmpdir(), 'sluice-recipes-'));
beforeAll(async () => {
  gateway = await startTestGateway();
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'));
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

function fileOf(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

/** Without its end, so that it goes on watching. */
const PYTHON = programOf('Python', 'python').replace(/\n {4}break\n/, '\n');

const WATCHING: readonly [string, string, () => readonly string[]][] = [
  ['Python', 'python3', () => ['-u', fileOf('watch.py', PYTHON)]],
  ['urql', process.execPath, () => typed('urql.mts', programOf('urql', 'ts'))],
  ['Apollo Client', process.execPath, () => typed('apollo.mts', programOf('Apollo Client', 'ts'))],
];

function typed(name: string, text: string): string[] {
  return ['--import', TSX, fileOf(name, text)];
}

describe.each(WATCHING)('the recipe for %s', (_, command, argumentsOf) => {
  const isThere = spawnSync(command, ['--version']).status === 0;

  // A machine without Python has nothing to run its recipe with.
  test.skipIf(!isThere)(
    'records an event, and gets each once while gateways come and go',
    { timeout: 240_000 },
    async () => {
      const { slug, key } = await gateway.workspace();
      await using first = await startChildGateway(gateway.databaseUrl);
      await using second = await startChildGateway(gateway.databaseUrl);
      const way = await startProxy(first.url);
      onTestFinished(() => way.stop());
      const env = { ...process.env, SLUICE_URL: way.url, SLUICE_KEY: key };
      const program = spawn(command, argumentsOf(), { env, stdio: ['ignore', 'pipe', 'inherit'] });
      onTestFinished(() => void program.kill('SIGKILL'));
      let out = '';
      program.stdout.on('data', chunk => (out += String(chunk)));
      /** Whole ones. */
      const lines = () => out.split('\n').slice(0, -1);
      await expect
        .poll(lines, PATIENCE)
        .toEqual(['RECORDED', expect.stringMatching(/^user\.signup .*pro/)]);

      const ended = new Promise(resolve => first.process.once('exit', resolve));
      way.target = second.url;
      first.process.kill('SIGTERM');
      await ended;
      for (const type of ['while.away', 'later']) {
        await gateway.data(
          'mutation($w: String, $type: String!) { recordEvent(input: { workspace: $w, event: { type: $type } }) { clientMutationId: receipt { status } } }',
          { w: slug, type },
        );
      }
      await expect
        .poll(
          () =>
            lines()
              .slice(2)
              .map(line => line.split(' ')[0]),
          PATIENCE,
        )
        .toEqual(['while.away', 'later']);
    },
  );
});

// A machine without Go has nothing to run its recipe with.
test.skipIf(spawnSync('go', ['version']).status !== 0)(
  'the recipe for Go records an event',
  { timeout: 240_000 },
  async () => {
    const { key } = await gateway.workspace();
    const env = { ...process.env, SLUICE_URL: gateway.url, SLUICE_KEY: key };
    const file = fileOf('record.go', programOf('Go', 'go'));
    expect((await run('go', ['run', file], { env })).stdout).toBe('RECORDED\n');
  },
);

test('the recipes for TypeScript have no error of types', async () => {
  const names = [
    ['types-urql.mts', programOf('urql', 'ts')],
    ['types-apollo.mts', programOf('Apollo Client', 'ts')],
    ['hook.mts', programOf('React', 'tsx')],
  ] as const;
  for (const [name, text] of names) {
    fileOf(name, text.replace('@sluice-events/sluice/client', resolve('src/client/index.ts')));
  }
  const { stdout } = await run(
    process.execPath,
    [
      resolve('node_modules/typescript/bin/tsc'),
      ...['--strict', '--noEmit', '--skipLibCheck', '--pretty', 'false'],
      ...['--module', 'nodenext', '--target', 'es2024', '--lib', 'es2024,dom,esnext.disposable'],
      ...['--allowImportingTsExtensions', '--types', 'node'],
      ...names.map(([name]) => name),
    ],
    { cwd: folder },
  ).catch((error: { stdout: string }) => error);
  expect(stdout).toBe('');
});

test('the scalars for code generation are all that there are', async () => {
  const config = JSON.parse(programOf('Types for your operations', 'json')) as object;
  const document = parse('query Newest { events(first: 1) { nodes { occurredAt payload } } }');
  const made = await codegen({
    ...{ filename: 'types.ts', config },
    schema: parse(readFileSync('schema.graphql', 'utf8')),
    documents: [{ location: 'newest.graphql', document }],
    plugins: [{ typescript: {} }, { operations: {} }],
    pluginMap: { typescript, operations },
  });
  expect(made).toContain('occurredAt: string');
  expect(made).toContain('payload: Record<string, unknown>');
});
