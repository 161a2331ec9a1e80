import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { createDatabase } from '../../../src/db/client.ts';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../../../src/db/embedded.ts';
import { processExists } from '../../../src/db/folder-lock.ts';

const asRoot = process.getuid?.() === 0;
const gatewayFile = new URL('embedded-gateway.ts', import.meta.url).pathname;
const logged: string[] = [];
const children: ChildProcess[] = [];
let dataDir: string;
let postgres: EmbeddedPostgres | undefined;

beforeAll(async () => {
  dataDir = makeFolder();
  await start();
  await query('create table kept as select 1 as a');
  await stop();
});
beforeEach(() => void logged.splice(0));
afterEach(async () => {
  await stop();
  await Promise.all(children.splice(0).map(kill));
});
afterAll(() => rmSync(dataDir, { recursive: true }));

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-embedded-'));
  chmodSync(folder, 0o711);
  return folder;
}

async function start(): Promise<void> {
  postgres = await startEmbeddedPostgres({ dataDir, log: text => logged.push(text) });
}

async function stop(): Promise<void> {
  await postgres?.stop();
  postgres = undefined;
}

async function query(text: string, url = postgres!.url): Promise<object[]> {
  const database = createDatabase({ url });
  return database.write.query(text).finally(() => database.stop());
}

const pidFile = () => join(dataDir, 'postgres', 'data', 'postmaster.pid');
const serverPid = () => Number.parseInt(readFileSync(pidFile(), 'utf8'), 10);

