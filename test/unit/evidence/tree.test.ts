/** Trees in a database: how they are built, what retention leaves of them, and what `verify` finds. */
import { getTableColumns } from 'drizzle-orm';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { verifyProof } from '../../../src/client/index.ts';
import type { EventInput } from '../../../src/core/event.ts';
import {
  isSignedBy,
  readNote,
  readTreeHead,
  verifierKeyOf,
  type TreeHead,
} from '../../../src/core/signed-note.ts';
import type { Workspace } from '../../../src/core/workspace.ts';
import { createDatabase } from '../../../src/db/client.ts';
import { renewEpoch } from '../../../src/db/installation.ts';
import { events as eventsTable } from '../../../src/db/schema.ts';
import { transaction } from '../../../src/db/transaction.ts';
import { verify } from '../../../src/db/verify.ts';
import { advanceTree, findTreeWork } from '../../../src/evidence/build.ts';
import {
  createEvidenceReader,
  type EvidenceReader,
} from '../../../src/evidence/evidence-reader.ts';
import {
  createSigner,
  ensureEvidenceKey,
  readPublicKeys,
  rotateEvidenceKey,
} from '../../../src/evidence/keys.ts';
import { cutNext } from '../../../src/evidence/removal.ts';
import { verifyTree } from '../../../src/evidence/verify-tree.ts';
import { createWorkspaceAdmin } from '../../../src/security/workspace-admin.ts';
import { expireNext } from '../../../src/upkeep/expiry.ts';
import { redact } from '../../../src/upkeep/redact.ts';
import { removing } from '../../../src/upkeep/removal.ts';
import { lookUpTails, removeNext } from '../../../src/upkeep/retention.ts';
import { purgeDeleted } from '../../../src/upkeep/upkeep-purge.ts';
import '../../kit/chance.ts';
import { backdate, foldAll } from '../../kit/past.ts';
import { anEvent, startRecordingDatabase } from '../../kit/recording.ts';
import { unaudited } from '../../kit/unaudited.ts';

let side: Awaited<ReturnType<typeof startRecordingDatabase>>;
let reader: EvidenceReader;
beforeAll(async () => {
  side = await startRecordingDatabase();
  await ensureEvidenceKey(side.db.write, null);
  reader = readerWith(null);
});
afterAll(() => side[Symbol.asyncDispose]());

const nowMs = () => Date.now();
const readerWith = (seed: Buffer | null) =>
  createEvidenceReader(side.db.read, createSigner(side.db.read, seed, nowMs));

/** Events of which every field that is stored is there. */
function fullEvents(count: number, given: Partial<EventInput> = {}): EventInput[] {
  return Array.from({ length: count }, (_, at) =>
    anEvent({
      ...{ type: `type-${at % 2}`, source: 'app', subject: `s${at}`, actor: 'a', icon: '🙂' },
      ...{ description: 'd', clientIp: '127.0.0.1', parentId: 'p', groupId: 'g' },
      ...{ success: true, notify: true, payload: { n: at, text: 'äb' }, wire: { raw: 'w' } },
      ...{ expiresAt: new Date('2090-01-01T00:00:00Z') },
      properties: [{ name: 'long', type: 'LONG', values: ['17'] }],
      ...given,
    }),
  );
}

async function record(workspace: Workspace, events: readonly EventInput[]): Promise<void> {
  const receipts = await side.record({ workspace, door: 'GRAPHQL', events, atomic: false });
  expect(receipts.filter(({ status }) => status !== 'RECORDED')).toEqual([]);
}

async function headOf({ id }: Workspace): Promise<TreeHead> {
  const { note } = (await reader.checkpoint(id))!;
  return readTreeHead(readNote(note)!.text)!;
}

async function findingsOf({ id, slug }: Workspace, head: TreeHead | null = null) {
  const verified = await verifyTree(side.db.upkeep, { workspaceId: id, slug }, head);
  return verified!.findings;
}

/** A workspace with a tree over so many events. */
async function aTree(count: number): Promise<{ workspace: Workspace; head: TreeHead }> {
  const workspace = await side.workspace({ evidence: true });
  await record(workspace, fullEvents(count));
  await foldAll(side.db);
  return { workspace, head: await headOf(workspace) };
}

const run = (sql: string, params: (string | number | boolean | Date | null)[] = []) =>
  side.db.upkeep.query<Record<string, never>>(sql, params);

