/**
 * The rules of this process: a worker for each that has something to do. Every gateway looks at all
 * rules once a second, in one statement; a rule without anything to do costs no more than that. Where
 * there was none yet, it asks once a minute.
 */
import { randomUUID } from 'node:crypto';
import type { Change } from '../consume/consumer-admin.ts';
import { GatewayError } from '../core/errors.ts';
import { LIMITS } from '../core/limits.ts';
import type { Sent } from '../core/webhook.ts';
import type { Connection } from '../db/connection.ts';
import { RequestSlots } from '../webhooks/request-slots.ts';
import type { Address, Channels } from './channels.ts';
import { createDispatch, type DispatchOptions } from './dispatch.ts';
import type { PushTarget } from './push-crypto.ts';
import { noRule } from './rule-admin.ts';
import { hasRules, readDueRules, type ActiveRule } from './rule-plan.ts';
import type { Said } from './said.ts';
import { forgetSubscription } from './subscriptions.ts';
import { RuleWorker, type RuleWorkerOptions } from './worker.ts';

export interface NotifierOptions
  extends
    Pick<RuleWorkerOptions, 'consume' | 'write' | 'box'>,
    Pick<DispatchOptions, 'retryDelaysMs' | 'readPlan' | 'eventAt' | 'onSent'> {
  readonly channels: Channels;
  /** For looks at all rules. */
  readonly read: Connection;
  readonly makeDefaults: () => Promise<number>;
  /** Of a rule, by name; null where there is none. @throws GatewayError as `RuleAdmin` does */
  readonly targetsOf: (rule: Change) => Promise<TestTargets | null>;
  readonly onError: (error: unknown, facts: object, message: string) => void;
}

/** Where a test of a rule goes. */
export interface TestTargets {
  readonly addresses: readonly Address[];
  /** Slug. */
  readonly workspace: string;
}

/** What came of a test, at one address. */
export interface Tested {
  readonly address: Address;
  readonly sent: Sent;
}

const LOOK_EVERY_MS = 1_000;
/** While there is no rule at all: one that is made here is known at once, and worked for here. */
const IDLE_LOOK_EVERY_MS = 60_000;
/** A look takes at most this part of the time between two. */
const LOOK_PART = 10;
const GRACE_MS = 3_000;
const WORKERS_MAX = LIMITS.notificationRulesAtOnceMax;

export class Notifier {
  readonly #options: NotifierOptions;
  readonly #workerOptions: RuleWorkerOptions;
  readonly #places = new RequestSlots({
    max: LIMITS.notificationRequestsMax,
    hostMax: LIMITS.notificationHostRequestsMax,
  });
  readonly #workers = new Map<string, RuleWorker>();
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | null = null;
  #isLookDue = false;
  #hasRules = false;
  readonly #stopping = new AbortController();

  constructor(options: NotifierOptions) {
    const { channels, write, onError } = options;
    this.#options = options;
    this.#workerOptions = {
      ...options,
      mayWait: () => this.#workers.size <= WORKERS_MAX / 2,
      dispatch: createDispatch({
        ...options,
        channels,
        places: this.#places,
        forget: id => forgetSubscription(write, id),
      }),
      onError: (error, { workspaceId, consumerId }) =>
        onError(error, { workspaceId, consumerId }, 'a rule did not notify as it should'),
    };
  }

  start(): void {
    this.#lookIn(0);
  }

  /** Takes no more, and gives what is under way a moment. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    clearTimeout(this.#timer);
    await this.#looking;
    await Promise.all([...this.#workers.values()].map(worker => worker.stop(GRACE_MS)));
  }

  /** One was made or changed here: others are seen within a second. */
  changed(): void {
    this.#isLookDue = true;
    if (this.#looking === null) this.#lookIn(0);
  }

  #lookIn(ms: number): void {
    clearTimeout(this.#timer);
    if (this.#stopping.signal.aborted) return;
    this.#timer = setTimeout(() => {
      this.#isLookDue = false;
      const startedMs = performance.now();
      this.#looking = this.#look().finally(() => {
        this.#looking = null;
        const tookMs = performance.now() - startedMs;
        const everyMs = this.#hasRules ? LOOK_EVERY_MS : IDLE_LOOK_EVERY_MS;
        this.#lookIn(this.#isLookDue ? 0 : Math.max(everyMs, tookMs * LOOK_PART));
      });
    }, ms);
    this.#timer.unref();
  }

  async #look(): Promise<void> {
    const { read, makeDefaults, onError } = this.#options;
    // Where there were some, a look for nothing costs no more than to ask.
    this.#hasRules ||= await hasRules(read).catch(() => true);
    if (!this.#hasRules) return;
    try {
      await makeDefaults();
    } catch (error) {
      onError(error, {}, 'a workspace did not get the rule that it begins with');
    }
    try {
      for (const rule of await readDueRules(read)) this.#open(rule);
    } catch (error) {
      onError(error, {}, 'notification rules were not looked at');
    }
  }

  #open(rule: ActiveRule): void {
    const key = `${rule.workspaceId} ${rule.consumerId}`;
    const isFull = this.#workers.size >= WORKERS_MAX;
    if (isFull || this.#workers.has(key) || this.#stopping.signal.aborted) return;
    const worker = new RuleWorker(rule, this.#workerOptions);
    this.#workers.set(key, worker);
    worker.start(() => this.#workers.delete(key));
  }

  /** Sends a test to every address of a rule. @throws GatewayError NOT_FOUND, OVERLOADED, GOING_AWAY */
  async test(rule: Change, signal: AbortSignal): Promise<Tested[]> {
    const targets = await this.#options.targetsOf(rule);
    if (targets === null) throw noRule(rule.name);
    const { addresses, workspace } = targets;
    const said = testOf(workspace, `A test of the rule ${JSON.stringify(rule.name)}.`);
    const each = addresses.slice(0, TESTED_MAX).map(async address => ({
      address,
      sent: await this.#sendTest(rule.workspaceId, address, { said, signal }),
    }));
    return Promise.all(each);
  }

  /** Sends a test to one browser. @throws GatewayError OVERLOADED, GOING_AWAY */
  testPush(target: PushTarget, workspace: string, signal: AbortSignal): Promise<Sent> {
    const said = testOf(workspace, 'Notifications reach this browser.');
    return this.#sendTest(0, { kind: 'WEB_PUSH', target }, { said, signal });
  }

  async #sendTest(
    workspaceId: number,
    address: Address,
    { said, signal }: { readonly said: Said; readonly signal: AbortSignal },
  ): Promise<Sent> {
    const { channels, onSent } = this.#options;
    const host = channels.hostOf(address);
    if (this.#places.take(workspaceId, host, 1) === 0) throw busy();
    try {
      const either = AbortSignal.any([signal, this.#stopping.signal]);
      const sent = await channels.send(address, { said, tag: `test-${randomUUID()}` }, either);
      if (sent === null) throw new GatewayError('GOING_AWAY', 'The test was given up.');
      onSent(address.kind, sent);
      return sent;
    } finally {
      this.#places.leave(workspaceId, host, 1);
    }
  }
}

/** Of the addresses of a rule: browsers may be many. */
const TESTED_MAX = 50;

function testOf(workspace: string, text: string): Said {
  const at = new Date().toISOString();
  return { title: 'Sluice', text, at, path: `/w/${encodeURIComponent(workspace)}/notifications` };
}

function busy(): GatewayError {
  const message =
    'There are already as many notifications to this host as are allowed. Try again ' + 'shortly.';
  return new GatewayError('OVERLOADED', message);
}
