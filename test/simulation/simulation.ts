/**
 * Many gateways in one process, as far as live streams are concerned: the gateway's own code on a
 * clock that does not wait, with a database in memory and a hub that loses, repeats and delays.
 * Everything that happens is drawn by chance from a seed.
 */
import type { LogPlace } from '../../src/core/cursor.ts';
import { LIVE_LIMITS } from '../../src/live/limits.ts';
import { createLive, type Live } from '../../src/live/live.ts';
import type { Delivery } from '../../src/live/stream.ts';
import { withPoll, type Wakeup } from '../../src/live/wakeup.ts';
import { Hub, type HubFaults } from './hub.ts';
import { createSimulatedLog, SimulatedDatabase, type SimulatedLog } from './simulated-log.ts';
import { VirtualTime } from './virtual-time.ts';

export interface Plan {
  readonly seed: number;
  readonly gateways: number;
  readonly workspaces: number;
  readonly readersPerGateway: number;
  readonly seconds: number;
  /** Of all workspaces together. */
  readonly flushesPerSecond: number;
  /** Until a gateway hears of its own commit. */
  readonly commitMaxMs: number;
  readonly hub: HubFaults;
  /** How many of these begin in a second, all gateways together. */
  readonly perSecond: {
    readonly redactions: number;
    readonly kills: number;
    /** A gateway's messages are lost, for up to ten seconds. */
    readonly cuts: number;
    /** A gateway does not reach the database, for up to three seconds. */
    readonly outages: number;
  };
  /** What is taken out, so that the simulation has to notice. */
  readonly without?: 'POLL' | 'REDACTION_COUNTER';
}

export interface Report {
  readonly events: number;
  readonly deliveries: number;
  readonly kills: number;
  readonly redactions: number;
  /** Statements that read events: by the tails of gateways, and by streams that catch up. */
  readonly eventReads: number;
  /** Statements that ask where logs end, per gateway and second. */
  readonly headReadsPerSecond: number;
  /** Every promise that was broken, in words; the first hundred. */
  readonly broken: readonly string[];
}

const POLL_MS = 1_000;
/** Nobody is handed what was redacted so long ago: the poll, and two seconds. */
const EXPOSED_MAX_MS = POLL_MS + 2_000;
/** A gateway that cannot ask the database trusts what it holds for five seconds. */
const EXPOSED_IN_OUTAGE_MAX_MS = 6_000;
/** After the last event, without new faults: outages end, slow readers read on. */
const CALM_MS = 30_000;
const CUT_MAX_MS = 10_000;
const OUTAGE_MAX_MS = 3_000;

interface Gateway {
  readonly live: Live;
  readonly log: SimulatedLog;
  isDead: boolean;
  cutUntilMs: number;
  awayUntilMs: number;
}

interface Reader {
  readonly workspaceId: number;
  /** Waits for so long between two batches, at most. */
  readonly thinksMs: number;
  place: LogPlace | null;
  deliveries: number;
}

export async function simulate(plan: Plan): Promise<Report> {
  const simulation = new Simulation(plan);
  return simulation.run();
}

class Simulation {
  readonly #plan: Plan;
  readonly #time: VirtualTime;
  readonly #database: SimulatedDatabase;
  readonly #hub: Hub;
  readonly #gateways: Gateway[] = [];
  readonly #ended: Gateway[] = [];
  readonly #readers: Reader[] = [];
  readonly #broken: string[] = [];
  /** Nothing new happens. */
  #isOver = false;
  #stopped = false;

  constructor(plan: Plan) {
    this.#plan = plan;
    this.#time = new VirtualTime(plan.seed);
    this.#database = new SimulatedDatabase(this.#time);
    this.#hub = new Hub(this.#time, plan.hub);
  }

