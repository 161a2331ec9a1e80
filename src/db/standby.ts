/**
 * A standby of the primary, where reads may go. It replays the log of the primary in order. So
 * once it has replayed up to a place, whatever is read on it afterwards shows all that was
 * committed before that place, in every table: events, redactions, definitions, removed
 * workspaces. Each session is asked how far its server has come before it reads. What passed that
 * check can't read older rows.
 *
 * Whatever keeps a question from being answered here is a `NotAtStandby`. The whole question is then
 * for the primary: some ask several statements, and the later ones must not see less than the
 * earlier ones. While the standby is away nobody tries it but one probe, so nobody waits for it.
 */
import { performance } from 'node:perf_hooks';
import { type Crowd, NO_TENANT } from '../core/fairness.ts';
import { GatewayError } from '../core/errors.ts';
import { sleep } from '../core/isomorphic.ts';
import type { Connection, StatementOptions } from './connection.ts';
import { checkSessions } from './pooler.ts';
import type { Session, Statement } from './session.ts';
import { createSessions, type Sessions } from './sessions.ts';
import { codeOf, isConnectionLost, ResultTooLarge, SQLSTATE, toGatewayError } from './sqlstate.ts';
import {
  identify,
  type Identity,
  mismatchOf,
  mistakeOf,
  readPrimaryIdentity,
  REPLAYED_SQL,
  type Replayed,
  type WalPlace,
  WrongServer,
} from './standby-identity.ts';

/** Why the primary answers instead. */
export const STANDBY_REFUSALS = ['BEHIND', 'AWAY', 'BUSY', 'CANCELED', 'SLOW', 'FAULT'] as const;
export type StandbyRefusal = (typeof STANDBY_REFUSALS)[number];

/** The question is for the primary. */
export class NotAtStandby extends Error {
  override readonly name = 'NotAtStandby';
  readonly why: StandbyRefusal;

  constructor(why: StandbyRefusal, message: string, cause?: unknown) {
    super(message, { cause });
    this.why = why;
  }
}

export interface Standby {
  /**
   * Looks at it once. Resolves also where it is away, with what an operator ought to know.
   * @throws Error that says what to set where it is no standby of this primary
   */
  start(): Promise<readonly string[]>;
  /** Why it is not asked; null where it is. */
  readonly fault: unknown;
  /**
   * For the statements of one question. They show at least what was committed before the place,
   * which is asked for at the first of them. Fails with NotAtStandby, or as the pool `read` does.
   */
  connection(placeOf: () => Promise<WalPlace>): Connection;
  stats(): { readonly open: number; readonly waiting: number };
  stop(): Promise<void>;
}

export interface StandbyOptions {
  /** Opens sessions: of pages, and of other reads. */
  readonly open: Readonly<Record<Lane, () => Promise<Session>>>;
  readonly connections: Readonly<Record<Lane, number>>;
  readonly crowd: Crowd;
  readonly statementTimeoutMs: number;
  readonly primary: Connection;
  /** Runs a statement, and may look at how long that takes. */
  readonly observe: <T>(work: () => Promise<T>) => Promise<T>;
}

type Lane = 'read' | 'pages';

/** Where none is free for as long, the primary answers. */
const WAIT_MS = 300;
/** For a session's answer to how far it has come: it reads no table. */
const CHECK_WITHIN_MS = 500;
/** A session that answered less than this ago is taken to be there. */
const KNOWN_MS = 1_000;
/** How long is waited for a standby that is behind: as a rule it is a few milliseconds. */
const WAITS_MS = [1, 2, 4, 8, 16, 32] as const;
/** Once it did not catch up within that, nobody waits for so long. */
const UNWAITED_MS = 1_000;
const PROBE_MS = { first: 500, max: 10_000 } as const;

/** What a session is known to be. */
interface Known extends Identity {
  replayed: number;
  askedAtMs: number;
}

/** What the statements of one question have in common. */
interface Question {
  readonly place: WalPlace;
  /** Of a name that leads to several standbys, each may have come as far as it has. */
  server: string | null;
}

