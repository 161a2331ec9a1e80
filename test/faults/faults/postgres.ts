/** What befalls Postgres. */
import { existsSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createDatabase, type Connection } from '../../../src/db/client.ts';
import type { Arena, Fault } from '../arena.ts';
import { isRoot } from '../postgres.ts';

const over = async () => {};

/** Its sessions, not ours. */
const THEIRS = `from pg_stat_activity
  where datname = current_database() and application_name = 'sluice'`;

function signalled(
  name: string,
  what: string,
  signal: (arena: Arena) => Promise<void> | void,
): Fault {
  return {
    name,
    what,
    rounds: 3,
    async start(arena) {
      await signal(arena);
      return over;
    },
  };
}

const stoppedAtOnce = signalled(
  'postgres-crash',
  'pg_ctl stop -m immediate, which it recovers from when it is started again',
  ({ postgres }) => void process.kill(postgres.postmaster(), 'SIGQUIT'),
);

const postmasterKilled = signalled(
  'postmaster-killed',
  'kill -9 of the postmaster',
  ({ postgres }) => {
    process.kill(postgres.postmaster(), 'SIGKILL');
  },
);

const backendKilled = signalled(
  'backend-killed',
  'kill -9 of one backend, upon which Postgres ends all and recovers',
  async ({ admin }) => {
    const [row] = await admin.upkeep.query<{ pid: number }>(`select pid ${THEIRS} limit 1`);
    if (row !== undefined) process.kill(row.pid, 'SIGKILL');
  },
);

const restarted: Fault = {
  name: 'postgres-restart',
  what: 'a planned restart',
  rounds: 3,
  async start({ postgres }) {
    await postgres.stop();
    return () => postgres.start();
  },
};

const away: Fault = {
  ...restarted,
  name: 'postgres-away',
  what: 'away for 30 s',
  rounds: 1,
  holdMs: 30_000,
};

function terminate({ admin }: Arena) {
  return admin.upkeep.query(`select pg_terminate_backend(pid) ${THEIRS}`);
}

const terminated = signalled(
  'sessions-terminated',
  'pg_terminate_backend of every session, once',
  async arena => void (await terminate(arena)),
);

const storm: Fault = {
  name: 'sessions-storm',
  what: 'pg_terminate_backend of every session, every 50 ms for 4 s',
  async start(arena) {
    for (const untilMs = Date.now() + 4_000; Date.now() < untilMs; await sleep(50)) {
      await terminate(arena);
    }
    return over;
  },
};

async function freeze({ postgres }: Arena): Promise<() => Promise<void>> {
  const signal = (name: 'SIGSTOP' | 'SIGCONT') => {
    for (const pid of postgres.processes()) {
      try {
        process.kill(pid, name);
      } catch {
        // It has ended meanwhile.
      }
    }
  };
  signal('SIGSTOP');
  return async () => signal('SIGCONT');
}

const frozen: Fault = {
  name: 'postgres-frozen',
  what: 'SIGSTOP of all of Postgres for 6 s',
  holdMs: 6_000,
  start: freeze,
};

const frozenAndKilled: Fault = {
  name: 'postgres-frozen-gateway-killed',
  what: 'SIGSTOP of all of Postgres for 6 s, and SIGKILL of the gateway meanwhile',
  async start(arena) {
    const thaw = await freeze(arena);
    await sleep(3_000);
    await arena.endGateway(0, 'SIGKILL');
    await sleep(3_000);
    await thaw();
    return () => arena.restartGateway(0);
  },
};

/** A session that stays in a transaction after these statements, then rolls it back. */
function inTransaction(
  fault: Omit<Fault, 'start'>,
  work: (connection: Connection, arena: Arena) => Promise<unknown>,
): Fault {
  return {
    ...fault,
    async start(arena) {
      const own = createDatabase({ url: arena.postgres.url, applicationName: 'faults-holder' });
      let end = () => {};
      const ended = new Promise<void>(resolve => (end = resolve));
      let begun = () => {};
      const ready = new Promise<void>(resolve => (begun = resolve));
      const holding = own.upkeep.hold(async connection => {
        await connection.query('begin');
        await work(connection, arena);
        begun();
        await ended;
        await connection.query('rollback');
      });
      await Promise.race([ready, holding]);
      return async () => {
        end();
        await holding;
        await own.stop();
      };
    },
  };
}

