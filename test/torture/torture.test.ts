import { expect, test } from 'vitest';
import { createDatabase } from '../../src/db/client.ts';
import { createTestDatabase } from '../kit/database.ts';
import { torture } from './torture.ts';

/** Seconds of misfortune: `npm run torture` has many more. */
const seconds = Number(process.env['TORTURE_SECONDS'] ?? 4);
const seed = Number(process.env['TORTURE_SEED'] ?? Date.now() % 100_000);
/** Takes the lock from under the positions: the suite must see it. */
const isSabotaged = process.env['TORTURE_SABOTAGE'] === 'true';

async function takeLockAway(url: string): Promise<void> {
  const db = createDatabase({ url });
  const [row] = await db.upkeep.query<{ source: string }>(
    `select pg_get_functiondef('take_workspaces_for'::regproc) as source`,
  );
  const without = row!.source.replace(/perform pg_advisory_xact_lock\([^;]*;/, 'null;');
  expect(without).not.toBe(row!.source);
  await db.upkeep.query(without);
  await db.stop();
}

test(
  'whatever happens, each subscriber gets every committed event once, in order',
  async () => {
    await using database = await createTestDatabase();
    if (isSabotaged) await takeLockAway(database.url);
    const { faults, counts } = await torture({
      databaseUrl: database.url,
      seed,
      seconds,
      gateways: seconds > 10 ? 3 : 2,
      readers: seconds > 10 ? 3 : 1,
    });
    console.log(
      `torture with TORTURE_SEED=${seed} for ${seconds} s\n${JSON.stringify(counts, null, 2)}`,
    );
    expect(faults).toEqual([]);
    expect(counts['deliveries']).toBeGreaterThan(100);
    expect(counts['events removed']).toBeGreaterThan(0);
  },
  (seconds + 240) * 1_000,
);