  async run(): Promise<Report> {
    const { gateways, readersPerGateway, seconds, flushesPerSecond, perSecond } = this.#plan;
    for (let n = 0; n < gateways; n++) this.#gateways.push(this.#start());
    for (let n = 0; n < gateways * readersPerGateway; n++) this.#addReader();
    this.#often(flushesPerSecond, () => this.#record());
    this.#often(perSecond.redactions, () => this.#redact());
    this.#often(perSecond.kills, () => this.#kill());
    this.#often(perSecond.cuts, () => {
      this.#anyGateway().cutUntilMs = this.#time.elapsedMs() + CUT_MAX_MS * this.#time.random();
    });
    this.#often(perSecond.outages, () => {
      const forMs = OUTAGE_MAX_MS * this.#time.random();
      this.#anyGateway().awayUntilMs = this.#time.elapsedMs() + forMs;
    });
    await this.#time.runUntil(seconds * 1_000);
    this.#isOver = true;
    this.#hub.isCalm = true;
    await this.#time.runUntil(seconds * 1_000 + CALM_MS);
    this.#checkEnds();
    const report = this.#report();
    await this.#stop();
    return report;
  }

  /** At moments that are drawn by chance, so many times a second. */
  #often(perSecond: number, work: () => void): void {
    if (perSecond === 0) return;
    this.#time.after((-Math.log(1 - this.#time.random()) * 1_000) / perSecond, () => {
      if (this.#isOver) return;
      work();
      this.#often(perSecond, work);
    });
  }

  #start(): Gateway {
    const { without } = this.#plan;
    const time = this.#time;
    const gateway = { isDead: false, cutUntilMs: 0, awayUntilMs: 0 } as Gateway;
    const link = this.#hub.connect(() => gateway.isDead || time.elapsedMs() < gateway.cutUntilMs);
    const wakeup: Wakeup =
      without === 'POLL' ? link : withPoll(link, { pollMs: POLL_MS, clock: time });
    const log = createSimulatedLog(this.#database, time, {
      isAway: () => time.elapsedMs() < gateway.awayUntilMs,
      countsNoRedactions: without === 'REDACTION_COUNTER',
    });
    const live = createLive({
      ...{ log, wakeup, clock: time, logger: { warn: () => {} } },
      limits: { ...LIVE_LIMITS, streamsMax: Infinity },
    });
    void live.start();
    return Object.assign(gateway, { log, live });
  }

  #any<T>(items: readonly T[]): T {
    return items[Math.floor(this.#time.random() * items.length)] as T;
  }

  #anyGateway(): Gateway {
    return this.#any(this.#gateways);
  }

  #anyWorkspace(): number {
    return 1 + Math.floor(this.#time.random() * this.#plan.workspaces);
  }

  /** The gateway hears of its own commit a little later, as from a database. */
  #record(): void {
    const gateway = this.#anyGateway();
    const workspaceId = this.#anyWorkspace();
    const events = this.#database.record(workspaceId, 1 + Math.floor(3 * this.#time.random()));
    const head = events.at(-1)!;
    this.#time.after(this.#plan.commitMaxMs * this.#time.random(), () => {
      if (gateway.isDead) return;
      const wanted = gateway.live.isWanted(workspaceId) ? events : [];
      const { position, recordedAt } = head;
      gateway.live.recorded(new Map([[workspaceId, { position, recordedAt }]]), wanted);
    });
  }

  /** Of the newest events: some are on their way, and many are held by gateways. */
  #redact(): void {
    const gateway = this.#anyGateway();
    const workspaceId = this.#anyWorkspace();
    const head = this.#database.of(workspaceId).events.length;
    this.#database.redact(
      workspaceId,
      Math.max(1, head - Math.floor(20 * this.#time.random() ** 3)),
    );
    gateway.live.forget(workspaceId);
  }

  /** One ends without a word; another takes its place. */
  #kill(): void {
    const at = Math.floor(this.#time.random() * this.#gateways.length);
    const gateway = this.#gateways[at] as Gateway;
    gateway.isDead = true;
    this.#ended.push(gateway);
    void gateway.live.stop();
    this.#gateways[at] = this.#start();
  }

  #addReader(): void {
    const isSlow = this.#time.random() < 0.2;
    const thinksMs = isSlow ? 8_000 : 0;
    const reader = { workspaceId: this.#anyWorkspace(), thinksMs, place: null, deliveries: 0 };
    this.#readers.push(reader);
    this.#time.after(1_000 * this.#time.random(), () => void this.#read(reader));
  }

  /** Reads for as long as the simulation lasts, at one gateway after another. */
  async #read(reader: Reader): Promise<void> {
    while (!this.#stopped) {
      const gateway = this.#anyGateway();
      try {
        await this.#readAt(gateway, reader);
      } catch (error) {
        if (!gateway.isDead) this.#breaks(`workspace ${reader.workspaceId}: ${String(error)}`);
      }
      await this.#time.sleep(500 * this.#time.random());
    }
  }

  /** Until the gateway dies. */
  async #readAt(gateway: Gateway, reader: Reader): Promise<void> {
    const { workspaceId, place, thinksMs } = reader;
    const { signal } = new AbortController();
    const start = place ?? 'BEGINNING';
    const stream = gateway.live.subscribe({ workspaceId, start, checkpoints: false, signal });
    for (;;) {
      const batch = await stream.nextBatch(64);
      // A client hears nothing of a process that is dead.
      if (gateway.isDead || batch.length === 0) return;
      for (const delivery of batch) this.#take(reader, gateway, delivery);
      if (thinksMs > 0 && !this.#isOver) await this.#time.sleep(thinksMs * this.#time.random());
    }
  }

  #take(reader: Reader, gateway: Gateway, { kind, place, event }: Delivery): void {
    const before = reader.place?.position ?? 0;
    reader.place = place;
    if (kind !== 'EVENT') return;
    reader.deliveries += 1;
    if (place.position !== before + 1) {
      this.#breaks(`after position ${before} a reader was handed ${place.position}`);
    }
    const sinceMs = this.#database.exposedSinceMs(event);
    if (sinceMs === null) return;
    const wasAway = gateway.awayUntilMs > sinceMs;
    const exposedMs = this.#time.elapsedMs() - sinceMs;
    if (exposedMs > (wasAway ? EXPOSED_IN_OUTAGE_MAX_MS : EXPOSED_MAX_MS)) {
      this.#breaks(`content was handed out ${exposedMs} ms after its redaction`);
    }
  }

  #breaks(what: string): void {
    if (this.#broken.length < 100) this.#broken.push(what);
  }

  #checkEnds(): void {
    for (const { workspaceId, place, deliveries } of this.#readers) {
      const head = this.#database.of(workspaceId).events.length;
      const position = place?.position ?? 0;
      if (position === head && deliveries === head) continue;
      this.#breaks(
        `a reader of workspace ${workspaceId} got ${deliveries} events up to ${position}, of ${head}`,
      );
    }
  }

  #report(): Report {
    const all = [...this.#gateways, ...this.#ended];
    const sum = (of: (gateway: Gateway) => number) =>
      all.reduce((total, gateway) => total + of(gateway), 0);
    const gatewaySeconds = this.#plan.gateways * (this.#plan.seconds + CALM_MS / 1_000);
    return {
      events: this.#database.eventCount,
      deliveries: this.#readers.reduce((total, { deliveries }) => total + deliveries, 0),
      kills: this.#ended.length,
      redactions: Array.from({ length: this.#plan.workspaces }, (_, n) =>
        this.#database.of(n + 1),
      ).reduce((total, { redactions }) => total + redactions, 0),
      eventReads: sum(({ log }) => log.counts.eventReads),
      headReadsPerSecond: sum(({ log }) => log.counts.headReads) / gatewaySeconds,
      broken: this.#broken,
    };
  }

  async #stop(): Promise<void> {
    this.#stopped = true;
    for (const gateway of this.#gateways) void gateway.live.stop();
    await this.#time.runUntil(this.#time.elapsedMs() + 10_000);
  }
}
