/**
 * Consumers among misfortunes: workers that die between delivery and acknowledgement, gateways that
 * are killed, sessions that are ended, a database that is away, leases that run out while they are
 * acknowledged, somebody who pauses, resumes and seeks back. Afterwards
 * every event is settled, exactly once in the consumer's own account, and in order where that was
 * asked for.
 */
import { setTimeout as sleep } from 'node:timers/promises';
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

const CONSUMERS = { plain: '', ordered: 'orderedBy: SUBJECT', sought: '' } as const;
type ConsumerName = keyof typeof CONSUMERS;
const WORKERS = 4;
const SETTLE_MS = 90_000;

const PULL = `mutation ($consumer: String!) {
  pullEvents(input: { workspace: "default", consumer: $consumer, first: 10, wait: "PT1S" }) {
    deliveries { token event { position subject } } } }`;
const ACKNOWLEDGE = `mutation ($consumer: String!, $tokens: [String!]!) {
  acknowledgeDeliveries(input: { workspace: "default", consumer: $consumer, tokens: $tokens }) {
    expiredTokens } }`;
const RELEASE = `mutation ($consumer: String!, $tokens: [String!]!) {
  releaseDeliveries(input: {
    workspace: "default", consumer: $consumer, tokens: $tokens, delay: "PT0.05S"
  }) { releasedCount } }`;
interface Delivered {
  readonly token: string;
  readonly event: { readonly position: number; readonly subject: string };
}

/** What one consumer's workers did, in the order of time. */
class Account {
  readonly steps: { kind: 'DELIVERED' | 'SENT'; position: number; subject: string }[] = [];
  /** By position, how often an acknowledgement was confirmed. */
  readonly confirmed = new Map<number, number>();
  /** Where an acknowledgement had no answer: it may have counted. */
  readonly unknown = new Set<number>();
}

interface Arena extends World {
  readonly accounts: Readonly<Record<ConsumerName, Account>>;
  isSettled: boolean;
}

export async function tortureConsumers(options: WorldOptions) {
  const world = await createWorld(options);
  const { gateways } = world;
  const arena: Arena = Object.assign(world, {
    accounts: { plain: new Account(), ordered: new Account(), sought: new Account() },
    isSettled: false,
  });
  for (const [name, order] of Object.entries(CONSUMERS)) {
    const { errors } = await gateways[0]!.graphql(`mutation { createConsumer(input: {
      workspace: "default", name: "${name}", from: { start: BEGINNING }, ${order}
      leaseDuration: "PT1S", maxAttempts: 100 }) { consumer { id } } }`);
    if (errors !== undefined) throw new Error(JSON.stringify(errors));
  }
  const names = Object.keys(CONSUMERS) as ConsumerName[];
  const workers = names.flatMap(name => Array.from({ length: WORKERS }, () => work(arena, name)));
  const others = [write(arena), write(arena), wreak(arena), meddle(arena)];
  await untilEnough(arena);
  await Promise.all(others);
  const faults = await untilSettled(arena);
  arena.isSettled = true;
  await Promise.all(workers);
  faults.push(...(await faultsOf(arena)));
  await endWorld(arena);
  return { faults, counts: arena.counts };
}

/** Pauses and resumes any, and seeks back one, whose events are then delivered again. */
async function meddle(arena: Arena): Promise<void> {
  const { random } = arena;
  const names = Object.keys(CONSUMERS) as ConsumerName[];
  const change = (field: string, name: ConsumerName, more = '') =>
    ask(
      arena,
      `mutation { ${field}(input: { workspace: "default", consumer: "${name}" ${more} }) {
        consumer { status } } }`,
      {},
    );
  while (!arena.isOver) {
    await sleep(300 + random() * 700);
    const name = names[Math.floor(random() * names.length)]!;
    await change('pauseConsumer', name);
    count(arena, 'pauses');
    await sleep(random() * 200);
    while ((await change('resumeConsumer', name)) === null) await sleep(30);
    if ((await change('seekConsumer', 'sought', 'to: { start: BEGINNING }')) !== null) {
      count(arena, 'seeks');
    }
  }
}

