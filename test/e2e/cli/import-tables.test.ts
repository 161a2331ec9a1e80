import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestGateway, type TestGateway } from '../../kit/gateway.ts';
import { sluice } from './run.ts';

let gateway: TestGateway;
const folder = mkdtempSync(join(tmpdir(), 'sluice-tables-'));
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

function file(name: string, content: string | Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

/** Imports a table into a workspace of its own: how it ended, what is stored, what was refused. */
async function imported(name: string, content: string | Buffer, ...args: string[]) {
  const { key } = await gateway.workspace();
  const path = file(name, content);
  const ran = await sluice(['import', path, ...args], {
    SLUICE_URL: gateway.url,
    SLUICE_KEY: key,
  });
  const { events } = await gateway.data<{ events: { nodes: Stored[]; totalCount: number } }>(
    `{ events(first: 100, order: { field: POSITION, direction: ASC }) {
      totalCount nodes { occurredAt actor payload } } }`,
    {},
    key,
  );
  const refused = ran.out.includes('refusedFile')
    ? readFileSync(`${path}.refused.ndjson`, 'utf8').trim().split('\n')
    : [];
  return {
    ...{ ran, count: events.totalCount, stored: events.nodes },
    payloads: events.nodes.map(({ payload }) => payload),
    refused: refused.map(line => JSON.parse(line) as Refused).sort((a, b) => a.line - b.line),
  };
}

interface Stored {
  readonly occurredAt: string;
  readonly actor: string | null;
  readonly payload: Record<string, unknown>;
}

interface Refused {
  readonly line: number;
  readonly text: string;
  readonly problems: readonly { code: string; message: string; pointer: string }[];
}

const GOOD = Array.from({ length: 1_000 }, (_, n) => `t,${n}\n`).join('');

describe('a row that is not well-formed costs no other row', () => {
  test.each([
    ['text after a closing quote', 't,"c"d\n', 't,"c"d'],
    ['a quote that is never closed', 't,"open\n', 't,"open'],
  ])('%s', async (_name, row, text) => {
    const { ran, count, refused } = await imported('bad-row.csv', `type,x\n${row}${GOOD}`);
    expect(ran).toMatchObject({ code: 1, err: '' });
    expect(ran.json()).toMatchObject([{ events: 1_001, recorded: 1_000, refused: 1 }]);
    expect(count).toBe(1_000);
    expect(refused).toMatchObject([{ line: 2, text, problems: [{ code: 'NOT_CSV' }] }]);
  });

  test.each([
    ['of one line', 'y'.repeat(17_000_000)],
    ['of many lines', 'y\n'.repeat(9_000_000)],
  ])('a cell of 17 MB %s', async (_name, cell) => {
    const { ran, refused } = await imported('long.csv', `type,x\nt,"${cell}"\n${GOOD}`);
    expect(ran.json()).toMatchObject([{ events: 1_001, recorded: 1_000, refused: 1 }]);
    expect(refused).toMatchObject([{ line: 2, problems: [{ code: 'RECORD_TOO_LONG' }] }]);
    expect(refused[0]?.text).toMatch(/^t,"y/);
  });

  test('a stray quote before more rows than are held in memory', async () => {
    const rows = 't,some words of a row that is good\n'.repeat(500_000);
    const path = file('stray.csv', `type,x\nt,"open\n${rows}`);
    const ran = await sluice(['import', path, '--dry-run']);
    expect(ran.json()).toMatchObject([{ events: 500_001, good: 500_000, refused: 1 }]);
    expect(ran.err).toContain('line 2: A quoted cell is not closed');
  });
});

test('line ends may differ from row to row', async () => {
  const mixed = await imported('lf-first.csv', 'type,x\nt,one\r\nt,two\r\nt,three');
  expect(mixed.payloads).toEqual([{ x: 'one' }, { x: 'two' }, { x: 'three' }]);
  const other = await imported('crlf-first.csv', 'type,x\r\nt,one\nt,"tw\r\no"\nt,three\r');
  expect(other.payloads).toEqual([{ x: 'one' }, { x: 'tw\r\no' }, { x: 'three' }]);
});

test('cells keep their characters: long ids, quotes within, and empty texts', async () => {
  const { payloads, ran } = await imported(
    'cells.csv',
    `type,a,b
t,1050118621198921700,1050118621198921728
t,9007199254740991,9007199254740992
t,007,1.50
t,5" pipe,"say ""hi"""
t,,""
t,-12.5,1e+21
,,
`,
  );
  expect(ran).toMatchObject({ code: 0 });
  expect(payloads).toEqual([
    { a: '1050118621198921700', b: '1050118621198921728' },
    { a: 9007199254740991, b: '9007199254740992' },
    { a: '007', b: '1.50' },
    { a: '5" pipe', b: 'say "hi"' },
    { b: '' },
    { a: -12.5, b: '1e+21' },
  ]);
});

test('a payload cell and its own columns go together, or the row is refused', async () => {
  const { payloads, refused } = await imported(
    'payload.csv',
    `type,payload,payload.a
t,not JSON,1
t,"{""b"":1}",2
t,"{""a"":1}",2
`,
  );
  expect(payloads).toEqual([{ b: 1, a: 2 }]);
  expect(refused).toMatchObject([
    { line: 2, problems: [{ pointer: '/payload' }] },
    { line: 4, problems: [{ code: 'GIVEN_TWICE', pointer: '/payload/a' }] },
  ]);
});

describe('a table that can not be what is meant is told before anything is recorded', () => {
  const semicolons = 'type;x;y\nt;1;2\n';
  const latin1 = Buffer.from('type,x\nt,M\xfcller \x80\n', 'latin1');
  test.each<[string, string | Buffer, string[], RegExp]>([
    ['two columns of one name', 'type,name,name\nt,a,b\n', [], /two columns named "name"/],
    ['cells between semicolons', semicolons, [], /Use --delimiter ";"/],
    ['cells between tabs', semicolons.replaceAll(';', '\t'), [], /Use --delimiter tab/],
    [
      'a mistyped column',
      'type,when\nt,x\n',
      ['--map', 'whn=occurredAt'],
      /"whn": did you mean "when"\? There are "type", "when"/,
    ],
    ['Latin-1', latin1, [], /not UTF-8: see line 2\. .*--encoding windows-1252/],
    [
      'UTF-16 without its mark',
      Buffer.from('type,x\nt,1\n', 'utf16le'),
      [],
      /Use --encoding utf-16le/,
    ],
    ['a workbook', 'PK\u0003\u0004', [], /save the sheet as CSV/],
  ])('%s', async (_name, content, args, said) => {
    const { ran, count } = await imported('meant.csv', content, ...args);
    expect(ran).toMatchObject({ code: 2, out: '', err: expect.stringMatching(said) });
    expect(count).toBe(0);
  });
});

test('tables of Excel are read: sep=, semicolons, its encodings', async () => {
  const rows = [{ x: 1, y: 'Müller €' }];
  const hinted = await imported('sep.csv', 'sep=;\r\ntype;x;y\r\nt;1;Müller €\r\n;;\r\n');
  expect(hinted.payloads).toEqual(rows);
  const latin1 = Buffer.from('type;x;y\r\nt;1;M\xfcller \x80\r\n', 'latin1');
  const options = ['--delimiter', ';', '--encoding', 'latin1'];
  expect((await imported('latin1.csv', latin1, ...options)).payloads).toEqual(rows);
  const utf16 = Buffer.from('\uFEFFtype\tx\ty\r\nt\t1\tMüller €\r\n', 'utf16le');
  expect((await imported('unicode.csv', utf16, '--delimiter', 'tab')).payloads).toEqual(rows);
});

test('in a file of UTF-8, the line that is not is refused', async () => {
  const content = Buffer.concat([
    Buffer.from('type,x\nt,Müller\n'),
    Buffer.from('t,M\xfcller\n', 'latin1'),
    Buffer.from('t,ok\n'),
  ]);
  const { ran, payloads, refused } = await imported('broken.csv', content);
  expect(ran).toMatchObject({ code: 1 });
  expect(payloads).toEqual([{ x: 'Müller' }, { x: 'ok' }]);
  expect(refused).toMatchObject([{ line: 3, problems: [{ code: 'NOT_UTF8' }] }]);
});

test('instants are read as Postgres and pandas write them, without an offset by --time-zone', async () => {
  const table = `type,occurredAt,x
t,2026-11-30 12:53:34.860162+00,1
t,2024-01-01 00:00:00Z,2
t,2024-06-01 12:00:00+05:30,3
t,2024-06-01 12:00:00+0530,4
t,2026-07-01 10:00,5
t,2026-07-01,6
t,2026-03-29 02:30:00,7
t,2026-02-30 00:00:00Z,8
t,1890-01-01 00:00:00+01:05:21,9
`;
  const without = await imported('instants.csv', table);
  expect(without.ran.json()).toMatchObject([{ events: 9, recorded: 5, refused: 4 }]);
  expect(without.refused.map(({ line }) => line)).toEqual([6, 7, 8, 9]);
  expect(without.refused[0]?.problems[0]?.message).toContain('--time-zone');
  const within = await imported('instants-at.csv', table, '--time-zone', 'Europe/Vienna');
  expect(within.refused.map(({ line }) => line)).toEqual([8, 9]);
  expect(within.refused[0]?.problems[0]?.message).toContain('does not exist in --time-zone');
  expect(within.stored.map(({ occurredAt }) => occurredAt)).toEqual([
    '2026-11-30T12:53:34.860Z',
    '2024-01-01T00:00:00.000Z',
    '2024-06-01T06:30:00.000Z',
    '2024-06-01T06:30:00.000Z',
    '2026-07-01T08:00:00.000Z',
    '2026-06-30T22:00:00.000Z',
    '1889-12-31T22:54:39.000Z',
  ]);
});

test('a dry run needs no gateway, records nothing and shows what would come', async () => {
  const path = file('dry.csv', 'type,when,user\nt,2026-01-01,ada\n,2026-01-02,bob\n');
  const ran = await sluice([
    ...['import', path, '--dry-run', '--time-zone', 'UTC'],
    ...['--map', 'when=occurredAt', '--map', 'user=actor'],
  ]);
  expect(ran).toMatchObject({ code: 1, err: 'sluice: line 3: type is missing.\n' });
  const first = [{ type: 't', occurredAt: '2026-01-01T00:00:00Z', actor: 'ada' }];
  expect(ran.json()).toMatchObject([{ dryRun: true, events: 2, good: 1, refused: 1, first }]);
});
