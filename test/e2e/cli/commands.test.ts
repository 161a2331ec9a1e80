import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { program } from '../../../src/cli/program.ts';
import { ADMIN_KEY, startTestGateway, type TestGateway } from '../../kit/gateway.ts';
import { sluice, startSluice } from './run.ts';

let gateway: TestGateway;
let environment: { SLUICE_URL: string; SLUICE_KEY: string };
beforeAll(async () => {
  gateway = await startTestGateway();
  environment = { SLUICE_URL: gateway.url, SLUICE_KEY: ADMIN_KEY };
});
afterAll(() => gateway[Symbol.asyncDispose]());

test('send records one event by its options, and lines as they come', async () => {
  const { slug } = await gateway.workspace();
  const one = await sluice(
    [
      'send',
      'user.signup',
      '-w',
      slug,
      '--id',
      'u1',
      '--payload',
      '{"plan":"pro"}',
      '--no-success',
    ],
    environment,
  );
  expect(one.json()).toMatchObject([{ status: 'RECORDED', eventId: 'u1', position: 1 }]);
  const lines = '{"type":"a"}\n{"typ":"b"}\n{"type":"c"}\n';
  const many = await sluice(['send', '-w', slug], environment, lines);
  expect(many).toMatchObject({ code: 1 });
  expect(many.err).toBe(
    'sluice: line 2: type is missing. typ is not a field of an event: did you mean "type"?\n',
  );
  expect(many.json()).toMatchObject([
    { line: 1, position: 2 },
    { line: 2, status: 'REJECTED', problems: [{ pointer: '/type' }, { pointer: '/typ' }] },
    { line: 3, position: 3 },
  ]);
  const counted = await sluice(['query', '-w', slug, '--group', 'type', '--top', '2'], environment);
  expect(counted.json()).toHaveLength(2);
  const sparks = await sluice(['query', '-w', slug, '--by', 'hour', '--spark'], environment);
  expect(sparks.out).toMatch(/^all .*█ +3$/m);
});

test('send prints a receipt for every line, also for those that no event can be made of', async () => {
  const { slug } = await gateway.workspace();
  const lines = Buffer.concat([
    Buffer.from('{"type":"a","occurredAt":"2026-11-30 12:53:34+00"}\n'),
    Buffer.from('{"type":"b","occurredAt":"2026-02-30T00:00:00Z"}\n'),
    Buffer.from('{"type":"c","payload":{"n":1e400}}\n'),
    Buffer.from('{"type":"d","subject":"M\xfcller"}\n', 'latin1'),
    Buffer.from('{"type":"e","payload":{"hash":"88e1234"}}\n'),
    Buffer.from('{"type":"f","colour":"red"}\n'),
  ]);
  const sent = await sluice(['send', '-w', slug], environment, lines);
  expect(sent).toMatchObject({ code: 1 });
  expect(sent.json()).toMatchObject([
    { line: 1, status: 'RECORDED', position: 1 },
    { line: 2, status: 'REJECTED', problems: [{ pointer: '/occurredAt' }] },
    { line: 3, status: 'REJECTED', problems: [{ pointer: '/payload/n' }] },
    { line: 4, status: 'REJECTED', problems: [{ code: 'NOT_UTF8' }] },
    { line: 5, status: 'RECORDED', position: 2 },
    { line: 6, status: 'REJECTED', problems: [{ code: 'UNKNOWN_FIELD' }] },
  ]);
});

test('keys are made, listed and revoked', async () => {
  const { slug } = await gateway.workspace();
  const made = await sluice(
    ['keys', 'create', 'shop', '-w', slug, '--scope', 'EVENTS_WRITE', 'EVENTS_READ'],
    environment,
  );
  const [key] = made.json() as [{ secret: string; prefix: string; id: string }];
  const own = { ...environment, SLUICE_KEY: key.secret };
  expect((await sluice(['send', 'a'], own)).json()).toMatchObject([{ status: 'RECORDED' }]);
  expect(await sluice(['keys', 'list'], own)).toMatchObject({ code: 4 });
  const listed = (await sluice(['keys', 'list'], environment)).json();
  expect(listed).toContainEqual(expect.objectContaining({ id: key.id, name: 'shop' }));
  expect(JSON.stringify(listed)).not.toContain(key.secret);
  expect(await sluice(['keys', 'revoke', key.prefix], environment)).toMatchObject({ code: 0 });
  const refused = await sluice(['export'], own);
  expect(refused).toMatchObject({ code: 4, out: '' });
});

