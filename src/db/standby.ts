/**
 * A standby of the primary, where reads may go. It replays the log of the primary in order. So
 * once it has replayed up to a place, whatever is read on it afterwards shows all that was
 * committed before that place, in every table: events, redactions, definitions, removed
 * workspaces. Each session is asked how far its server has come before it reads. A session that
 * passed this check can't read older rows.
 *
 * Whatever keeps a question from being answered here is a `NotAtStandby`. The whole question is then
 * for the primary: some ask several statements, and the later ones must not see less than the
 * earlier ones. While the standby is away nobody tries it but one probe, so nobody waits for it.
 */
import { performance } from 'node:perf_hooks';
import { GatewayError } from '../core/errors.ts';
import { type Crowd, NO_TENANT } from '../core/fairness.ts';
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
  type Replayed,
  REPLAYED_SQL,
  type WalPlace,
  WrongServer,
} from './standby-identity.ts';

/** Why the primary answers instead. */
export type StandbyRefusal = 'BEHIND' | 'AWAY' | 'BUSY' | 'CANCELED' | 'SLOW' | 'FAULT';

/** The question is for the primary. */
export class NotAtStandby extends Error {
  override readonly name = 'NotAtStandby';
  readonly why: StandbyRefusal;

  constructor(why: StandbyRefusal, message: string, cause?: unknown) {
    super(message, { cause });
    this.why = why;
  }
}

export interface StandbyOptions {
  /** Opens sessions: of pages, of other reads, and at the start, where there is time to wait for one. */
  readonly open: Readonly<Record<Lane | 'patient', () => Promise<Session>>>;
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
/** Waits for a standby that is behind. Usually it catches up within a few milliseconds. */
const WAITS_MS = [0, 1, 2, 4, 8, 16, 32] as const;
/** After it did not catch up within these waits, nobody waits for it during this time. */
const UNWAITED_MS = 1_000;
const PROBE_MS = { first: 500, max: 5_000 } as const;

/** What a session is known to be. */
interface Known extends Identity {
  replayed: number;
  askedAtMs: number;
}

/** What the statements of one question have in common. */
interface Question {
  readonly place: WalPlace;
  /** The one that answered first. If the name leads to several, others may be further behind. */
  server: string | null;
}

export class Standby {
  readonly #options: StandbyOptions;
  readonly #lanes: Readonly<Record<Lane, Sessions>>;
  readonly #known = new WeakMap<Session, Known>();
  /** What the primary is. */
  #expected: Identity | null = null;
  #fault: unknown = new Error('it was not asked yet');
  #unwaitedUntilMs = -Infinity;
  #tries = 0;
  #probing: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: StandbyOptions) {
    this.#options = options;
    this.#lanes = { read: this.#createLane('read'), pages: this.#createLane('pages') };
  }

  /** Why it is not asked; null where it is. */
  get fault(): unknown {
    return this.#fault;
  }

  /**
   * Looks at it once. Resolves also where it is away, with what an operator ought to know.
   * @throws Error that says what to set where it is no standby of this primary
   */
  async start(): Promise<readonly string[]> {
    const { open, connections } = this.#options;
    try {
      const count = connections.read + connections.pages;
      await checkSessions(open.patient, { count, setting: 'DATABASE_READ_URL' });
      await this.#look();
      return [];
    } catch (error) {
      const mistake = mistakeOf(error);
      if (mistake !== null) throw new Error(mistake, { cause: error });
      this.#fault = error;
      this.#probeLater();
      const why = error instanceof Error ? error.message : String(error);
      return [`Reads go to the primary until the standby can be used: ${why}.`];
    }
  }

