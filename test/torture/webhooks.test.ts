import { expect, test } from 'vitest';
import { createDatabase } from '../../src/db/client.ts';
import { verify } from '../../src/db/verify.ts';
import { createTestDatabase } from '../kit/database.ts';
import { tortureWebhooks } from './webhooks.ts';

/** Seconds of misfortune: `npm run torture` has many more. */
const seconds = Number(process.env['TORTURE_SECONDS'] ?? 4);
const seed = Number(process.env['TORTURE_SEED'] ?? Date.now() % 100_000);
/** Settles a delivery when it is leased, whatever becomes of it: the suite must see it. */
const isSabotaged = process.env['TORTURE_SABOTAGE'] === 'true';

async function settleTooEarly(url: string): Promise<void> {
  const db = createDatabase({ url });
  await db.upkeep.query(
    `create function no_delivery() returns trigger language plpgsql as
       $$ begin return case when random() < 0.98 then new end; end $$`,
  );
  await db.upkeep.query(
    'create trigger no_delivery before insert on deliveries for each row execute function no_delivery()',
  );
  await db.stop();
}

test(
  'whatever happens, receivers get every event, in order where that was asked for, and none is skipped',
  async () => {
    await using database = await createTestDatabase();
    if (isSabotaged) await settleTooEarly(database.url);
    const { faults, counts } = await tortureWebhooks({ databaseUrl: database.url, seed, seconds });
    console.log(
      `torture of webhooks with TORTURE_SEED=${seed} for ${seconds} s\n${JSON.stringify(counts, null, 2)}`,
    );
    expect(faults).toEqual([]);
    expect(counts['events']).toBeGreaterThan(50);
    const db = createDatabase({ url: database.url });
    expect((await verify(db.upkeep)).violations).toEqual([]);
    await db.stop();
  },
  (seconds + 240) * 1_000,
);
