/**
 * A Postgres, a bad network and one or two gateways on it, and what becomes of recorded load
 * while something is broken: `inflict` runs one fault and returns all that is wrong afterwards.
 */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { createDatabase, type Database } from '../../src/db/client.ts';
import { verify } from '../../src/db/verify.ts';
import { startChildGateway, type ChildGateway } from '../kit/child-gateway.ts';
import { Ledger, type StoredEvent } from './ledger.ts';
import { startLoad } from './load.ts';
import { startFaultyPostgres, type FaultyPostgres } from './postgres.ts';
import { startProxy, type Proxy } from './proxy.ts';

/** Something that goes wrong. What it starts it must end, whatever happens. */
export interface Fault {
  readonly name: string;
  readonly what: string;
  /** How long it lasts. @default 0, for what is over at once */
  readonly holdMs?: number;
  /** @default 1 */
  readonly rounds?: number;
  /** Events go on being acknowledged while it lasts. */
  readonly isHarmless?: boolean;
  readonly stage?: Partial<Stage>;
  /** Why it can't be had on this machine; null: it can. */
  readonly missing?: () => string | null;
  start(arena: Arena): Promise<() => Promise<void>>;
}

/** What a fault needs; faults with the same needs share an arena. */
export interface Stage {
  readonly gateways: 1 | 2;
  /** Postgres' files lie on a file system of this size. */
  readonly volumeMb: number | null;
  /** For the gateways. */
  readonly environment: Readonly<Record<string, string>>;
}

