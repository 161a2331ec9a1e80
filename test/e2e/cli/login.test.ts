import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startChildGateway } from '../../kit/child-gateway.ts';
import { ADMIN_KEY, startTestGateway, type TestGateway } from '../../kit/gateway.ts';
import { sluice } from './run.ts';

let gateway: TestGateway;
const folder = mkdtempSync(join(tmpdir(), 'sluice-login-'));
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

/** A user with nothing set. */
function user() {
  const home = mkdtempSync(join(folder, 'home-'));
  const environment = {
    ...{ HOME: home, XDG_CONFIG_HOME: undefined, SLUICE_DATA_DIR: join(home, 'data') },
    ...{ SLUICE_URL: undefined, SLUICE_KEY: undefined, SLUICE_PROFILE: undefined },
  };
  const run = (args: string[], more: Record<string, string> = {}, stdin = '') =>
    sluice(args, { ...environment, ...more }, stdin);
  return { home, run, file: join(home, '.config', 'sluice', 'profiles.json') };
}

test('a key that is valid is kept for this user alone, and used by the commands that follow', async () => {
  const { run, file } = user();
  const { slug, key } = await gateway.workspace();
  const login = await run(['login', `${gateway.url}/`], {}, `${key}\n`);
  expect([login.code, login.err]).toEqual([0, expect.stringContaining(`workspace ${slug}`)]);
  expect(login.err).not.toContain(key);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect((await run(['send', 'from.login'])).json()).toMatchObject([{ status: 'RECORDED' }]);
  expect((await run(['logout'])).code).toBe(0);
  expect(readFileSync(file, 'utf8')).not.toContain(key);
  const after = await run(['send', 'from.login']);
  expect([after.code, after.err]).toEqual([2, expect.stringContaining('sluice login')]);
});

test('profiles are told apart by name, by option or SLUICE_PROFILE', async () => {
  const { run } = user();
  const [one, two] = [await gateway.workspace(), await gateway.workspace()];
  await run(['login', gateway.url, '--profile', 'one'], {}, one.key);
  await run(['login', gateway.url, '--profile', 'two'], {}, two.key);
  const viewer = async (args: string[], more: Record<string, string> = {}) => {
    const { out } = await run(['graphql', '{ viewer { workspace { slug } } }', ...args], more);
    return out;
  };
  expect(await viewer(['--profile', 'one'])).toContain(one.slug);
  expect(await viewer([], { SLUICE_PROFILE: 'two' })).toContain(two.slug);
  const none = await run(['tail', '--profile', 'on']);
  expect([none.code, none.err]).toEqual([2, expect.stringContaining('did you mean "one"')]);
});

test('a wrong key is not kept, and a kept one goes to no other address', async () => {
  const { run } = user();
  const wrong = await run(['login', gateway.url], {}, 'slc_wrong');
  expect(wrong.code).toBe(4);
  const { key } = await gateway.workspace();
  await run(['login', gateway.url], {}, key);
  const elsewhere = await run(['send', 'x', '--url', 'http://127.0.0.1:9']);
  expect([elsewhere.code, elsewhere.err]).toEqual([2, expect.stringContaining('key is needed')]);
  const named = await run(['send', 'x', '--profile', 'default', '--url', 'http://127.0.0.1:9']);
  expect([named.code, named.err]).toEqual([2, expect.stringContaining('key of its own')]);
});

test('the gateway of a folder is found there, whatever its port, and no address elsewhere', async () => {
  const { run, home } = user();
  const dataDir = join(home, 'data');
  await using running = await startChildGateway(gateway.databaseUrl, { SLUICE_DATA_DIR: dataDir });
  expect(readFileSync(join(dataDir, 'address'), 'utf8').trim()).toBe(running.url);
  writeFileSync(join(dataDir, 'admin-key'), ADMIN_KEY);
  expect((await run(['keys', 'list'])).code).toBe(0);

  // A folder that came from somebody else.
  const foreign = join(home, 'foreign');
  mkdirSync(foreign);
  writeFileSync(join(foreign, 'address'), 'http://gateway.example:4000\n');
  const away = await run(['keys', 'list'], { SLUICE_DATA_DIR: foreign, SLUICE_KEY: ADMIN_KEY });
  expect([away.code, away.err]).toEqual([3, expect.not.stringContaining('example')]);
});
