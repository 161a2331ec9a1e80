import { execFile, execFileSync } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { describe, expect, inject, test } from 'vitest';
import { createDatabase } from '../../../src/db/client.ts';
import { migrate } from '../../../src/db/migrate.ts';
import { verify } from '../../../src/db/verify.ts';
import { withDatabase } from '../../kit/database-url.ts';
import { ADMIN_KEY, startTestGateway, type TestGateway } from '../../kit/gateway.ts';
import { foldAll } from '../../kit/past.ts';
import { sluice } from '../cli/run.ts';

/**
 * With the tools of Postgres, where they are installed: they are no part of the embedded one, and
 * pg_dump reads no server newer than itself. `TEST_DUMP_URL` names a server for it.
 */
const run = promisify(execFile);

function versionOf(tool: string): number {
  try {
    return Number(/\d+/.exec(execFileSync(tool, ['--version'], { encoding: 'utf8' }))?.[0]);
  } catch {
    return 0;
  }
}

async function findServer(): Promise<string | null> {
  const tools = Math.min(versionOf('pg_dump'), versionOf('psql'));
  if (tools === 0) return null;
  const local = 'postgres://postgres@127.0.0.1:5432/postgres';
  for (const url of [process.env['TEST_DUMP_URL'] ?? local, inject('adminUrl')]) {
    const db = createDatabase({ url });
    try {
      const [row] = await db.upkeep.query<{ major: number; may: boolean }>(
        `select current_setting('server_version_num')::int / 10000 as major,
           rolcreatedb or rolsuper as may from pg_roles where rolname = current_user`,
      );
      if (row !== undefined && row.may && row.major >= 15 && row.major <= tools) return url;
    } catch {
      // Not there, or not ours.
    } finally {
      await db.stop();
    }
  }
  return null;
}

const server = await findServer();

/** Two databases, dropped with whoever is still connected. */
async function withDatabases(use: (original: string, copy: string) => Promise<void>) {
  const admin = createDatabase({ url: server! });
  const names = ['original', 'copy'].map(
    name => `sluice_dump_${name}_${randomBytes(6).toString('hex')}`,
  ) as [string, string];
  try {
    for (const name of names) await admin.upkeep.query(`create database ${name}`);
    await use(withDatabase(server!, names[0]), withDatabase(server!, names[1]));
  } finally {
    for (const name of names) {
      await admin.upkeep.query(`drop database if exists ${name} with (force)`);
    }
    await admin.stop();
  }
}

const RECORD = `mutation($events: [EventInput!]!) {
  recordEvents(input: { events: $events }) { receipts { status position cursor } }
}`;
interface Recorded {
  recordEvents: { receipts: { status: string; position: number; cursor: string }[] };
}

async function record(gateway: TestGateway, ids: readonly string[]) {
  const events = ids.map(id => ({ id, type: 'load', payload: { id } }));
  const { recordEvents } = await gateway.data<Recorded>(RECORD, { events });
  return recordEvents.receipts;
}

/** Tries again until there are receipts, as a client does. */
async function recordAtLast(gateway: TestGateway, ids: readonly string[]) {
  for (;;) {
    const receipts = await record(gateway, ids).catch(() => null);
    if (receipts !== null) return receipts;
    await sleep(100);
  }
}

/** Records until it is stopped; all that was acknowledged, with the cursor of the newest. */
function startLoad(gateway: TestGateway) {
  const acknowledged = new Map<number, string>();
  let isStopped = false;
  let cursor = '';
  const writing = (async () => {
    while (!isStopped) {
      const ids = Array.from({ length: 20 }, () => randomUUID());
      for (const [index, receipt] of (await recordAtLast(gateway, ids)).entries()) {
        acknowledged.set(receipt.position, ids[index]!);
        cursor = receipt.cursor;
      }
    }
  })();
  return {
    acknowledged,
    cursor: () => cursor,
    async stop() {
      isStopped = true;
      await writing;
    },
  };
}

