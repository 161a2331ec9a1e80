/**
 * Webhooks among misfortunes: receivers that fail, hang, answer late or cut the connection, gateways
 * that are killed, sessions that are ended, and somebody who pauses and resumes. Afterwards every
 * event was received and is settled, in order where that was asked for; and no consumer ever stood
 * beyond an event that its receiver had not accepted.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { startReceiver, type Answer, type Received, type Receiver } from '../e2e/webhooks/kit.ts';
import {
  ask,
  count,
  createWorld,
  endWorld,
  untilEnough,
  wreak,
  write,
  type World,
  type WorldOptions,
} from './world.ts';

const WEBHOOKS = { plain: '', ordered: 'orderedBy: SUBJECT' } as const;
type Name = keyof typeof WEBHOOKS;
const NAMES = Object.keys(WEBHOOKS) as Name[];
const ENVIRONMENT = {
  SLUICE_WEBHOOK_PRIVATE_NETWORKS: 'true',
  SLUICE_WEBHOOK_RETRY_SECONDS: '0.02,0.05,0.1',
};
const SETTLE_MS = 90_000;

interface Data {
  readonly position: number;
  readonly subject: string;
}

/** What one receiver saw. */
class Account {
  /** Positions that it accepted, and how often. */
  readonly accepted = new Map<number, number>();
  readonly ids = new Map<number, string>();
  readonly faults: string[] = [];
  /** Each request of the ordered one, with what was accepted before it. */
  readonly seen: (Data & { readonly acceptedBefore: ReadonlySet<number> })[] = [];
}

interface Arena extends World {
  readonly accounts: Readonly<Record<Name, Account>>;
  isCalm: boolean;
}

export async function tortureWebhooks(options: WorldOptions) {
  const world = await createWorld(options, ENVIRONMENT);
  const arena: Arena = Object.assign(world, {
    accounts: { plain: new Account(), ordered: new Account() },
    isCalm: false,
  });
  const receivers: Receiver[] = [];
  for (const name of NAMES) {
    const receiver = await startReceiver();
    receiver.answer = received => answerOf(arena, name, received);
    receivers.push(receiver);
    const { errors } = await world.gateways[0]!.graphql(`mutation { createWebhook(input: {
      workspace: "default", name: "${name}", url: "${receiver.url}", ${WEBHOOKS[name]}
      filter: { types: ["torture.step"] }
      from: { start: BEGINNING }, timeout: "PT1S", maxAttempts: 100 }) { consumer { id } } }`);
    if (errors !== undefined) throw new Error(JSON.stringify(errors));
  }
  const others = [write(arena), wreak(arena), pauseAndResume(arena), watch(arena)];
  await untilEnough(arena);
  await Promise.all(others);
  arena.isCalm = true;
  const faults = [...(await untilSettled(arena)), ...(await faultsOf(arena))];
  await endWorld(arena);
  for (const receiver of receivers) await receiver[Symbol.asyncDispose]();
  return { faults: faults.slice(0, 20), counts: arena.counts };
}

function answerOf(arena: Arena, name: Name, { body, headers }: Received): Answer {
  const { data } = JSON.parse(body) as { data: Data };
  const account = arena.accounts[name];
  const id = headers['webhook-id'] as string;
  const known = account.ids.get(data.position);
  if (known !== undefined && known !== id) account.faults.push(`${data.position} had two ids`);
  account.ids.set(data.position, id);
  if (name === 'ordered') {
    account.seen.push({ ...data, acceptedBefore: new Set(account.accepted.keys()) });
  }
  count(arena, `requests of ${name}`);
  const accept = (res: { writeHead(status: number): { end(): void } }) => {
    account.accepted.set(data.position, (account.accepted.get(data.position) ?? 0) + 1);
    res.writeHead(200).end();
  };
  const chance = arena.isCalm ? 1 : arena.random();
  if (chance < 0.04) return count(arena, 'answers 500') ?? 500;
  if (chance < 0.07) return () => count(arena, 'requests that hang');
  if (chance < 0.1) {
    count(arena, 'connections that are cut');
    return (_req, res) => void res.destroy();
  }
  if (chance < 0.13) {
    count(arena, 'late answers');
    return (_req, res) => void setTimeout(() => accept(res), 600 + arena.random() * 600);
  }
  return (_req, res) => accept(res);
}

async function pauseAndResume(arena: Arena): Promise<void> {
  while (!arena.isOver) {
    await sleep(300 + arena.random() * 700);
    const name = NAMES[Math.floor(arena.random() * NAMES.length)] as Name;
    const change = (field: string) =>
      ask(
        arena,
        `mutation { ${field}(input: { workspace: "default", consumer: "${name}" }) {
        consumer { status } } }`,
        {},
      );
    await change('pauseConsumer');
    count(arena, 'pauses');
    await sleep(arena.random() * 200);
    while ((await change('resumeConsumer')) === null) await sleep(30);
  }
}

const STATE = `{ consumers(workspace: "default") {
  nodes { name status settledPosition lagEvents parkedCount gonePosition } } }`;

interface State {
  readonly consumers: {
    readonly nodes: readonly {
      readonly name: Name;
      readonly settledPosition: number;
      readonly lagEvents: number;
      readonly parkedCount: number;
    }[];
  };
}

/** What is said to be settled was accepted before. */
async function watch(arena: Arena): Promise<void> {
  while (!arena.isOver) {
    await sleep(50);
    const state = await ask<State>(arena, STATE, {});
    for (const { name, settledPosition } of state?.consumers.nodes ?? []) {
      count(arena, 'looks');
      arena.accounts[name].faults.push(...notAccepted(arena.accounts[name], settledPosition));
    }
  }
}

function notAccepted({ accepted }: Account, settledPosition: number): string[] {
  const positions = Array.from({ length: settledPosition }, (_, at) => at + 1);
  return positions
    .filter(position => !accepted.has(position))
    .map(position => `${position} counted as settled`);
}

async function untilSettled(arena: Arena): Promise<string[]> {
  const untilMs = Date.now() + SETTLE_MS;
  let last = '';
  while (Date.now() < untilMs) {
    const state = await ask<State>(arena, STATE, {});
    last = JSON.stringify(state);
    const nodes = state?.consumers.nodes ?? [];
    const isSettled = nodes.every(({ lagEvents, parkedCount }) => lagEvents + parkedCount === 0);
    if (nodes.length > 0 && isSettled) return [];
    await sleep(100);
  }
  return [`it was not all settled: ${last}`];
}

async function faultsOf(arena: Arena): Promise<string[]> {
  const stored = await arena.db.write.query<Data>(
    `select position, subject from events where workspace_id =
       (select id from workspaces where slug = 'default') order by position`,
  );
  count(arena, 'events', stored.length);
  return NAMES.flatMap(name => {
    const { accepted, faults, seen } = arena.accounts[name];
    const missed = stored.filter(({ position }) => !accepted.has(position));
    count(arena, `repeated by ${name}`, [...accepted.values()].filter(times => times > 1).length);
    return [
      ...faults,
      ...missed.map(({ position }) => `${name} never got ${position}`),
      ...(name === 'ordered' ? outOfOrder(stored, seen) : []),
    ];
  });
}

/** A request, while an earlier event of its subject was not accepted. */
function outOfOrder(stored: readonly Data[], seen: Account['seen']): string[] {
  return seen.flatMap(({ position, subject, acceptedBefore }) => {
    const skipped = stored.find(
      each =>
        each.subject === subject && each.position < position && !acceptedBefore.has(each.position),
    );
    return skipped === undefined
      ? []
      : [`${position} of ${subject} was sent before ${skipped.position}`];
  });
}