/** A server may have a setting that the gateway warns of when it starts. */
const isLogLine = (line: string) => line.startsWith('{');

test('a fault is one line that says what to do, with its exit code', async () => {
  const server = createServer((_, res) => res.end('hello')).listen(0, '127.0.0.1');
  const { port } = await new Promise<AddressInfo>(resolve =>
    server.once('listening', () => resolve(server.address() as AddressInfo)),
  );
  const cases: [string[], object, number, RegExp][] = [
    [['send', 'a', '--url', 'localhost:4000'], {}, 2, /with http:\/\/ or https:\/\//],
    [
      ['export', '--url', 'http://127.0.0.1:9'],
      {},
      3,
      /No gateway answers at .*Check that it is running/,
    ],
    [['send', 'a'], { SLUICE_KEY: 'nobody-has-this-key' }, 4, /Check SLUICE_KEY/],
    [
      ['import', 'README.md', '--format', 'ndjson', '--url', 'http://127.0.0.1:9'],
      {},
      3,
      /bad port/,
    ],
    [['send', 'a', '-w', 'defalt'], {}, 1, /did you mean "default"\?/],
    [['graphql', '--take', 'x', '{ a }'], {}, 2, /Expected a whole number from 1/],
    [
      ['serve'],
      { PORT: String(port), DATABASE_URL: gateway.databaseUrl },
      1,
      /Port \d+ is already in use/,
    ],
  ];
  const runs = await Promise.all(
    cases.map(([args, more]) => sluice(args, { ...environment, ...more })),
  );
  server.close();
  cases.forEach(([args, , code, said], index) => {
    const { err, code: ended } = runs[index]!;
    expect([args, ended, err]).toEqual([args, code, expect.stringMatching(said)]);
    const sentences = err
      .trim()
      .split('\n')
      .filter(each => !isLogLine(each));
    expect(sentences.length, err).toBeLessThanOrEqual(2);
  });
});

test('a gateway that finds its port taken says so and ends at once', async () => {
  const { port } = new URL(gateway.url);
  const startedMs = performance.now();
  const started = startSluice(['serve'], { PORT: port, DATABASE_URL: gateway.databaseUrl });
  await once(started.process.stderr!, 'data');
  const saidMs = performance.now();
  expect(await started.ended).toMatchObject({
    code: 1,
    err: expect.stringMatching(/is already in use/),
  });
  // A slow machine takes as long to end as it took to start.
  expect(performance.now() - saidMs).toBeLessThan(Math.max(3_000, saidMs - startedMs));
});

test('every command explains itself with an example', () => {
  const all = program.commands.flatMap(each => [each, ...each.commands]);
  const runnable = all.filter(each => each.commands.length === 0);
  expect(runnable.length).toBeGreaterThan(12);
  for (const command of runnable) {
    let help = '';
    command.configureOutput({ writeOut: text => (help += text) });
    command.outputHelp();
    expect([command.name(), help]).toEqual([
      command.name(),
      expect.stringMatching(/\nExamples?:\n {2}/),
    ]);
  }
});

test('a shell completes commands, options and what an option may be', async () => {
  const { out } = await sluice(['completion', 'bash']);
  const completed = async (...words: string[]) => {
    const line = words.map(word => `'${word}'`).join(' ');
    const asked = `COMP_WORDS=(sluice ${line}) COMP_CWORD=${words.length}; _sluice`;
    const print = 'echo "${COMPREPLY[*]}"';
    const { stdout } = await promisify(execFile)('bash', ['-c', `${out}\n${asked}\n${print}`]);
    return stdout.trim();
  };
  expect(await completed('keys', 'cr')).toBe('create');
  expect(await completed('completion', 'z')).toBe('zsh');
  expect(await completed('export', '--format', '')).toBe('ndjson csv');
  expect(await completed('workspaces', 'update', '--unknown-types', 'R')).toBe('REJECT');
});
