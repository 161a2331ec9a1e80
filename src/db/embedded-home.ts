import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { asOwner, type Binaries, findBinaries, mayEnter, type Owner } from './embedded-binaries.ts';

/** Where an embedded Postgres lives, and as whom. */
export interface Home {
  readonly data: string;
  /** Folder of the Unix socket, for its owner alone. */
  readonly socket: string;
  readonly binaries: Binaries;
  /** Absent: the user of this process. */
  readonly owner: Owner | undefined;
  readonly password: string;
  readonly logFile: string;
  /** What an operator ought to know. */
  readonly note: string | undefined;
}

/** In the data folder: what belongs to Postgres' user. */
const POSTGRES = 'postgres';
/** Kept by the system over restarts, and open to all to enter. */
const SHELTER = '/var/lib/sluice';
/** A socket's path has 107 bytes at most, of which its name takes some. */
const SOCKET_FOLDER_BYTES_MAX = 85;

/**
 * Finds or makes the home of the Postgres of a data folder. As root, which Postgres refuses to
 * be, it runs as another user; where that one may not enter the data folder, the data lies
 * under `shelter`, and a file in the data folder says where.
 */
export async function settle(dataDir: string, wishedShelter?: string): Promise<Home> {
  const asRoot = isRoot();
  const shelter = wishedShelter ?? (asRoot ? SHELTER : resolve(dataDir));
  const pointer = join(dataDir, 'postgres.elsewhere');
  const near = join(resolve(dataDir), POSTGRES);
  const away = existsSync(pointer) ? readFileSync(pointer, 'utf8').trim() : undefined;
  const owner = asRoot ? chooseOwner(join(away ?? near, 'data')) : undefined;
  const folder = away ?? chooseFolder({ near, owner, shelter, pointer });
  makeFolder(folder, owner);
  checkOwner(join(folder, 'data'));
  const binaries = await findBinaries(owner, shelter);
  return {
    data: join(folder, 'data'),
    socket: socketFolder(folder, owner),
    binaries,
    owner,
    password: readPassword(join(dataDir, 'postgres.password'), existsSync(join(folder, 'data'))),
    logFile: join(dataDir, 'postgres.log'),
    note: describe({ folder, near, binaries, owner }),
  };
}

/**
 * Makes the data folder, or closes one that others may read or write. Root's is open for Postgres'
 * user to pass through; each secret file in it is closed by itself.
 * @throws Error where the gateway runs as root and another user owns the folder, a link to it or what
 * is in it: that user could have put a symbolic link in place of a file that root writes.
 */
export function makeDataDir(dataDir: string): void {
  const mode = isRoot() ? 0o711 : 0o700;
  mkdirSync(dataDir, { recursive: true, mode });
  const found = statSync(dataDir);
  if (isRoot()) requireRoots(dataDir, found.uid);
  if (process.platform !== 'win32' && (found.mode & 0o777 & ~mode) !== 0) chmodSync(dataDir, mode);
}

/** The folder, a link that leads to it, and all in it but for what is of Postgres' user. */
function requireRoots(dataDir: string, uid: number): void {
  const owners = [
    [dataDir, uid],
    [dataDir, lstatSync(dataDir).uid],
    ...readdirSync(dataDir)
      .filter(name => name !== POSTGRES || lstatSync(join(dataDir, name)).isSymbolicLink())
      .map(name => [join(dataDir, name), lstatSync(join(dataDir, name)).uid]),
  ] as const;
  const strange = owners.find(([, owner]) => owner !== 0);
  if (strange === undefined) return;
  const [path, owner] = strange;
  throw new Error(
    `${path} belongs to user ${owner}, but the gateway runs as root: start it as that ` +
      `user, or make root the owner of ${path === dataDir ? 'the folder' : 'what is in the folder'}`,
  );
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

function describe(at: {
  folder: string;
  near: string;
  binaries: Binaries;
  owner: Owner | undefined;
}): string | undefined {
  if (at.owner === undefined) return undefined;
  const user = `Postgres does not run as root: it runs as user ${at.owner.uid}`;
  if (at.folder !== at.near) {
    return `${user}, which may not enter ${dirname(at.near)}; its data is in ${at.folder}`;
  }
  return at.binaries.copied ? `${user}, from a copy in ${dirname(at.binaries.native)}` : user;
}

/** Whoever owns the data; else a user "sluice", then "postgres"; last the system's nobody. */
function chooseOwner(data: string): Owner {
  if (existsSync(data)) {
    const { uid, gid } = lstatSync(data);
    if (uid !== 0) return { uid, gid };
  }
  const users = new Map(
    readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .map(line => line.split(':'))
      .map(([name = '', , uid, gid]) => [name, { uid: Number(uid), gid: Number(gid) }]),
  );
  const owner = ['sluice', 'postgres', '_postgres', 'nobody']
    .map(name => users.get(name))
    .find(Boolean);
  if (owner !== undefined && owner.uid > 0) return owner;
  throw new Error(
    'Postgres does not run as root, and there is no user sluice, postgres or nobody: ' +
      'start the gateway as another user, or set DATABASE_URL',
  );
}

function chooseFolder(options: {
  near: string;
  owner: Owner | undefined;
  shelter: string;
  pointer: string;
}): string {
  const { near, owner, shelter, pointer } = options;
  if (owner === undefined || mayEnter(dirname(near), owner)) return near;
  if (existsSync(join(near, 'data'))) {
    throw new Error(`user ${owner.uid}, whose data is in ${near}, may not enter that folder`);
  }
  const away = join(shelter, randomBytes(6).toString('hex'));
  writeFileSync(pointer, `${away}\n`, { mode: 0o600, flag: 'wx' });
  return away;
}

function makeFolder(folder: string, owner: Owner | undefined): void {
  mkdirSync(dirname(folder), { recursive: true, mode: 0o755 });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  // Its parent is root's: nobody else can have put a link there.
  if (owner !== undefined) lchownSync(folder, owner.uid, owner.gid);
}

function checkOwner(data: string): void {
  const uid = process.getuid?.();
  if (uid === undefined || uid === 0 || !existsSync(data)) return;
  const owner = statSync(data).uid;
  if (owner === uid) return;
  throw new Error(`${data} belongs to user ${owner}: start the gateway as that user or as root`);
}

function socketFolder(folder: string, owner: Owner | undefined): string {
  const near = join(folder, 'socket');
  const isShort = Buffer.byteLength(near) <= SOCKET_FOLDER_BYTES_MAX;
  // A name that can be guessed may be taken by another user of the machine first.
  const socket = asOwner(owner, () => {
    if (!isShort) return mkdtempSync(join(tmpdir(), 'sluice-'));
    mkdirSync(near, { recursive: true, mode: 0o700 });
    return near;
  });
  const { uid, mode } = lstatSync(socket);
  const expected = owner?.uid ?? process.getuid?.();
  if (expected !== undefined && (uid !== expected || (mode & 0o077) !== 0)) {
    throw new Error(
      `${socket} must be a folder that belongs to user ${expected} and that nobody else may use`,
    );
  }
  return socket;
}

function readPassword(file: string, hasData: boolean): string {
  if (existsSync(file)) return readFileSync(file, 'utf8').trim();
  if (hasData) throw new Error(`${file} is missing: the database cannot be opened without it`);
  const password = randomBytes(24).toString('base64url');
  writeFileSync(file, `${password}\n`, { mode: 0o600, flag: 'wx' });
  return password;
}