  /**
   * For the statements of one question. They show at least what was committed before the place,
   * which is asked for at the first of them. Fails with NotAtStandby, or as the pool `read` does.
   */
  connection(placeOf: () => Promise<WalPlace>): Connection {
    const { observe } = this.#options;
    let question: Promise<Question> | undefined;
    return {
      query: async <Row extends object>(
        text: string,
        params: Statement['params'] = [],
        statementOptions: StatementOptions = {},
      ) => {
        question ??= placeOf().then(place => ({ place, server: null }), unknownPlace);
        const its = await question;
        return observe(() => this.#run({ ...statementOptions, text, params }, its)) as Promise<
          Row[]
        >;
      },
    };
  }

  stats(): { readonly open: number; readonly waiting: number } {
    const [one, other] = [this.#lanes.read.stats(), this.#lanes.pages.stats()];
    return { open: one.open + other.open, waiting: one.waiting + other.waiting };
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#probing);
    await Promise.all([this.#lanes.read.stop(), this.#lanes.pages.stop()]);
  }

  #createLane(lane: Lane): Sessions {
    return createSessions({
      connectionsMax: this.#options.connections[lane],
      waitingMax: 1_000,
      waitMs: WAIT_MS,
      crowd: this.#options.crowd,
      open: () => this.#open(lane),
    });
  }

  async #open(lane: Lane): Promise<Session> {
    const session = await this.#options.open[lane]();
    try {
      await this.#learn(session);
      return session;
    } catch (error) {
      session.destroy();
      throw error;
    }
  }

  async #run(statement: Statement, question: Question): Promise<object[]> {
    if (this.#fault !== null) throw new NotAtStandby('AWAY', 'it is away', this.#fault);
    const { tenant = NO_TENANT } = statement;
    const lane = this.#lanes[statement.byIndex === true ? 'pages' : 'read'];
    let session: Session | undefined;
    const startedMs = performance.now();
    try {
      session = await lane.take(tenant);
      await this.#admit(session, question);
      return await session.run(statement);
    } catch (error) {
      throw this.#explain(error, statement);
    } finally {
      if (session !== undefined) lane.giveBack(session, tenant, performance.now() - startedMs);
    }
  }

  /** Resolves when the server of the session has come far enough. */
  async #admit(session: Session, question: Question): Promise<void> {
    const { place } = question;
    let its = this.#known.get(session) ?? (await this.#learn(session));
    question.server ??= its.server;
    if (its.server !== question.server) throw new NotAtStandby('BEHIND', 'it is another standby');
    if (its.timeline !== place.timeline) its = await this.#follow(session, place);
    if (hasCome(its, place) && performance.now() - its.askedAtMs < KNOWN_MS) return;
    const behind = new NotAtStandby('BEHIND', 'it has not replayed what the answer has to show');
    for (const waitMs of WAITS_MS) {
      if (waitMs > 0) await sleep(waitMs);
      await ask(session, its);
      if (hasCome(its, place)) return;
      if (performance.now() < this.#unwaitedUntilMs) throw behind;
    }
    this.#unwaitedUntilMs = performance.now() + UNWAITED_MS;
    throw behind;
  }

  /** @throws NotAtStandby where its server is not what it has to be now, WrongServer where it never is */
  async #learn(session: Session): Promise<Known> {
    const askedAtMs = performance.now();
    const { replayed, ...identity } = await identify(session, CHECK_WITHIN_MS);
    const mismatch = this.#expected && mismatchOf(identity, this.#expected);
    if (mismatch !== null) throw new NotAtStandby('AWAY', mismatch);
    const its = { ...identity, replayed, askedAtMs };
    this.#known.set(session, its);
    return its;
  }

  /** After a failover: whether it follows the new primary. */
  #follow(session: Session, { timeline }: WalPlace): Promise<Known> {
    this.#expected = this.#expected && { ...this.#expected, timeline };
    return this.#learn(session);
  }

  #explain(error: unknown, { timeoutMs = Infinity }: Statement): unknown {
    const why = refusalOf(error, timeoutMs < this.#options.statementTimeoutMs);
    if (why === null) return toGatewayError(error, 'read');
    if (why === 'AWAY') this.#goAway(error);
    if (error instanceof NotAtStandby) return error;
    return new NotAtStandby(why, 'the standby did not answer', error);
  }

  #goAway(error: unknown): void {
    if (this.#fault !== null || this.#stopped) return;
    this.#fault = error;
    this.#tries = 0;
    this.#probeLater();
  }

  #probeLater(): void {
    if (this.#stopped) return;
    const afterMs = Math.min(PROBE_MS.max, PROBE_MS.first * 2 ** this.#tries++);
    this.#probing = setTimeout(() => void this.#probe(), afterMs);
    this.#probing.unref();
  }

  async #probe(): Promise<void> {
    try {
      await this.#look();
    } catch (error) {
      this.#fault = error;
      this.#probeLater();
    }
  }

  /** Whether it is a standby of what the primary is now. Then it is asked. */
  async #look(): Promise<void> {
    this.#expected = await readPrimaryIdentity(this.#options.primary);
    const session = await this.#open('read');
    session.close();
    this.#fault = null;
  }
}

/** How far its server has come. @throws NotAtStandby where it was promoted */
async function ask(session: Session, its: Known): Promise<void> {
  its.askedAtMs = performance.now();
  const [row] = await session.run({ text: REPLAYED_SQL, params: [] }, CHECK_WITHIN_MS);
  const { replayed, isStandby } = row as Replayed;
  if (!isStandby) throw new NotAtStandby('AWAY', 'it was promoted');
  its.replayed = replayed;
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