export function createStandby(options: StandbyOptions): Standby {
  const { open, observe, primary } = options;
  const known = new WeakMap<Session, Known>();
  let expected: Identity | null = null;
  let fault: unknown = new Error('it was not asked yet');
  let unwaitedUntilMs = -Infinity;
  let tries = 0;
  let probing: NodeJS.Timeout | undefined;
  let stopped = false;
  const lanes = { read: createLane('read'), pages: createLane('pages') };

  function createLane(lane: Lane): Sessions {
    return createSessions({
      connectionsMax: options.connections[lane],
      waitingMax: 1_000,
      waitMs: WAIT_MS,
      crowd: options.crowd,
      open: () => openKnown(lane),
    });
  }

  async function openKnown(lane: Lane): Promise<Session> {
    const session = await open[lane]();
    try {
      await learn(session);
      return session;
    } catch (error) {
      session.destroy();
      throw error;
    }
  }

  /** @throws NotAtStandby where its server is not what it has to be */
  async function learn(session: Session): Promise<Known> {
    const askedAtMs = performance.now();
    const { replayed, ...identity } = await identify(session, CHECK_WITHIN_MS);
    const mismatch = expected && mismatchOf(identity, expected);
    if (mismatch !== null) throw new NotAtStandby('AWAY', mismatch);
    const its = { ...identity, replayed, askedAtMs };
    known.set(session, its);
    return its;
  }

  /** @throws NotAtStandby, or what the check failed with */
  async function admit(session: Session, question: Question): Promise<void> {
    let its = known.get(session) ?? (await learn(session));
    question.server ??= its.server;
    if (its.server !== question.server) throw new NotAtStandby('BEHIND', 'another standby');
    if (its.timeline !== question.place.timeline) its = await follow(session, question.place);
    if (hasCome(its, question.place) && performance.now() - its.askedAtMs < KNOWN_MS) return;
    for (const waitMs of WAITS_MS) {
      await ask(session, its);
      if (hasCome(its, question.place)) return;
      if (performance.now() < unwaitedUntilMs) break;
      await sleep(waitMs);
    }
    unwaitedUntilMs = Math.max(unwaitedUntilMs, performance.now() + UNWAITED_MS);
    throw new NotAtStandby('BEHIND', 'it has not replayed what the answer has to show');
  }

  /** After a failover: whether it follows the new primary. */
  async function follow(session: Session, { timeline }: WalPlace): Promise<Known> {
    expected = expected && { ...expected, timeline };
    return learn(session);
  }

  async function ask(session: Session, its: Known): Promise<void> {
    its.askedAtMs = performance.now();
    const statement = { text: REPLAYED_SQL, params: [] };
    const [row] = await session.run(statement, CHECK_WITHIN_MS);
    const { replayed, isStandby } = row as Replayed;
    if (!isStandby) throw new NotAtStandby('AWAY', 'it is a standby no more');
    its.replayed = replayed;
  }

  async function run(statement: Statement, question: Question): Promise<object[]> {
    if (fault !== null) throw new NotAtStandby('AWAY', 'it is away', fault);
    const { tenant = NO_TENANT } = statement;
    const lane = lanes[statement.byIndex === true ? 'pages' : 'read'];
    let session: Session | undefined;
    const startedMs = performance.now();
    try {
      session = await lane.take(tenant);
      await admit(session, question);
      return await session.run(statement);
    } catch (error) {
      throw explain(error, statement);
    } finally {
      if (session !== undefined) lane.giveBack(session, tenant, performance.now() - startedMs);
    }
  }

  function explain(error: unknown, { timeoutMs = Infinity }: Statement): unknown {
    const why = refusalOf(error, timeoutMs < options.statementTimeoutMs);
    if (why === null) return toGatewayError(error, 'read');
    if (why === 'AWAY') goAway(error);
    return error instanceof NotAtStandby
      ? error
      : new NotAtStandby(why, 'the standby did not answer', error);
  }

  function goAway(error: unknown): void {
    if (fault !== null || stopped) return;
    fault = error;
    tries = 0;
    probeLater();
  }

  function probeLater(): void {
    if (stopped) return;
    const afterMs = Math.min(PROBE_MS.max, PROBE_MS.first * 2 ** tries++);
    probing = setTimeout(() => void probe(), afterMs);
    probing.unref();
  }

  async function probe(): Promise<void> {
    try {
      await look();
      fault = null;
    } catch (error) {
      fault = error;
      probeLater();
    }
  }

  /** Whether it is a standby of what the primary is now. */
  async function look(): Promise<void> {
    expected = await readPrimaryIdentity(primary);
    const session = await openKnown('read');
    session.close();
  }

  async function start(): Promise<readonly string[]> {
    try {
      expected = await readPrimaryIdentity(primary);
      const count = options.connections.read + options.connections.pages;
      await checkSessions(open.read, { count, setting: 'DATABASE_READ_URL' });
      await look();
      fault = null;
      return [];
    } catch (error) {
      const mistake = mistakeOf(error);
      if (mistake !== null) throw new Error(mistake, { cause: error });
      fault = error;
      probeLater();
      return [`Reads go to the primary until the standby can be used: ${messageOf(error)}.`];
    }
  }

  return {
    start,
    get fault() {
      return fault;
    },
    connection(placeOf) {
      let question: Promise<Question> | undefined;
      return {
        async query<Row extends object>(
          text: string,
          params: Statement['params'] = [],
          statementOptions: StatementOptions = {},
        ): Promise<Row[]> {
          question ??= placeOf().then(place => ({ place, server: null }), unknownPlace);
          const its = await question;
          return observe(() => run({ ...statementOptions, text, params }, its)) as Promise<Row[]>;
        },
      };
    },
    stats() {
      const [one, other] = [lanes.read.stats(), lanes.pages.stats()];
      return { open: one.open + other.open, waiting: one.waiting + other.waiting };
    },
    async stop() {
      stopped = true;
      clearTimeout(probing);
      await Promise.all([lanes.read.stop(), lanes.pages.stop()]);
    },
  };
}

function hasCome(its: Known, place: WalPlace): boolean {
  return its.timeline === place.timeline && its.replayed >= place.lsn;
}

function unknownPlace(cause: unknown): never {
  throw new NotAtStandby('BEHIND', 'the primary does not say how far it is', cause);
}

/** Tables, columns and functions that are not there yet. */
const NOT_MIGRATED = /^(42P01|42703|42883|3F000)$/;

/**
 * Null for what would be the same at the primary: a caller's own limit, and values that can't be
 * compared or built. A statement that reaches the limit of all is asked there once more.
 */
function refusalOf(error: unknown, isOwnLimit: boolean): StandbyRefusal | null {
  if (error instanceof NotAtStandby) return error.why;
  if (error instanceof ResultTooLarge) return null;
  if (error instanceof GatewayError) return 'BUSY';
  if (error instanceof WrongServer || isConnectionLost(error)) return 'AWAY';
  const code = codeOf(error);
  if (code === SQLSTATE.queryCanceled) return isOwnLimit ? null : 'SLOW';
  // What it reads is in the way of what it has to replay.
  if (code.startsWith('40')) return 'CANCELED';
  if (NOT_MIGRATED.test(code)) return 'BEHIND';
  return /^(2[12]|54)/.test(code) ? null : 'FAULT';
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