describe('a tree', () => {
  test('grows with the log, by whichever gateway comes first, and after a crash', async () => {
    const workspace = await side.workspace({ evidence: true });
    const other = createDatabase({ url: side.database.url });
    try {
      for (const count of [1, 254, 2, 0, 300]) {
        await record(workspace, fullEvents(count));
        // A process that dies has built nothing.
        const dying = transaction(side.db.upkeep, async connection => {
          const work = await findTreeWork(connection, [workspace.id], () => 'true' as never);
          if (work !== null) await advanceTree(connection, work);
          throw new Error('died');
        });
        await expect(dying).rejects.toThrow('died');
        await Promise.all([foldAll(side.db), foldAll(other)]);
      }
    } finally {
      await other.stop();
    }
    expect((await headOf(workspace)).size).toBe(557);
    expect(await findingsOf(workspace)).toEqual([]);
  });

  test('keeps no salt of an event that is redacted while its leaf is made', async () => {
    const workspace = await side.workspace({ evidence: true });
    await foldAll(side.db);
    await record(workspace, fullEvents(3));
    let redacted: Promise<number> | undefined;
    await transaction(side.db.upkeep, async connection => {
      const work = await findTreeWork(connection, [workspace.id], () => 'true' as never);
      await advanceTree(connection, work!);
      const options = { audited: unaudited, actor: null, fold: skip };
      redacted = redact(side.db.upkeep, workspace.id, { subject: 's1' }, options);
      let isOver = false;
      void redacted.finally(() => (isOver = true));
      const isWaiting = async () =>
        isOver ||
        (
          await run(`select 1 from pg_locks where locktype = 'advisory' and not granted
           and database = (select oid from pg_database where datname = current_database())`)
        ).length > 0;
      await expect.poll(isWaiting, { timeout: 10_000 }).toBe(true);
    });
    expect(await redacted).toBe(1);
    expect(await findingsOf(workspace)).toEqual([]);
  });

  test('begins with what was emptied before, of which nothing is known', async () => {
    const workspace = await side.workspace();
    await record(workspace, fullEvents(3));
    await redact(
      side.db.upkeep,
      workspace.id,
      { subject: 's1' },
      { audited: unaudited, actor: null, fold: skip },
    );
    await turnOn(workspace);
    await foldAll(side.db);
    const head = await headOf(workspace);
    expect(head.size).toBe(3);
    expect(await findingsOf(workspace, head)).toEqual([]);
  });

  test('has its content hidden for good by redaction and expiry, and the same root', async () => {
    const workspace = await side.workspace({ evidence: true });
    const expiresAt = new Date(Date.now() + 1_500);
    await record(workspace, [...fullEvents(300), ...fullEvents(2, { expiresAt })]);
    await foldAll(side.db);
    const head = await headOf(workspace);
    await redact(
      side.db.upkeep,
      workspace.id,
      { subject: 's7' },
      { audited: unaudited, actor: null, fold: skip },
    );
    const emptied = async () => {
      await expireNext(side.db.upkeep);
      const rows = await run('select 1 from events where workspace_id = $1 and expired_at > $2', [
        workspace.id,
        new Date(0),
      ]);
      return rows.length;
    };
    await expect.poll(emptied, { timeout: 20_000 }).toBe(2);
    const verified = await verifyTree(
      side.db.upkeep,
      { workspaceId: workspace.id, slug: workspace.slug },
      head,
    );
    expect(verified).toMatchObject({
      ...{ findings: [], redacted: 1, expired: 2, from: 1, to: 302 },
    });
    const [row] = await run(
      `select string_agg(encode(salts, 'hex'), '' order by number) as salts
       from evidence_bundles where workspace_id = $1`,
      [workspace.id],
    );
    const salts = (row!['salts'] as unknown as string).match(/.{64}/g)!;
    const gone = salts.flatMap((salt, index) => (/^0+$/.test(salt) ? [index] : []));
    expect(gone).toEqual([7, 300, 301]);
  });
});

