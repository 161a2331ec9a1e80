/** Gateways on one database, events that are recorded, and misfortunes. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { createDatabase, type Database } from '../../src/db/client.ts';
import { startChildGateway, type ChildGateway } from '../kit/child-gateway.ts';
import { freePort } from '../kit/free-port.ts';
import { seeded } from '../kit/random.ts';

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

/** Records so many, whatever happens: a repeated request names the same events. */
export async function record(world: World, size: number): Promise<void> {
  const { random } = world;
  const events = Array.from({ length: size }, () => {
    const id = randomUUID();
    const subject = `s${Math.floor(random() * SUBJECTS)}`;
    return { id, type: 'torture.step', subject, description: `TORTURE-${id}` };
  });
  while ((await ask(world, RECORD, { events })) === null) await sleep(30);
  world.recorded += size;
}

export async function write(world: World): Promise<void> {
  const { random } = world;
  while (!world.isOver) {
    await record(world, 1 + Math.floor(random() * 20));
    await sleep(random() * 60);
  }
}

/** As clients see a database that restarts: all sessions end, and none begins for a while. */
async function takeAway(world: World): Promise<void> {
  const url = new URL(world.options.databaseUrl);
  const name = url.pathname.slice(1);
  url.pathname = name === 'postgres' ? '/template1' : '/postgres';
  const outside = createDatabase({ url: url.href, applicationName: 'torture' });
  const allow = (isAllowed: boolean) =>
    outside.upkeep.query(`alter database "${name}" with allow_connections ${isAllowed}`);
  try {
    await allow(false);
    await outside.upkeep.query(
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = $1',
      [name],
    );
    count(world, 'times that the database is away');
    await sleep(200 + world.random() * 600);
  } finally {
    await allow(true);
    await outside.stop();
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
    if (random() < 0.3) {
      await takeAway(world);
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
