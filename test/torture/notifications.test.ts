import { expect, test } from 'vitest';
import { createDatabase } from '../../src/db/client.ts';
import { verify } from '../../src/db/verify.ts';
import { createTestDatabase } from '../kit/database.ts';
import { tortureNotifications } from './notifications.ts';

/** Seconds of misfortune: `npm run torture` has many more. */
const seconds = Number(process.env['TORTURE_SECONDS'] ?? 4);
const seed = Number(process.env['TORTURE_SEED'] ?? Date.now() % 100_000);
/** Forgets that the threshold was crossed, and drops what is to be sent: the suite must see it. */
const isSabotaged = process.env['TORTURE_SABOTAGE'] === 'true';

async function forget(url: string): Promise<void> {
  const db = createDatabase({ url });
  for (const statement of [
    `create function uncrossed() returns trigger language plpgsql as
       $$ begin new.is_crossed := false; return new; end $$`,
    'create trigger uncrossed before update on notification_rules for each row execute function uncrossed()',
    `create function unsent() returns trigger language plpgsql as
       $$ begin return case when random() < 0.95 then new end; end $$`,
    'create trigger unsent before insert on notifications for each row execute function unsent()',
  ]) {
    await db.upkeep.query(statement);
  }
  await db.stop();
}

test(
  'whatever happens, every event is told of once, and a threshold once for each crossing',
  async () => {
    await using database = await createTestDatabase();
    if (isSabotaged) await forget(database.url);
    const { faults, counts } = await tortureNotifications({
      ...{ databaseUrl: database.url, seed, seconds },
    });
    console.log(
      `torture of notifications with TORTURE_SEED=${seed} for ${seconds} s\n${JSON.stringify(counts, null, 2)}`,
    );
    expect(faults).toEqual([]);
    expect(counts['events']).toBeGreaterThan(5);
    const db = createDatabase({ url: database.url });
    expect((await verify(db.upkeep)).violations).toEqual([]);
    await db.stop();
  },
  (seconds + 240) * 1_000,
);
