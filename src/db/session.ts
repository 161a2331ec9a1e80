/**
 * One session with Postgres: a postgres.js client of one connection, which is thrown away with
 * it. Every statement has two limits: `statement_timeout` on the server, which ends it cleanly,
 * and a little later ours, which gives the connection up. So a server that does not answer holds
 * nobody, and a connection that may still be busy is never used again.
 */
import postgres from 'postgres';
import { type Address } from './address.ts';
import type { StatementOptions } from './connection.ts';
import { type DriverSocket, openDriverSocket } from './driver-socket.ts';
import { codeOf, ConnectionLost, ResultTooLarge, SQLSTATE } from './sqlstate.ts';
import { driverTypes, type Param, toWire } from './wire.ts';

/** Each prepared text costs memory on both sides for as long as the session lives. */
const PREPARED_MAX = 200;
/** Beyond the server's own limit, for the way there and back. */
const MARGIN_MS = 500;
/** After a pause of this process timers come before answers that already lie in the socket. */
const GRACE_MS = 50;

export interface SessionOptions {
  readonly address: Address;
  /** Settings of the session (`statement_timeout` and so on). */
  readonly settings: Readonly<Record<string, string>>;
  readonly statementTimeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly onNotify?: (payload: string) => void;
}

export interface Session {
  readonly openedAtMs: number;
  /** Whether who answers is not the server that was promised: a pooler lies between. */
  readonly isPooled: boolean;
  readonly lost: boolean;
  /** Resolves when the connection is lost or closed. */
  readonly gone: Promise<void>;
  /** Runs a statement; `limitMs` is the caller's patience where it is below the session's. */
  run(statement: Statement, limitMs?: number): Promise<object[]>;
  close(): void;
  destroy(): void;
}

export interface Statement extends StatementOptions {
  readonly text: string;
  readonly params: readonly Param[];
}

/** The rows of a statement, and what the server called it: `SELECT`, `COMMIT`, `ROLLBACK` … */
interface Result {
  readonly rows: object[];
  readonly command: string;
}

/** @throws ConnectionLost, with what the server or the network said as its cause. */
export async function openSession(options: SessionOptions): Promise<Session> {
  const abort = new AbortController();
  let socket: DriverSocket | undefined;
  let isPooled = false;
  const sql = createClient(
    options,
    async () => (socket = await openDriverSocket(options.address, abort.signal)),
  );
  try {
    isPooled = await within(setUp(sql, options.settings), options.connectTimeoutMs, () => {
      abort.abort();
      socket?.destroy();
    });
  } catch (cause) {
    socket?.destroy();
    throw refused(options.address, cause);
  }
  if (socket === undefined) throw new Error('a connection that answers has a socket');
  return createSession(sql, socket, { ...options, isPooled });
}

/**
 * A pooler takes no settings at the start of a session, and may hand on a server that somebody else
 * has used: so they are set by the first statement. Returns whether there is one.
 */
async function setUp(sql: postgres.Sql, settings: SessionOptions['settings']): Promise<boolean> {
  const set = Object.entries(settings).map(
    ([name, value]) => `set_config('${name}', '${value.replaceAll("'", "''")}', false)`,
  );
  const text = `reset all; select pg_backend_pid() as pid, ${set.join(', ')}`;
  const results = (await sql.unsafe(text)) as unknown as postgres.RowList<{ pid: number }[]>[];
  const [last] = results.slice(-1);
  return last?.[0]?.pid !== last?.state.pid;
}

