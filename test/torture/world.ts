/** Gateways on one database, events that are recorded, and misfortunes. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { createDatabase, type Database } from '../../src/db/client.ts';
import { startChildGateway, type ChildGateway } from '../kit/child-gateway.ts';
import { freePort } from '../kit/free-port.ts';
import { seeded } from './torture.ts';

export interface WorldOptions {
  readonly databaseUrl: string;
  readonly seed: number;
  readonly seconds: number;
}

export interface World {
  readonly options: WorldOptions;
  /** Of each gateway. */
  readonly environment: Readonly<Record<string, string>>;
  readonly random: () => number;
  readonly db: Database;
  readonly gateways: ChildGateway[];
  readonly counts: Record<string, number>;
  /** Events that were answered for. */
  recorded: number;
  isOver: boolean;
}

const SUBJECTS = 8;
/** Of fewer events there is too little to see: on a busy machine they take longer. */
const EVENTS_MIN = 60;
const RECORD = `mutation ($events: [EventInput!]!) {
  recordEvents(input: { workspace: "default", events: $events }) { recordedCount } }`;

export async function createWorld(
  options: WorldOptions,
  environment: Readonly<Record<string, string>> = {},
): Promise<World> {
  const start = async () =>
    startChildGateway(options.databaseUrl, { ...environment, PORT: String(await freePort()) });
  const gateways = [await start()];
  gateways.push(await start());
  return {
    ...{ options, environment, gateways, random: seeded(options.seed) },
    ...{ recorded: 0, isOver: false },
    db: createDatabase({ url: options.databaseUrl, applicationName: 'torture' }),
    counts: {},
  };
}

export async function endWorld({ gateways, db }: World): Promise<void> {
  await Promise.all(gateways.map(gateway => gateway[Symbol.asyncDispose]()));
  await db.stop();
}

/** As long as was asked for, and until there is enough to see. */
export async function untilEnough(world: World): Promise<void> {
  await sleep(world.options.seconds * 1_000);
  while (world.recorded < EVENTS_MIN) await sleep(50);
  world.isOver = true;
}

export function count({ counts }: World, what: string, by = 1): void {
  counts[what] = (counts[what] ?? 0) + by;
}

/** Null where there was no answer, or a refusal. */
export async function ask<Data>(
  world: World,
  query: string,
  variables: object,
): Promise<Data | null> {
  const gateway = world.gateways[Math.floor(world.random() * world.gateways.length)]!;
  try {
    const request = gateway.graphql<Data>(query, { ...variables });
    const answer = await Promise.race([request, sleep(6_000, null)]);
    return answer?.errors === undefined ? (answer?.data ?? null) : null;
  } catch {
    return null;
  }
}

export async function write(world: World): Promise<void> {
  const { random } = world;
  while (!world.isOver) {
    const events = Array.from({ length: 1 + Math.floor(random() * 20) }, () => ({
      ...{ id: randomUUID(), type: 'torture.step' },
      subject: `s${Math.floor(random() * SUBJECTS)}`,
    }));
    while ((await ask(world, RECORD, { events })) === null) await sleep(30);
    world.recorded += events.length;
    await sleep(random() * 60);
  }
}

export async function wreak(world: World): Promise<void> {
  const { random, db, gateways } = world;
  while (!world.isOver) {
    await sleep(300 + random() * 500);
    if (random() < 0.7) {
      await db.read
        .query(
          `select pg_terminate_backend(pid) from pg_stat_activity
           where datname = current_database() and pid <> pg_backend_pid() and random() < 0.3`,
        )
        .catch(() => []);
      count(world, 'cuts of sessions');
      continue;
    }
    const n = Math.floor(random() * gateways.length);
    const { process: child, url } = gateways[n]!;
    child.kill('SIGKILL');
    await once(child, 'exit');
    await gateways[n]![Symbol.asyncDispose]();
    count(world, 'gateways killed');
    for (;;) {
      const made = await startChildGateway(world.options.databaseUrl, {
        ...world.environment,
        PORT: new URL(url).port,
      }).catch(() => null);
      if (made === null) continue;
      gateways[n] = made;
      break;
    }
  }
}
