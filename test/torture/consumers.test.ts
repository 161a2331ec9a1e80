import { expect, test } from 'vitest';
import { createDatabase } from '../../src/db/client.ts';
import { verify } from '../../src/db/verify.ts';
import { createTestDatabase } from '../kit/database.ts';
import { tortureConsumers } from './consumers.ts';

/** Seconds of misfortune: `npm run torture` has many more. */
const seconds = Number(process.env['TORTURE_SECONDS'] ?? 4);
const seed = Number(process.env['TORTURE_SEED'] ?? Date.now() % 100_000);
/** Forgets what the order of deliveries follows: the suite must see it. */
const isSabotaged = process.env['TORTURE_SABOTAGE'] === 'true';

async function forgetOrder(url: string): Promise<void> {
  const db = createDatabase({ url });
  await db.upkeep.query(
    `create function no_order() returns trigger language plpgsql as
       $$ begin new.order_key := null; return new; end $$`,
  );
  await db.upkeep.query(
    'create trigger no_order before insert on deliveries for each row execute function no_order()',
  );
  await db.stop();
}

test(
  'whatever happens, consumers settle every event once, and in order where that was asked for',
  async () => {
    await using database = await createTestDatabase();
    if (isSabotaged) await forgetOrder(database.url);
    const { faults, counts } = await tortureConsumers({ databaseUrl: database.url, seed, seconds });
    console.log(
      `torture of consumers with TORTURE_SEED=${seed} for ${seconds} s\n${JSON.stringify(counts, null, 2)}`,
    );
    expect(faults).toEqual([]);
    expect(counts['events']).toBeGreaterThan(50);
    const db = createDatabase({ url: database.url });
    expect((await verify(db.upkeep)).violations).toEqual([]);
    await db.stop();
  },
  (seconds + 240) * 1_000,
);