async function startGateway(): Promise<{ child: ChildProcess; url: string }> {
  const args = ['--import', 'tsx', gatewayFile, dataDir];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const [url] = (await once(child.stdout!, 'data')) as [Buffer];
  return { child, url: url.toString().trim() };
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

test('a database is found again with its data, and durable', async () => {
  await start();
  expect(await query('select a from kept')).toEqual([{ a: 1 }]);
  expect(
    await query(`select current_setting('fsync') || current_setting('full_page_writes')
    || current_setting('synchronous_commit') as durable`),
  ).toEqual([{ durable: 'ononon' }]);
});

test('nobody else may read the password, and nobody enters without it', async () => {
  await start();
  expect(statSync(join(dataDir, 'postgres.password')).mode & 0o777).toBe(0o600);
  const url = new URL(postgres!.url);
  url.password = 'guessed';
  await expect(query('select 1', url.href)).rejects.toThrow('password authentication failed');
});

test('a second start on the folder is refused with folder and process', async () => {
  const { child } = await startGateway();
  const message = `${dataDir} is in use by the gateway with process id ${child.pid}`;
  await expect(start()).rejects.toThrow(message);
});

test('a gateway in another container, whose process id is unknown here, holds its folder while it lives', async () => {
  const { child } = await startGateway();
  const lock = join(dataDir, 'gateway.lock');
  const [, ...rest] = readFileSync(lock, 'utf8').split(' ');
  for (const pid of [process.pid, 99_999_999]) {
    writeFileSync(lock, [pid, ...rest].join(' '));
    await expect(start()).rejects.toThrow(`${dataDir} is in use`);
  }
  await kill(child);
  await start();
  expect(readdirSync(dataDir).filter(name => name.endsWith('.sock'))).toHaveLength(1);
  await stop();
  expect(readdirSync(dataDir).filter(name => name.startsWith('gateway'))).toEqual([]);
});

test('a start in the same process is refused until the first has stopped', async () => {
  await start();
  const again = startEmbeddedPostgres({ dataDir, log: () => {} });
  await expect(again).rejects.toThrow(`process id ${process.pid}`);
  await stop();
  await start();
});

test('the Postgres of a killed gateway is ended and started again with what was committed', async () => {
  const { child, url } = await startGateway();
  await query('create table orphaned as select 2 as a', url);
  await kill(child);
  const orphan = serverPid();
  await start();
  expect(logged).toEqual([expect.stringContaining(`process id ${orphan}`)]);
  expect(serverPid()).not.toBe(orphan);
  expect(await query('select a from orphaned')).toEqual([{ a: 2 }]);
});

test('what was committed survives when gateway and Postgres are killed', async () => {
  const { child, url } = await startGateway();
  await query('create table crashed as select 3 as a', url);
  await kill(child);
  process.kill(serverPid(), 'SIGKILL');
  await start();
  expect(await query('select a from crashed')).toEqual([{ a: 3 }]);
});

test('a Postgres that is killed under its gateway is started again', async () => {
  await start();
  const database = createDatabase({ url: postgres!.url });
  await database.read.query('select 1');
  process.kill(serverPid(), 'SIGKILL');
  const ask = () =>
    database.read.query('select a from kept').catch((e: { code: string }) => e.code);
  await expect.poll(ask).toEqual([{ a: 1 }]);
  await database.stop();
});

test('a pid file whose pid is now another program does not hold up the start', async () => {
  await start();
  const lines = readFileSync(pidFile(), 'utf8').split('\n');
  await stop();
  const { uid, gid } = statSync(join(dataDir, 'postgres', 'data'));
  const other = spawn('sleep', ['60'], asRoot ? { uid, gid } : {});
  children.push(other);
  writeFileSync(pidFile(), [String(other.pid), ...lines.slice(1)].join('\n'));
  chownSync(pidFile(), uid, gid);
  await start();
  expect(serverPid()).not.toBe(other.pid);
  expect(processExists(other.pid!)).toBe(true);
});

test('a start that was interrupted while creating the database begins again', async () => {
  const folder = makeFolder();
  const left = join(folder, 'postgres', 'data.new', 'base');
  mkdirSync(left, { recursive: true });
  const { uid, gid } = statSync(join(dataDir, 'postgres', 'data'));
  for (const each of [left, dirname(left), dirname(dirname(left))]) chownSync(each, uid, gid);
  const fresh = await startEmbeddedPostgres({ dataDir: folder, log: () => {} });
  expect(await query('select 1 as one', fresh.url)).toEqual([{ one: 1 }]);
  await fresh.stop();
  rmSync(folder, { recursive: true });
});

test.runIf(asRoot)(
  'as root, below a closed folder, Postgres runs elsewhere and says where',
  async () => {
    const [closed, shelter] = [makeFolder(), makeFolder()];
    chmodSync(closed, 0o700);
    const options = { dataDir: join(closed, 'data'), shelter, log: () => {} };
    const first = await startEmbeddedPostgres(options);
    expect(first.note).toContain(`its data is in ${shelter}`);
    await query('create table moved as select 4 as a', first.url);
    await first.stop();
    expect(existsSync(join(closed, 'data', 'postgres'))).toBe(false);
    const second = await startEmbeddedPostgres(options);
    expect(await query('select a from moved', second.url)).toEqual([{ a: 4 }]);
    await second.stop();
    for (const folder of [closed, shelter]) rmSync(folder, { recursive: true });
  },
);

test.runIf(asRoot)(
  'as root, a symbolic link that the user of Postgres puts in place of a file gives that user nothing',
  async () => {
    const secret = join(makeFolder(), 'secret');
    writeFileSync(secret, 'of root', { mode: 0o600 });
    const settings = join(dataDir, 'postgres', 'data', 'sluice.conf');
    const before = readFileSync(settings, 'utf8');
    rmSync(settings);
    symlinkSync(secret, settings);
    await expect(start()).rejects.toThrow('EACCES');
    expect(readFileSync(secret, 'utf8')).toBe('of root');
    expect(statSync(secret)).toMatchObject({ uid: 0, mode: 0o100600 });
    rmSync(settings);
    const { uid, gid } = statSync(join(dataDir, 'postgres', 'data'));
    writeFileSync(settings, before, { mode: 0o600 });
    chownSync(settings, uid, gid);

    const socket = join(dataDir, 'postgres', 'socket');
    rmSync(socket, { recursive: true });
    symlinkSync(dirname(secret), socket);
    await expect(start()).rejects.toThrow(
      `${socket} must be a folder that belongs to user ${uid} and that nobody else may use`,
    );
    expect(statSync(dirname(secret)).uid).toBe(0);
    rmSync(socket);
    rmSync(dirname(secret), { recursive: true });

    await start();
    expect(await query('select a from kept')).toEqual([{ a: 1 }]);
  },
);

test.runIf(asRoot)('as root, a data folder of another user is refused by name', async () => {
  const folder = makeFolder();
  chownSync(folder, 65_534, 65_534);
  const refused = startEmbeddedPostgres({ dataDir: folder, log: () => {} });
  await expect(refused).rejects.toThrow(`${folder} belongs to user 65534`);
  expect(readdirSync(folder)).toEqual([]);
  rmSync(folder, { recursive: true });
});

test.runIf(asRoot)(
  'as root, what another user has put into the data folder is refused',
  async () => {
    const folder = makeFolder();
    const target = join(folder, 'target');
    mkdirSync(target, { mode: 0o755 });
    const given = join(folder, 'given');
    const start = () => startEmbeddedPostgres({ dataDir: given, log: () => {} });

    // The folder itself leads where that user likes.
    symlinkSync(target, given);
    lchownSync(given, 65_534, 65_534);
    await expect(start()).rejects.toThrow(`${given} belongs to user 65534`);
    expect(statSync(target).mode & 0o777).toBe(0o755);
    rmSync(given);

    // It was open to all, and says where Postgres' data is, which root would give away.
    mkdirSync(given, { mode: 0o777 });
    const pointer = join(given, 'postgres.elsewhere');
    writeFileSync(pointer, `${target}\n`);
    chownSync(pointer, 65_534, 65_534);
    await expect(start()).rejects.toThrow(`${pointer} belongs to user 65534`);
    expect(statSync(target).uid).toBe(0);
    expect(readdirSync(target)).toEqual([]);
    rmSync(folder, { recursive: true });
  },
);

test('a data folder that others may write is closed, and its lock is for its owner', async () => {
  chmodSync(dataDir, 0o777);
  await start();
  expect(statSync(dataDir).mode & 0o777).toBe(asRoot ? 0o711 : 0o700);
  expect(statSync(join(dataDir, 'gateway.lock')).mode & 0o777).toBe(0o600);
});
