/** What somebody recorded steers no terminal and turns no text around, whichever command shows it. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ADMIN_KEY, startTestGateway, type TestGateway } from '../../kit/gateway.ts';
import { sluice } from './run.ts';

let gateway: TestGateway;
const folder = mkdtempSync(join(tmpdir(), 'sluice-terminal-'));
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

/** As on a terminal: a test has none. */
const ON_TERMINAL = {
  NODE_OPTIONS: '--import data:text/javascript,process.stdout.isTTY=true',
};
/** Controls in both ranges, and what turns the direction of text or ends a line. */
const EVIL =
  '\u001b[2J\u0007\u007f\u0085\u009b31m\u009d0;x\u009c\u061c\u200e\u200f\u202e\u202a\u2066\u2069\u2028\u2029\nsluice: all is well';
const STEERING = /[\0-\t\v\f\u000e-\u001f\u007f-\u009f\p{Bidi_Control}\u2028\u2029]/u;
const IN_JSON = /[\0-\t\v-\u001f\u007f-\u009f\p{Bidi_Control}\u2028\u2029]/u;

async function at() {
  const { slug, key } = await gateway.workspace();
  const event = {
    ...{ id: `id${EVIL}`, type: `type${EVIL}`, subject: EVIL, description: EVIL },
    payload: { [`key${EVIL}`]: EVIL, group: EVIL },
  };
  const record = `mutation ($event: EventInput!) {
    recordEvent(input: { event: $event }) { receipt { status } } }`;
  await gateway.data(record, { event }, key);
  const environment = { SLUICE_URL: gateway.url, SLUICE_KEY: key };
  return { slug, event, environment, onTerminal: { ...environment, ...ON_TERMINAL } };
}

const DOCUMENT = '{ events { nodes { eventId type subject payload } } }';

test.each([
  [['export']],
  [['export', '--format', 'csv']],
  [['query', '--group', 'type', '--group', 'payload.group']],
  [['query', '--group', 'subject', '--by', 'hour', '--spark']],
  [['graphql', DOCUMENT]],
  [['graphql', `{ nothing(a: ${JSON.stringify(EVIL)}) }`]],
  [['send', `type${EVIL}`, '--id', `id${EVIL}`]],
  [['send', `type${EVIL}`, '--client-ip', EVIL]],
])('on a terminal %j prints nothing that steers it', async args => {
  const { onTerminal } = await at();
  const { out, err } = await sluice(args, onTerminal);
  expect(`${out}${err}`).not.toBe('');
  expect(out.replaceAll('\r\n', '\n')).not.toMatch(STEERING);
  expect(err).not.toMatch(STEERING);
  expect(`${out}\n${err}`).not.toMatch(/^sluice: all is well/m);
});

test('lines that are refused are told without what steers a terminal', async () => {
  const { onTerminal } = await at();
  const line = `{"type":"t",${JSON.stringify(`field${EVIL}`)}:1}\n`;
  const file = join(folder, 'evil.ndjson');
  writeFileSync(file, line);
  for (const ran of [
    await sluice(['send'], onTerminal, line),
    await sluice(['import', file, '--dry-run'], onTerminal),
    await sluice(['import', file], onTerminal),
  ]) {
    expect(ran.code).toBe(1);
    expect(ran.out.replaceAll('\r\n', '\n')).not.toMatch(STEERING);
    expect(ran.err).not.toMatch(STEERING);
    expect(ran.err).not.toMatch(/^sluice: all is well/m);
  }
  expect(readFileSync(`${file}.refused.ndjson`, 'utf8').replaceAll('\n', '')).not.toMatch(IN_JSON);
});

test.each(['typescript', 'zod', 'json-schema'])(
  'code that is generated as %s has escapes for what steers a terminal or turns code around',
  async kind => {
    const { slug } = await gateway.workspace();
    const define = `mutation ($input: DefineEventInput!) {
      defineEvent(input: $input) { definition { name } } }`;
    const payloadSchema = { properties: { [`key${EVIL}`]: { description: EVIL, enum: [EVIL] } } };
    const input = { workspace: slug, name: `type${EVIL}`, description: EVIL, payloadSchema };
    await gateway.data(define, { input });
    const environment = { SLUICE_URL: gateway.url, SLUICE_KEY: ADMIN_KEY };
    const { code, out, err } = await sluice(['generate', kind, '-w', slug], environment);
    expect([code, err]).toEqual([0, '']);
    expect(out).toContain('\\u009b31m');
    expect(out.replaceAll('\n', '')).not.toMatch(IN_JSON);
  },
);

