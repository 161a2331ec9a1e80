import { expect, test } from 'vitest';
import { tortureEvidence } from './evidence.ts';
import type { World } from './world.ts';

/** Seconds of misfortune: `npm run torture` has many more. */
const seconds = Number(process.env['TORTURE_SECONDS'] ?? 8);
const seed = Number(process.env['TORTURE_SEED'] ?? Date.now() % 100_000);
/** Moves the size of a tree where some of its hashes were not written: the suite must see it. */
const isSabotaged = process.env['TORTURE_SABOTAGE'] === 'true';

async function loseHashes({ db }: World): Promise<void> {
  await db.upkeep.query(
    `create function no_hashes() returns trigger language plpgsql as
       $$ begin return case when random() < 0.9 then new end; end $$`,
  );
  await db.upkeep.query(
    'create trigger no_hashes before insert or update on evidence_tiles for each row execute function no_hashes()',
  );
}

test(
  'whatever happens, the tree is the one that is built in one go, and continues every checkpoint',
  async () => {
    const prepare = isSabotaged ? loseHashes : async () => {};
    const { faults, counts } = await tortureEvidence({ seed, seconds, prepare });
    console.log(
      `torture of evidence with TORTURE_SEED=${seed} for ${seconds} s\n${JSON.stringify(counts, null, 2)}`,
    );
    expect(faults).toEqual([]);
    expect(counts['events']).toBeGreaterThan(500);
    expect(counts['events redacted']).toBeGreaterThan(0);
    expect(counts['checkpoints served']).toBeGreaterThan(1);
  },
  (seconds + 300) * 1_000,
);