test('a deleted workspace leaves nothing of its tree, and is not deleted while it grows', async () => {
  const { workspace } = await aTree(3);
  const admin = createWorkspaceAdmin(side.db.write, unaudited);
  let isDeleted = false;
  let deleting: Promise<unknown> | undefined;
  await record(workspace, fullEvents(2));
  await transaction(side.db.upkeep, async connection => {
    const work = await findTreeWork(connection, [workspace.id], () => 'true' as never);
    deleting = admin.remove(workspace.slug, null).then(() => (isDeleted = true));
    const isWaiting = async () =>
      (
        await run(`select 1 from pg_stat_activity where wait_event_type = 'Lock'
        and datname = current_database()`)
      ).length > 0;
    await expect.poll(isWaiting, { timeout: 10_000 }).toBe(true);
    await advanceTree(connection, work!);
    expect(isDeleted).toBe(false);
  });
  await deleting;
  await purgeDeleted(side.db.upkeep);
  for (const table of ['evidence_logs', 'evidence_tiles', 'evidence_bundles', 'workspace_marks']) {
    expect(await run(`select 1 from ${table} where workspace_id = $1`, [workspace.id])).toEqual([]);
  }
});

const skip = async () => {};

function turnOn({ slug }: Workspace): Promise<Workspace> {
  return createWorkspaceAdmin(side.db.write, unaudited).update({ slug, evidence: true }, null);
}

describe('retention', () => {
  test('cuts what its events needed alone, and every proof for the rest holds', async () => {
    const workspace = await side.workspace({ retentionDays: 5 });
    await record(workspace, fullEvents(700));
    await foldAll(side.db);
    await backdate(side.db, workspace.id, 600, 10);
    await turnOn(workspace);
    await lookUpTails(side.db.upkeep);
    // Nothing goes that is not in the tree yet, once that has begun.
    await transaction(side.db.upkeep, async connection => {
      const work = await findTreeWork(connection, [workspace.id], () => 'true' as never);
      await advanceTree(connection, work!);
    });
    expect(await removeNext(side.db.upkeep)).toMatchObject({ events: 0 });
    await foldAll(side.db);
    const before = await headOf(workspace);
    expect((await reader.checkpoint(workspace.id))!.firstPosition).toBe(1);
    await removeNext(side.db.upkeep);
    while (await removing(side.db.upkeep, cutNext));
    const left = await run(
      `select (select count(*)::int from evidence_bundles where workspace_id = $1) as bundles,
         (select count(*)::int from evidence_tiles where workspace_id = $1 and level = 0) as tiles,
         (select cut::int from evidence_logs where workspace_id = $1) as cut`,
      [workspace.id],
    );
    expect(left).toEqual([{ bundles: 1, tiles: 1, cut: 600 }]);
    await record(workspace, fullEvents(10));
    await foldAll(side.db);
    expect(await findingsOf(workspace, before)).toEqual([]);
    const rows = await run(
      'select position, recorded_at from events where workspace_id = $1 order by 1',
      [workspace.id],
    );
    const places = rows.map(row => ({
      position: Number(row['position']),
      recordedAt: row['recorded_at'] as unknown as Date,
    }));
    const proofs = await reader.inclusion(workspace.id, places, null);
    expect(proofs.map(proof => proof?.index)).toEqual(places.map((_, at) => 600 + at));
    const early = { ...before, size: 599 };
    expect((await findingsOf(workspace, early)).join()).toContain('it can prove nothing any more');
    await expect(reader.consistency(workspace.id, 599, null)).rejects.toThrow('of 600 or more');
    expect((await reader.consistency(workspace.id, 600, null)).to).toBe(710);
    expect((await verify(side.db.upkeep)).violations).toEqual([]);
  });
});

describe('a key', () => {
  test('that was replaced verifies what it signed, and one of a setting signs alone', async () => {
    const { workspace } = await aTree(2);
    const old = (await reader.checkpoint(workspace.id))!;
    await rotateEvidenceKey(side.db.write);
    const rotated = (await readerWith(null).checkpoint(workspace.id))!;
    const seed = Buffer.alloc(32, 3);
    await ensureEvidenceKey(side.db.write, seed);
    const given = (await readerWith(seed).checkpoint(workspace.id))!;
    const notes = [old, rotated, given];
    expect(new Set(notes.map(({ verifierKey }) => verifierKey)).size).toBe(3);
    const name = readTreeHead(readNote(old.note)!.text)!.origin;
    const known = await readPublicKeys(side.db.read);
    for (const { note, verifierKey } of notes) {
      const signers = known.filter(key => isSignedBy(readNote(note)!, { name, publicKey: key }));
      expect(signers.map(key => verifierKeyOf(name, key))).toEqual([verifierKey]);
    }
    // The setting's secret is not in the database.
    const kept = await run(`select 1 from evidence_keys where seed = decode($1, 'base64')`, [
      seed.toString('base64'),
    ]);
    expect(kept).toEqual([]);
  });
});