function createSession(
  sql: postgres.Sql,
  socket: DriverSocket,
  options: SessionOptions & Pick<Session, 'isPooled'>,
): Session {
  const prepared = new Set<string>();

  async function send(statement: Statement): Promise<Result> {
    const { text, params, script = false, unprepared = false } = statement;
    const isKept = prepared.has(text) || prepared.size < PREPARED_MAX;
    const prepare = !script && !unprepared && isKept;
    if (prepare) prepared.add(text);
    const how = { prepare, simple: script };
    // postgres.js 3.4.9 counts the rows of its own results per connection, and an error does not
    // reset that count: the rows of the next statement would lie behind a hole for each row that
    // the failed one had (porsager/postgres #1119, #1181). So every statement has its own list.
    let rows: object[] = [];
    let current: object | undefined;
    const { command } = await sql.unsafe(text, params.map(toWire), how).forEach((row, result) => {
      // The driver runs some statements again by itself: what came before counts no more.
      if (result !== current) rows = [];
      current = result;
      rows.push(row);
    });
    return { rows, command };
  }

  async function run(statement: Statement, limitMs = Infinity): Promise<object[]> {
    const timeoutMs = Math.min(statement.timeoutMs ?? Infinity, options.statementTimeoutMs);
    if (socket.lost)
      throw new ConnectionLost('CONNECTION_CLOSED', 'no connection', { sent: false });
    const differs = timeoutMs !== options.statementTimeoutMs;
    // Costs a statement before and one behind. Without the first, the session's own limit holds.
    if (differs) setTimeoutTo(timeoutMs).catch(() => {});
    const running = withinBytes(send(statement), socket, statement.bytesMax);
    if (differs) setTimeoutTo(options.statementTimeoutMs).catch(giveUpOnWrongTimeout);
    const { rows, command } = await within(
      running,
      Math.min(timeoutMs + MARGIN_MS, limitMs),
      socket.destroy.bind(socket),
    );
    // A transaction that had failed is "committed" by rolling it back, without an error.
    if (statement.text === 'commit' && command === 'ROLLBACK') {
      throw new Error('the transaction had failed before its commit and is rolled back');
    }
    return rows;
  }

  function setTimeoutTo(ms: number): Promise<Result> {
    // Zero would mean no limit at all.
    const text = `set statement_timeout = ${Math.max(1, Math.ceil(ms))}`;
    return send({ text, params: [], script: true });
  }

  /** In a failed transaction the setting is taken back with the rest; else who comes next has it. */
  function giveUpOnWrongTimeout(error: unknown): void {
    if (codeOf(error) !== SQLSTATE.inFailedTransaction) socket.destroy();
  }

  return {
    openedAtMs: Date.now(),
    isPooled: options.isPooled,
    get lost() {
      return socket.lost;
    },
    gone: socket.gone,
    run,
    close: () => socket.end(),
    destroy: () => socket.destroy(),
  };
}

function createClient(options: SessionOptions, socket: () => Promise<DriverSocket>): postgres.Sql {
  const { address, onNotify } = options;
  const driverOptions = {
    host: address.host,
    port: address.port,
    user: address.user,
    password: address.password,
    database: address.database,
    socket,
    max: 1,
    // The driver's own clocks would end or reopen what is ours to end.
    idle_timeout: 0,
    max_lifetime: null,
    connect_timeout: 0,
    ssl: false,
    fetch_types: false,
    types: driverTypes(),
    onnotice: () => {},
    onnotify: (_channel: string, payload: string) => onNotify?.(payload),
  };
  return postgres(driverOptions);
}

/** Settles as the statement does, or fails when the limit passes, and then gives up the socket. */
function within<T>(running: Promise<T>, limitMs: number, giveUp: () => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const expire = () => {
      const message = `Postgres did not answer within ${limitMs} ms`;
      reject(new ConnectionLost('CONNECTION_SILENT', message, { sent: true }));
      giveUp();
    };
    let timer = setTimeout(() => (timer = setTimeout(expire, GRACE_MS)), limitMs);
    void running.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/** What is too much is not read to its end: the socket is given up with what is still to come. */
function withinBytes(
  running: Promise<Result>,
  socket: DriverSocket,
  bytesMax?: number,
): Promise<Result> {
  if (bytesMax === undefined) return running;
  return new Promise((resolve, reject) => {
    socket.limit(bytesMax, () => {
      reject(new ResultTooLarge(bytesMax));
      socket.destroy();
    });
    void running.then(resolve, reject).finally(() => socket.limit(null));
  });
}

function refused(address: Address, cause: unknown): ConnectionLost {
  const where = address.path ?? `${address.host}:${address.port}`;
  // Where a name has several addresses, the error of them all has a code and no message.
  const why = (cause instanceof Error && cause.message) || codeOf(cause) || String(cause);
  const message = `no connection to Postgres at ${where}: ${why}`;
  return new ConnectionLost(codeOf(cause) || 'CONNECT_FAILED', message, { sent: false, cause });
}