const longTransaction = inTransaction(
  {
    name: 'long-transaction',
    what: 'a snapshot and an uncommitted write elsewhere, open for 8 s',
    holdMs: 8_000,
    isHarmless: true,
  },
  async connection => {
    await connection.query('set transaction isolation level repeatable read');
    await connection.query('select count(*) from events');
    await connection.query('update installation set epoch = epoch');
  },
);

const openWriter = inTransaction(
  {
    name: 'open-writer',
    what: 'another flush that has taken positions stays open for 3 s and is rolled back',
    holdMs: 3_000,
    rounds: 2,
  },
  async (connection, { workspaceId }) => {
    await connection.query(
      `insert into workspace_heads (workspace_id, head, recorded_at)
       select workspace_id, head + 7, recorded_at
       from take_workspaces(array[$1::text::int], '{}', '{}', '{}')`,
      [workspaceId],
    );
  },
);

const lockedTable = inTransaction(
  { name: 'locked-table', what: 'events and its keys are locked for 4 s', holdMs: 4_000 },
  async connection => {
    await connection.query('lock table events, event_keys in access exclusive mode');
  },
);

const stuckListener = inTransaction(
  {
    name: 'stuck-listener',
    what: 'a listener stays in a transaction, so that notifications pile up',
    holdMs: 5_000,
    isHarmless: true,
  },
  async connection => {
    await connection.query('commit');
    await connection.query('listen sluice_heads');
    await connection.query('begin');
    await connection.query('select 1');
  },
);

const readOnly: Fault = {
  name: 'read-only',
  what: 'the server takes no writes for 4 s',
  holdMs: 4_000,
  async start({ admin, postgres }) {
    const set = async (value: 'on' | 'off') => {
      const own = createDatabase({ url: postgres.url });
      await own.upkeep.query(`alter system set default_transaction_read_only = ${value}`);
      await own.upkeep.query('select pg_reload_conf()');
      await own.stop();
    };
    await admin.upkeep.query('select 1');
    await set('on');
    return async () => {
      await admin.upkeep.hold(async connection => {
        await connection.query('set default_transaction_read_only = off');
        await connection.query('alter system reset default_transaction_read_only');
        await connection.query('select pg_reload_conf()');
        await connection.query('reset default_transaction_read_only');
      });
    };
  },
};

const noSlots: Fault = {
  name: 'no-slots',
  what: 'every connection slot is taken by others for 4 s',
  holdMs: 4_000,
  async start({ admin, postgres }) {
    const others = createDatabase({
      url: postgres.url,
      applicationName: 'faults-crowd',
      connectionsMax: 412,
    });
    let leave = () => {};
    const left = new Promise<void>(resolve => (leave = resolve));
    const holding: Promise<unknown>[] = [];
    const crowd = (count: number) => {
      for (let n = 0; n < count; n++) holding.push(others.read.hold(() => left).catch(over));
    };
    await admin.upkeep.hold(async connection => {
      crowd(110);
      await sleep(1_500);
      await connection.query(`select pg_terminate_backend(pid) ${THEIRS}`);
      crowd(40);
    });
    return async () => {
      leave();
      await Promise.all(holding);
      await others.stop();
    };
  },
};

const diskFull: Fault = {
  name: 'disk-full',
  what: 'no byte is left on the disk of Postgres for 6 s',
  holdMs: 6_000,
  rounds: 2,
  stage: { volumeMb: 400 },
  missing: () => (isRoot ? null : 'mounting a small file system needs root'),
  async start({ postgres }) {
    const filler = join(postgres.volume!, 'filler');
    const chunk = Buffer.alloc(1_048_576);
    const fill = () => {
      try {
        for (;;) writeFileSync(filler, chunk, { flag: 'a' });
      } catch {
        // ENOSPC, which is what it is for.
      }
    };
    fill();
    const again = setInterval(() => {
      const { bavail } = statfsSync(postgres.volume!);
      if (bavail > 0) fill();
    }, 100);
    return async () => {
      clearInterval(again);
      if (existsSync(filler)) rmSync(filler);
    };
  },
};

export const POSTGRES_FAULTS = [
  ...[stoppedAtOnce, restarted, postmasterKilled, backendKilled, terminated, storm, away],
  ...[frozen, frozenAndKilled, longTransaction, openWriter, lockedTable, stuckListener],
  ...[readOnly, noSlots, diskFull],
];