export interface Arena {
  readonly postgres: FaultyPostgres;
  readonly proxy: Proxy;
  readonly gateways: ChildGateway[];
  /** By which each is reached at one address all along, wherever it listens after a restart. */
  readonly fronts: readonly Proxy[];
  /** Straight to Postgres, past the proxy. */
  readonly admin: Database;
  /** Of the workspace that is written to. */
  readonly workspaceId: number;
  /** In which the fault that runs may say what it saw. */
  readonly ledger: () => Ledger;
  endGateway(n: number, signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null>;
  restartGateway(n: number): Promise<void>;
}

export interface Report {
  readonly faults: readonly string[];
  readonly acknowledged: number;
  readonly refused: number;
  readonly unknown: number;
  readonly stored: number;
  readonly slowestAnswerMs: number;
  /** From the end of the fault until every gateway is ready and acknowledges again: the longest. */
  readonly recoveryMs: number;
}

const DEFAULT_STAGE: Stage = { gateways: 1, volumeMb: null, environment: {} };
const WRITERS_A_GATEWAY = 4;
const BEFORE_EACH = 25;
/** A promise: reads and writes return by themselves within 30 s. */
const RECOVERY_MS = 30_000;
const SETTLE_MS = 30_000;
const PAGE = `query ($after: String) {
  events(first: 1000, after: $after, order: { field: POSITION, direction: ASC }) {
    liveCursor nodes { position eventId } pageInfo { hasNextPage endCursor } } }`;

interface Page {
  readonly liveCursor: string;
  readonly nodes: readonly StoredEvent[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
}

export type RunningArena = Arena & AsyncDisposable & { inflict(fault: Fault): Promise<Report> };

export async function openArena(needs: Partial<Stage> = {}): Promise<RunningArena> {
  const stage = { ...DEFAULT_STAGE, ...needs };
  const postgres = await startFaultyPostgres({ volumeMb: stage.volumeMb });
  const proxy = await startProxy(postgres.url);
  const start = () => startChildGateway(proxy.url, stage.environment);
  const gateways: ChildGateway[] = [];
  const fronts: Proxy[] = [];
  for (let n = 0; n < stage.gateways; n++) {
    const gateway = await start();
    gateways.push(gateway);
    fronts.push(await startProxy(gateway.url));
  }
  const admin = createDatabase({
    url: postgres.url,
    applicationName: 'faults',
    connectionsMax: 16,
  });
  const [row] = await admin.read.query<{ id: number }>(
    `select id from workspaces where slug = 'default'`,
  );
  let ledger = new Ledger();
  let runs = 0;
  const arena: Arena = {
    postgres,
    proxy,
    gateways,
    fronts,
    admin,
    workspaceId: row!.id,
    ledger: () => ledger,
    async endGateway(n, signal) {
      const { process: child } = gateways[n]!;
      child.kill(signal);
      const [code] = (await once(child, 'exit')) as [number | null];
      return code;
    },
    async restartGateway(n) {
      await gateways[n]![Symbol.asyncDispose]();
      gateways[n] = await start();
      fronts[n]!.target = gateways[n]!.url;
    },
  };
  return {
    ...arena,
    async inflict(fault) {
      ledger = new Ledger();
      runs += 1;
      return inflict(arena, fault, `${fault.name}-${runs}`);
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(gateways.map(gateway => gateway[Symbol.asyncDispose]()));
      await Promise.all([proxy, ...fronts].map(each => each.stop()));
      await admin.stop();
      await postgres.dispose();
    },
  };
}

async function inflict(arena: Arena, fault: Fault, run: string): Promise<Report> {
  const ledger = arena.ledger();
  const urls = arena.fronts.map(({ url }) => url);
  const after = (await pageAfter(arena, undefined, true)).liveCursor;
  const load = startLoad({ ledger, run, urls, writers: WRITERS_A_GATEWAY * urls.length, after });
  let recoveryMs = 0;
  try {
    for (let round = 0; round < (fault.rounds ?? 1); round++) {
      await progress(ledger, BEFORE_EACH, RECOVERY_MS);
      const stop = await fault.start(arena);
      const before = ledger.acknowledgedCount;
      await sleep(fault.holdMs ?? 0);
      if (fault.isHarmless === true && ledger.acknowledgedCount === before) {
        ledger.fault('nothing was acknowledged while it lasted');
      }
      await stop();
      const endedMs = performance.now();
      await recovered(arena, ledger);
      recoveryMs = Math.max(recoveryMs, performance.now() - endedMs);
    }
  } catch (error) {
    ledger.fault(error instanceof Error ? error.message : String(error));
  }
  await load.stopWriting();
  const stored = await readAll(arena, after).catch((error: unknown) => {
    ledger.fault(`paging failed: ${String(error)}`);
    return [];
  });
  await until(() => load.subscribers.every(each => ledger.seenCount(each) >= stored.length));
  load.stopReading();
  for (const fault of await check(arena)) ledger.fault(fault);
  return {
    faults: ledger.faults(stored, load.subscribers),
    acknowledged: ledger.acknowledgedCount,
    refused: ledger.refusedCount,
    unknown: ledger.unknown,
    stored: stored.length,
    slowestAnswerMs: Math.round(ledger.slowestAnswerMs),
    recoveryMs: Math.round(recoveryMs),
  };
}

/** The invariants of the database, rollups that have come to its head, processes that live. */
async function check({ admin, workspaceId, gateways }: Arena): Promise<string[]> {
  const isFolded = async () => {
    const [row] = await admin.upkeep.query<{ left: number }>(
      `select (select coalesce(max(head), 0) from workspace_heads where workspace_id = $1)
         - (select folded from workspace_marks where workspace_id = $1) as left`,
      [workspaceId],
    );
    return row?.left === 0;
  };
  const faults = (await until(isFolded)) ? [] : ['the rollups do not come to the head'];
  const { violations } = await verify(admin.upkeep);
  faults.push(...violations.map(({ rule, detail }) => `${rule}: ${detail}`));
  for (const { process: child, log } of gateways) {
    if (child.exitCode !== null || child.signalCode !== null) {
      faults.push(`a gateway has ended: ${log().slice(-2_000)}`);
    }
    const unexpected = log()
      .split('\n')
      .find(line => line.includes('unexpected error'));
    if (unexpected !== undefined) faults.push(`logged: ${unexpected.slice(0, 1_000)}`);
  }
  return faults;
}

async function recovered({ gateways }: Arena, ledger: Ledger): Promise<void> {
  for (const { url } of gateways) {
    const isReady = () =>
      fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(5_000) }).then(
        async response => {
          await response.arrayBuffer();
          return response.ok;
        },
        () => false,
      );
    if (!(await until(isReady, RECOVERY_MS))) throw new Error('a gateway is not ready again');
  }
  await progress(ledger, BEFORE_EACH * gateways.length, RECOVERY_MS);
}

async function progress(ledger: Ledger, events: number, withinMs: number): Promise<void> {
  const wanted = ledger.acknowledgedCount + events;
  if (await until(() => ledger.acknowledgedCount >= wanted, withinMs)) return;
  throw new Error(`no ${events} events were acknowledged within ${withinMs} ms`);
}

async function readAll(arena: Arena, after: string): Promise<StoredEvent[]> {
  const all: StoredEvent[] = [];
  for (let cursor: string | null = after; cursor !== null;) {
    const page: Page = await pageAfter(arena, cursor);
    all.push(...page.nodes);
    cursor = page.pageInfo.hasNextPage ? page.pageInfo.endCursor : null;
  }
  return all;
}

async function pageAfter({ gateways }: Arena, after?: string, isHead = false): Promise<Page> {
  const query = isHead ? PAGE.replace('first: 1000', 'first: 0') : PAGE;
  const answer = await gateways[0]!.graphql<{ events: Page }>(query, { after });
  if (answer.data == null) throw new Error(JSON.stringify(answer.errors));
  return answer.data.events;
}

const LOOK_MS = 50;

async function until(
  condition: () => boolean | Promise<boolean>,
  withinMs = SETTLE_MS,
): Promise<boolean> {
  const untilMs = performance.now() + withinMs;
  while (performance.now() < untilMs) {
    if (await condition()) return true;
    await sleep(LOOK_MS);
  }
  return false;
}