interface Page {
  readonly events: {
    readonly nodes: readonly { position: number; eventId: string }[];
    readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string };
  };
}

const PAGE = `query($after: String) {
  events(first: 1000, after: $after, order: { field: POSITION, direction: ASC }) {
    nodes { position eventId } pageInfo { hasNextPage endCursor }
  }
}`;

/** All events in the order of positions, page by page. */
async function pageAll(gateway: TestGateway) {
  const found: { position: number; eventId: string }[] = [];
  for (let after: string | null = null; ;) {
    const { events }: Page = await gateway.data<Page>(PAGE, { after });
    found.push(...events.nodes);
    if (!events.pageInfo.hasNextPage) return found;
    after = events.pageInfo.endCursor;
  }
}

/** The next event of a stream that begins now, once `whenOpen` has made it. */
async function streamNext(gateway: TestGateway, whenOpen: () => Promise<unknown>) {
  const response = await fetch(`${gateway.url}/graphql`, {
    method: 'POST',
    headers: {
      accept: 'text/event-stream',
      'content-type': 'application/json',
      authorization: `Bearer ${ADMIN_KEY}`,
    },
    body: JSON.stringify({ query: 'subscription { events { kind position } }' }),
  });
  let text = '';
  let opened: Promise<unknown> | undefined;
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    if (text.includes('CAUGHT_UP')) opened ??= whenOpen();
    const position = /"EVENT","position":(\d+)/.exec(text)?.[1];
    if (position !== undefined) {
      await opened;
      return Number(position);
    }
  }
  throw new Error(`the stream ended: ${text}`);
}

// The embedded Postgres brings no pg_dump, and one of another version may refuse its server.
describe.skipIf(server === null)('a dump that is taken while events are recorded', () => {
  test('is restored into a gateway that goes on where it ended', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-dump-'));
    const file = join(folder, 'dump.sql');
    try {
      await withDatabases(async (original, copy) => {
        const setup = createDatabase({ url: original });
        await migrate(setup.upkeep);
        await setup.stop();
        await using gateway = await startTestGateway({ databaseUrl: original });
        const load = startLoad(gateway);
        await expect.poll(() => load.acknowledged.size).toBeGreaterThan(100);
        await run('pg_dump', ['--no-owner', '--file', file, original]);
        // The second batch from now on began after the dump.
        const atEnd = load.acknowledged.size;
        await expect.poll(() => load.acknowledged.size).toBeGreaterThan(atEnd + 20);
        await load.stop();

        await run('psql', ['--quiet', '--set', 'ON_ERROR_STOP=1', '--file', file, copy]);
        const cursorBefore = load.cursor();
        expect(await sluice(['epoch'], { DATABASE_URL: copy })).toMatchObject({ code: 0 });
        await using restored = await startTestGateway({ databaseUrl: copy });

        const kept = await pageAll(restored);
        expect(kept.length).toBeGreaterThanOrEqual(100);
        expect(kept.length).toBeLessThan(load.acknowledged.size);
        expect(kept.map(({ position }) => position)).toEqual(kept.map((_, index) => index + 1));
        for (const { position, eventId } of kept) {
          expect(load.acknowledged.get(position)).toBe(eventId);
        }

        const next = kept.length + 1;
        const again = await record(restored, [kept[0]!.eventId, randomUUID()]);
        expect(again).toMatchObject([
          { status: 'DUPLICATE', position: 1 },
          { status: 'RECORDED', position: next },
        ]);
        const streamed = await streamNext(restored, () => record(restored, [randomUUID()]));
        expect(streamed).toBe(next + 1);
        const old = await restored.graphql(
          `query($after: String) {
          events(first: 1, after: $after) { liveCursor }
        }`,
          { after: cursorBefore },
        );
        expect(old.errors?.[0]?.extensions['code']).toBe('CURSOR_EPOCH');
        await foldAll(restored.db);
        expect((await verify(restored.db.upkeep)).violations).toEqual([]);
        expect(await sluice(['verify'], { DATABASE_URL: copy })).toMatchObject({ code: 0 });
      });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