/** Another value of a column: one bit of it is changed, or what comes nearest to that. */
function changed(type: string, value: unknown, bit: number): string | number | boolean | Date {
  if (type === 'boolean') return value !== true;
  if (type.startsWith('timestamp')) {
    return new Date(((value as Date | null)?.getTime() ?? Date.now()) + 2 ** (bit % 20));
  }
  if (type === 'text') {
    const bytes = Buffer.from(value as string);
    const at = bytes.findIndex((byte, index) => index >= bit % bytes.length && byte < 0x80);
    bytes[Math.max(0, at)]! ^= 1 << (bit % 4);
    return bytes.toString();
  }
  if (type === 'jsonb') {
    // A letter or a digit of it is another.
    const text = value as string;
    const places = [...text.matchAll(/[a-w1-7](?=[^{}]*[}\]])/g)].map(({ index }) => index);
    const at = places[bit % places.length]!;
    return text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) + 1) + text.slice(at + 1);
  }
  return Number(value) ^ (1 << (bit % 3));
}

describe('verify against an older checkpoint', () => {
  const COUNT = 12;
  let workspace: Workspace;
  let other: Workspace;
  let head: TreeHead;
  beforeAll(async () => {
    other = (await aTree(1)).workspace;
    ({ workspace, head } = await aTree(COUNT));
    await record(workspace, fullEvents(3));
    await foldAll(side.db);
    const tables = ['events', 'evidence_tiles', 'evidence_bundles', 'evidence_logs'];
    for (const table of tables) {
      await run(`create table saved_${table} as select * from ${table} where workspace_id = $1`, [
        workspace.id,
      ]);
    }
  });

  /** Does something to the log, looks what is found, and undoes it. */
  async function foundAfter(harm: () => Promise<unknown>): Promise<string> {
    try {
      await harm();
      return (await findingsOf(workspace, head)).join('; ');
    } finally {
      for (const table of ['events', 'evidence_tiles', 'evidence_bundles', 'evidence_logs']) {
        await run(`delete from ${table} where workspace_id = $1`, [workspace.id]);
        await run(`insert into ${table} select * from saved_${table}`);
      }
      await run('delete from events where workspace_id = $1 and position > 1', [other.id]);
    }
  }

  test('finds nothing where nothing was changed', async () => {
    expect(await foundAfter(skip)).toBe('');
  });

  test('finds every change of every stored column of any event', async () => {
    const places = fc.sample(fc.tuple(fc.integer({ min: 1, max: COUNT }), fc.nat()), 4);
    const columns = Object.values(getTableColumns(eventsTable));
    expect(columns.length).toBeGreaterThan(20);
    for (const column of columns) {
      const type = column.getSQLType();
      for (const [position, bit] of places) {
        const [row] = await run('select * from events where workspace_id = $1 and position = $2', [
          workspace.id,
          position,
        ]);
        const value: unknown = row![column.name];
        const next = column.name === 'workspace_id' ? other.id : changed(type, value, bit);
        const found = await foundAfter(async () => {
          // What would have two keys stands behind the log.
          const at = column.name === 'position' ? position + 1_000 : next;
          await run(
            `update events set ${column.name} = $3 where workspace_id = $1 and position = $2`,
            [workspace.id, position, at],
          );
        });
        expect(found, `${column.name} of ${position}: ${value} → ${next}`).toContain(
          `the event at position ${position}`,
        );
      }
    }
  });

  test('finds an event that was deleted, and two that were swapped', async () => {
    const deleted = await foundAfter(() =>
      run('delete from events where workspace_id = $1 and position = 5', [workspace.id]),
    );
    expect(deleted).toContain('the event at position 5 is missing');
    const swapped = await foundAfter(() =>
      run(
        `update events set position = case position when 3 then 9 else 3 end, recorded_at = recorded_at +
           case position when 3 then interval '1 ms' else interval '0' end
         where workspace_id = $1 and position in (3, 9)`,
        [workspace.id],
      ),
    );
    expect(swapped).toContain('the event at position 3');
    expect(swapped).toContain('the event at position 9');
  });

  test('finds a log that was truncated, also where its tree was too', async () => {
    const cutShort = await foundAfter(() =>
      run('delete from events where workspace_id = $1 and position > 8', [workspace.id]),
    );
    expect(cutShort).toContain('the event at position 9 is missing');
    const both = await foundAfter(async () => {
      await run('delete from events where workspace_id = $1 and position > 8', [workspace.id]);
      await run('update evidence_logs set size = 8 where workspace_id = $1', [workspace.id]);
    });
    expect(both).toContain('the log was truncated');
  });

  test('finds a log that was forked, with a tree that fits it', async () => {
    const forked = await foundAfter(async () => {
      await run(`update events set payload = '{"n":99}' where workspace_id = $1 and position = 4`, [
        workspace.id,
      ]);
      for (const table of ['evidence_tiles', 'evidence_bundles']) {
        await run(`delete from ${table} where workspace_id = $1`, [workspace.id]);
      }
      await run(
        'update evidence_logs set size = 0, built_recorded_at = null where workspace_id = $1',
        [workspace.id],
      );
      await foldAll(side.db);
      // By itself it is sound: only what was signed before tells.
      expect(await findingsOf(workspace)).toEqual([]);
    });
    expect(forked).toContain('the log was changed');
  });

  test('finds content that was taken away without a mark, and hashes that were changed', async () => {
    const salted = await foundAfter(() =>
      run(
        `update evidence_bundles set salts = set_byte(salts, 40, get_byte(salts, 40) # 1)
         where workspace_id = $1`,
        [workspace.id],
      ),
    );
    expect(salted).toContain('the event at position 2 was changed');
    const emptied = await foundAfter(() =>
      run(
        `update evidence_bundles set salts = overlay(salts placing decode(repeat('00', 32), 'hex') from 1)
         where workspace_id = $1`,
        [workspace.id],
      ),
    );
    expect(emptied).toContain('its salt is gone, and it is not marked as emptied');
    // As expiry leaves an event, of one that was to expire later.
    const expired = await foundAfter(async () => {
      await run(
        `update events set expired_at = now(), payload = '{}', property_types = null, wire = null,
           source = null, subject = null, actor = null, description = null, icon = null,
           client_ip = null, parent_id = null, group_id = null, success = null, notify = false
         where workspace_id = $1 and position = 1`,
        [workspace.id],
      );
      await run(
        `update evidence_bundles set salts = overlay(salts placing decode(repeat('00', 32), 'hex') from 1)
         where workspace_id = $1`,
        [workspace.id],
      );
    });
    expect(expired).toContain('it is marked as expired, and was not to expire by then');
    const tiled = await foundAfter(() =>
      run(
        `update evidence_tiles set hashes = set_byte(hashes, 0, get_byte(hashes, 0) # 1)
         where workspace_id = $1 and level = 0`,
        [workspace.id],
      ),
    );
    expect(tiled).toContain('the event at position 1 was changed');
  });

  test('proves nothing of an event whose content was changed', async () => {
    const [row] = await run(
      'select recorded_at from events where workspace_id = $1 and position = 2',
      [workspace.id],
    );
    const recordedAt = row!['recorded_at'] as unknown as Date;
    await foundAfter(async () => {
      const place = { position: 2, recordedAt };
      const prove = async () => {
        const [proof] = await reader.inclusion(workspace.id, [place], null);
        const base64 = (bytes: Buffer) => bytes.toString('base64');
        return verifyProof(
          {
            ...{ index: proof!.index, size: proof!.checkpoint.size, content: proof!.content },
            ...{ leafHash: base64(proof!.leafHash), hashes: proof!.hashes.map(base64) },
            ...{ envelope: { ...proof!.envelope }, commitment: base64(proof!.commitment) },
            ...{ salt: base64(proof!.salt!), checkpoint: proof!.checkpoint },
          },
          { verifierKey: proof!.checkpoint.verifierKey },
        );
      };
      await expect(prove()).resolves.toMatchObject({ position: 2 });
      await run(`update events set actor = 'b' where workspace_id = $1 and position = 2`, [
        workspace.id,
      ]);
      await expect(prove()).rejects.toMatchObject({ code: 'NOT_PROVEN' });
    });
  });
});

test('after a restore that lost events another log begins, and else it goes on', async () => {
  const { workspace, head } = await aTree(2);
  await renewEpoch(side.db.write, { keep: true });
  await foldAll(side.db);
  expect((await headOf(workspace)).origin).toBe(head.origin);
  await renewEpoch(side.db.write, { keep: false });
  expect(await reader.checkpoint(workspace.id)).toBeNull();
  await foldAll(side.db);
  const other = await headOf(workspace);
  expect(other.origin).not.toBe(head.origin);
  expect(other.size).toBe(2);
  expect(await findingsOf(workspace, other)).toEqual([]);
});