test('a suggestion for the columns of a file has nothing of them that steers a terminal', async () => {
  const { environment, onTerminal } = await at();
  const file = join(folder, 'evil.csv');
  writeFileSync(file, `type,"event\u009b31m name",actor_id\r\nt,n,a\r\n`);
  const shown = await sluice(['import', file, '--dry-run'], onTerminal);
  expect(shown.out).toContain('name');
  expect(shown.out).not.toMatch(STEERING);
  const told = await sluice(['import', file, '--dry-run'], environment);
  expect(told.out.replaceAll('\n', '')).not.toMatch(IN_JSON);
});

test('a command that works for a consumer is given JSON without what steers a terminal', async () => {
  const { slug, event } = await at();
  const create = `mutation { createConsumer(input: {
    workspace: "${slug}", name: "c", from: { start: BEGINNING } }) { consumer { name } } }`;
  await gateway.data(create);
  const args = ['consume', 'c', '-w', slug, '--take', '1', '--', 'cat'];
  const { out } = await sluice(args, { SLUICE_URL: gateway.url, SLUICE_KEY: ADMIN_KEY });
  expect(out.replaceAll('\n', '')).not.toMatch(IN_JSON);
  expect(JSON.parse(out)).toMatchObject({ type: event.type, subject: event.subject });
});

test('keys are listed and revoked without what is in their names', async () => {
  const environment = { SLUICE_URL: gateway.url, SLUICE_KEY: ADMIN_KEY };
  const made = await sluice(['keys', 'create', `name${EVIL}`], environment);
  const [key] = made.json() as [{ prefix: string; name: string }];
  expect(key.name).toContain('\u009b31m');
  for (const args of [
    ['keys', 'list'],
    ['keys', 'revoke', key.prefix],
  ]) {
    const { code, out } = await sluice(args, { ...environment, ...ON_TERMINAL });
    expect([code, out]).toEqual([0, expect.stringContaining('name')]);
    expect(out).not.toMatch(STEERING);
  }
});

test('JSON in a pipe is the same JSON, with escapes for what steers a terminal', async () => {
  const { environment, event } = await at();
  for (const args of [['export'], ['graphql', DOCUMENT], ['query', '--group', 'type']]) {
    const { out } = await sluice(args, environment);
    expect(out.replaceAll('\n', '')).not.toMatch(IN_JSON);
    expect(out).toContain('\\u009b');
  }
  const [exported] = (await sluice(['export'], environment)).json();
  expect(exported).toMatchObject(event);
});

test('a table for spreadsheets has no formulas in it, and any other has its texts as they are', async () => {
  const { key } = await gateway.workspace();
  const environment = { SLUICE_URL: gateway.url, SLUICE_KEY: key };
  const subjects = ['=1+1', '+1', '-1', '@a', '\t=1', '\r=1', '＝1', 'a=1', "'a", ''];
  const events = subjects.map(subject => ({ type: 't', subject, payload: { n: -1 } }));
  const record = `mutation ($events: [EventInput!]!) {
    recordEvents(input: { events: $events }) { recordedCount } }`;
  await gateway.data(record, { events }, key);
  const args = ['export', '--format', 'csv', '--columns', 'subject,payload.n'];
  expect((await sluice(args, environment)).out).toBe(
    'subject,payload.n\r\n=1+1,-1\r\n+1,-1\r\n-1,-1\r\n@a,-1\r\n\t=1,-1\r\n"\r=1",-1\r\n＝1,-1\r\na=1,-1\r\n\'a,-1\r\n"",-1\r\n',
  );
  expect((await sluice([...args, '--spreadsheet-safe'], environment)).out).toBe(
    "subject,payload.n\r\n'=1+1,-1\r\n'+1,-1\r\n'-1,-1\r\n'@a,-1\r\n'\t'=1,-1\r\n\"'\r'=1\",-1\r\n'＝1,-1\r\na=1,-1\r\n'a,-1\r\n\"\",-1\r\n",
  );
  expect(await sluice(['export', '--spreadsheet-safe'], environment)).toMatchObject({ code: 2 });
});

test('a table for spreadsheets that part cells at semicolons has no formulas in it, either', async () => {
  const { key } = await gateway.workspace();
  const environment = { SLUICE_URL: gateway.url, SLUICE_KEY: key };
  const record = `mutation ($events: [EventInput!]!) {
    recordEvents(input: { events: $events }) { recordedCount } }`;
  const events = [{ type: 't', subject: 'a;=1+1', payload: { m: ';@b', n: -1 } }];
  await gateway.data(record, { events }, key);
  const columns = 'subject,payload.m,payload.n,payload';
  const args = ['export', '--format', 'csv', '--columns', columns, '--spreadsheet-safe'];
  expect((await sluice(args, environment)).out).toBe(
    `${columns}\r\na;'=1+1,;'@b,-1,"{""m"":"";'@b"",""n"":-1}"\r\n`,
  );
});