async function work(arena: Arena, consumer: ConsumerName): Promise<void> {
  const { random } = arena;
  const account = arena.accounts[consumer];
  while (!arena.isSettled) {
    const pulled = await ask<{ pullEvents: { deliveries: Delivered[] } }>(arena, PULL, {
      consumer,
    });
    const all = pulled?.pullEvents.deliveries ?? [];
    for (const { event } of all) account.steps.push({ kind: 'DELIVERED', ...event });
    count(arena, `deliveries of ${consumer}`, all.length);
    const chance = random();
    if (all.length === 0) await sleep(20);
    else if (chance < 0.1) count(arena, 'workers that died with what they had');
    else if (chance < 0.2) await ask(arena, RELEASE, { consumer, tokens: all.map(tokenOf) });
    else {
      if (chance < 0.3) await sleep(800 + random() * 600);
      await acknowledge(arena, consumer, all);
    }
  }
}

const tokenOf = ({ token }: Delivered) => token;

async function acknowledge(
  arena: Arena,
  consumer: ConsumerName,
  all: readonly Delivered[],
): Promise<void> {
  const account = arena.accounts[consumer];
  for (const { event } of all) account.steps.push({ kind: 'SENT', ...event });
  const answer = await ask<{ acknowledgeDeliveries: { expiredTokens: string[] } }>(
    arena,
    ACKNOWLEDGE,
    { consumer, tokens: all.map(tokenOf) },
  );
  const expired = new Set(answer?.acknowledgeDeliveries.expiredTokens);
  count(arena, 'acknowledgements that came too late', expired.size);
  for (const { token, event } of all) {
    if (answer === null) account.unknown.add(event.position);
    else if (!expired.has(token)) {
      account.confirmed.set(event.position, (account.confirmed.get(event.position) ?? 0) + 1);
    }
  }
}

async function untilSettled(arena: Arena): Promise<string[]> {
  const untilMs = Date.now() + SETTLE_MS;
  let last = '';
  while (Date.now() < untilMs) {
    const data = await ask<{ consumers: { nodes: { name: string; lagEvents: number }[] } }>(
      arena,
      '{ consumers(workspace: "default") { nodes { name lagEvents parkedCount gonePosition } } }',
      {},
    );
    last = JSON.stringify(data);
    if (data?.consumers.nodes.every(({ lagEvents }) => lagEvents === 0) === true) return [];
    await sleep(100);
  }
  return [`it was not all settled: ${last}`];
}

async function faultsOf(arena: Arena): Promise<string[]> {
  const stored = await arena.db.write.query<{ position: number; subject: string }>(
    `select position, subject from events where workspace_id =
       (select id from workspaces where slug = 'default') order by position`,
  );
  count(arena, 'events', stored.length);
  const faults: string[] = [];
  for (const [name, { confirmed, unknown, steps }] of Object.entries(arena.accounts)) {
    for (const { position } of stored) {
      const times = confirmed.get(position) ?? 0;
      // What was sought back to is settled again.
      const isOften = name === 'sought' && times > 1;
      const isSettled = times === 1 || isOften || (times === 0 && unknown.has(position));
      if (!isSettled) faults.push(`${name} settled ${position} ${times} times`);
    }
    if (name === 'ordered') faults.push(...outOfOrder(stored, steps));
  }
  return faults.slice(0, 20);
}

/** A delivery, while an acknowledgement of an earlier event of its subject was not even sent. */
function outOfOrder(
  stored: readonly { position: number; subject: string }[],
  steps: Account['steps'],
): string[] {
  const sent = new Set<number>();
  const before = new Map<string, number[]>();
  for (const { subject, position } of stored) {
    before.set(subject, [...(before.get(subject) ?? []), position]);
  }
  return steps.flatMap(({ kind, position, subject }) => {
    if (kind === 'SENT') sent.add(position);
    const skipped = before.get(subject)?.find(each => each < position && !sent.has(each));
    if (kind === 'SENT' || skipped === undefined) return [];
    return [`${position} of ${subject} was delivered before ${skipped}`];
  });
}
