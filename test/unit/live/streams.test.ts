import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventCursors } from '../../../src/core/cursor.ts';
import { GatewayError } from '../../../src/core/errors.ts';
import { transaction } from '../../../src/db/transaction.ts';
import { StreamEnded } from '../../../src/live/stream-ended.ts';
import type { ReadMatching } from '../../../src/live/stream.ts';
import {
  BEGINNING,
  flush,
  type LiveTestbed,
  positionsOf,
  type Process,
  startLiveTestbed,
  takeUntil,
  type TestStream,
  upTo,
} from './kit.ts';

let bed: LiveTestbed;
let gateway: Process;

beforeAll(async () => {
  bed = await startLiveTestbed();
  gateway = await bed.process();
});
afterAll(() => bed[Symbol.asyncDispose]());

async function endOf(stream: TestStream): Promise<unknown> {
  try {
    while ((await stream.next()).done !== true);
    return null;
  } catch (error) {
    return error;
  }
}

describe('where a stream starts', () => {
  test('history after a cursor comes first, then CAUGHT_UP once, then what is live', async () => {
    const workspace = await bed.workspace();
    const two = await gateway.record(workspace, 2);
    await gateway.record(workspace, 300);
    const stream = gateway.subscribe(workspace, { start: two });
    await stream.ready;
    await gateway.record(workspace, 10);
    const taken = await takeUntil(stream, 312);
    expect(positionsOf(taken)).toEqual(upTo(312, 3));
    const marks = taken.flatMap((d, at) =>
      d.kind === 'EVENT' ? [] : [[d.kind, d.place.position, at]],
    );
    expect(marks).toEqual([['CAUGHT_UP', 302, 300]]);
  });

  test('NOW starts at the head: every event recorded after it is ready is seen', async () => {
    const workspace = await bed.workspace();
    await gateway.record(workspace, 5);
    for (let round = 0; round < 20; round++) {
      const stream = gateway.subscribe(workspace);
      await stream.ready;
      const { position } = await gateway.record(workspace, 1);
      const [caughtUp, ...taken] = await takeUntil(stream, position);
      expect(caughtUp).toMatchObject({ kind: 'CAUGHT_UP', place: { position: position - 1 } });
      expect(positionsOf(taken)).toEqual([position]);
      await stream.return();
    }
  });

  test('an empty workspace is caught up at once, from NOW as from BEGINNING', async () => {
    const workspace = await bed.workspace();
    for (const start of ['NOW', 'BEGINNING', BEGINNING] as const) {
      const stream = gateway.subscribe(workspace, { start });
      expect((await stream.next()).value).toMatchObject({ kind: 'CAUGHT_UP', place: BEGINNING });
    }
  });

  test('a cursor beyond the head ends with CURSOR_AHEAD, from ready and from next', async () => {
    const workspace = await bed.workspace();
    const head = await gateway.record(workspace, 3);
    const stream = gateway.subscribe(workspace, { start: { ...head, position: 4 } });
    await expect(stream.ready).rejects.toMatchObject({ code: 'CURSOR_AHEAD' });
    await expect(stream.next()).rejects.toMatchObject({ code: 'CURSOR_AHEAD' });
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  });

  test('a cursor older than what is kept ends with CURSOR_EXPIRED and the oldest cursor', async () => {
    const workspace = await bed.workspace();
    const first = await gateway.record(workspace, 2);
    await gateway.record(workspace, 8);
    await removeBefore(workspace, 6);
    const stream = gateway.subscribe(workspace, { start: first });
    await expect(stream.ready).rejects.toMatchObject({ code: 'CURSOR_EXPIRED' });
    const error = await endOf(stream);
    expect(error).toMatchObject({ code: 'CURSOR_EXPIRED', place: { position: 5 } });
    const { oldestCursor } = (error as StreamEnded).publicExtensions(eventCursors('e', workspace));
    const start = eventCursors('e', workspace).decodePosition(String(oldestCursor));
    for (const from of [start, 'BEGINNING'] as const) {
      const taken = await takeUntil(gateway.subscribe(workspace, { start: from }), 10);
      expect(positionsOf(taken)).toEqual(upTo(10, 6));
    }
  });

  test('a place that hides events, because it was made up, is refused', async () => {
    const workspace = await bed.workspace();
    await gateway.record(workspace, 4);
    const start = { position: 2, recordedAt: new Date('2100-01-01') };
    const error = await endOf(gateway.subscribe(workspace, { start }));
    expect(error).toMatchObject({ code: 'CURSOR_INVALID' });
  });
});

/** As retention does: the mark first, then the rows. */
async function removeBefore(workspace: number, tail: number): Promise<void> {
  await bed.db.write.query(
    `insert into workspace_marks (workspace_id, tail, folded_recorded_at) values ($1, $2, now())
     on conflict (workspace_id) do update set tail = excluded.tail`,
    [workspace, tail],
  );
  await bed.db.write.query('delete from events where workspace_id = $1 and position < $2', [
    workspace,
    tail,
  ]);
}

describe('what a stream hands out', () => {
  test('only events that match, by type and by predicate', async () => {
    const workspace = await bed.workspace();
    const mixed = upTo(30).map(n => ({ type: `t${n % 3}`, eventId: `${workspace}-${n}` }));
    await gateway.record(workspace, mixed);
    const byType = gateway.subscribe(workspace, { start: 'BEGINNING', types: ['t0'] });
    const byPredicate = gateway.subscribe(workspace, {
      start: 'BEGINNING',
      matches: event => event.eventId.endsWith('0'),
    });
    await Promise.all([byType.ready, byPredicate.ready]);
    await gateway.record(
      workspace,
      mixed.map(draft => ({ ...draft, eventId: `${draft.eventId}-0` })),
    );
    const thirds = upTo(60).filter(position => position % 3 === 0);
    expect(positionsOf(await takeUntil(byType, 60))).toEqual(thirds);
    expect(positionsOf(await takeUntil(byPredicate, 60))).toEqual([10, 20, ...upTo(60, 30)]);
  });

  test('an expired event keeps its position and is not handed out', async () => {
    const workspace = await bed.workspace();
    const stream = gateway.subscribe(workspace);
    await stream.ready;
    const drafts = [{}, { expiresAt: new Date(Date.now() - 1_000) }, {}];
    await gateway.record(workspace, drafts);
    expect(positionsOf(await takeUntil(stream, 3))).toEqual([1, 3]);
    const again = gateway.subscribe(workspace, { start: 'BEGINNING' });
    expect(positionsOf(await takeUntil(again, 3))).toEqual([1, 3]);
  });

  test('an event from the ring is one object for all subscribers', async () => {
    const workspace = await bed.workspace();
    const streams = upTo(3).map(() => gateway.subscribe(workspace));
    await Promise.all(streams.map(stream => stream.next()));
    await gateway.record(workspace, 1);
    const taken = await Promise.all(streams.map(stream => stream.next()));
    expect(new Set(taken.map(({ value }) => value)).size).toBe(1);
  });

  test('a checkpoint comes after many events without a match, where it was asked for', async () => {
    const process = await bed.process({ limits: { checkpointEvents: 100 } });
    const workspace = await bed.workspace();
    const wanted = { start: 'BEGINNING', types: ['rare'] } as const;
    await process.record(workspace, [
      ...upTo(250).map(() => ({ type: 'often' })),
      { type: 'rare' },
    ]);
    const asked = process.subscribe(workspace, { ...wanted, checkpoints: true });
    const silent = process.subscribe(workspace, wanted);
    const places = (taken: { kind: string; place: { position: number } }[]) =>
      taken.map(({ kind, place }) => `${kind} ${place.position}`);
    expect(places(await takeUntil(asked, 251))).toEqual([
      'CHECKPOINT 100',
      'CHECKPOINT 200',
      'EVENT 251',
    ]);
    expect(places(await takeUntil(silent, 251))).toEqual(['EVENT 251']);
    await process.stop();
  });

  test('a waiting stream gets a checkpoint for events that never woke it', async () => {
    const process = await bed.process({ pollMs: 10, limits: { checkpointMs: 20 } });
    const workspace = await bed.workspace();
    const stream = process.subscribe(workspace, { types: ['rare'], checkpoints: true });
    expect((await stream.next()).value?.kind).toBe('CAUGHT_UP');
    const next = stream.next();
    const head = await process.record(workspace, 5);
    expect((await next).value).toMatchObject({ kind: 'CHECKPOINT', place: head });
    const resumed = process.subscribe(workspace, { start: (await next).value!.place });
    expect((await resumed.next()).value).toMatchObject({ kind: 'CAUGHT_UP', place: head });
    await process.stop();
  });

  test('while it catches up, a filter in SQL takes the place of the predicate', async () => {
    const workspace = await bed.workspace();
    await gateway.record(
      workspace,
      upTo(550).map(n => ({ type: n % 100 === 0 ? 'rare' : 'often' })),
    );
    let reads = 0;
    const readMatching: ReadMatching = async (id, place, limit) => {
      reads++;
      const all = await gateway.log.after(id, place, 1_000);
      const events = all.filter(event => event.type === 'rare').slice(0, limit);
      const scannedTo = events.length < limit ? all.at(-1)! : events.at(-1)!;
      return {
        events,
        scannedTo: { position: scannedTo.position, recordedAt: scannedTo.recordedAt },
      };
    };
    const stream = gateway.subscribe(workspace, {
      start: 'BEGINNING',
      types: ['rare'],
      readMatching,
    });
    const taken = await takeUntil(stream, 550);
    await gateway.record(workspace, [{ type: 'often' }, { type: 'rare' }]);
    taken.push(...(await takeUntil(stream, 552)));
    expect(taken.map(({ kind, place }) => `${kind[0]}${place.position}`)).toEqual([
      'E100',
      'E200',
      'E300',
      'E400',
      'E500',
      'C550',
      'E552',
    ]);
    expect(reads).toBe(1);
  });
});

describe('a slow or absent reader', () => {
  test('a stalled reader falls back to the log and is complete, with a small ring', async () => {
    const process = await bed.process({ limits: { ringEventsMax: 50 } });
    const workspace = await bed.workspace();
    const stalled = process.subscribe(workspace);
    await stalled.next();
    const quick = process.subscribe(workspace);
    const quickly = takeUntil(quick, 3_000);
    for (let flushes = 0; flushes < 30; flushes++) await process.record(workspace, 100);
    expect(positionsOf(await quickly)).toEqual(upTo(3_000));
    expect(process.live.stats().ringEvents).toBe(50);
    expect(process.live.stats().lagEvents).toBe(3_000);
    expect(positionsOf(await takeUntil(stalled, 3_000))).toEqual(upTo(3_000));
    expect(process.live.stats()).toMatchObject({ lagEvents: 0, failures: 0 });
    await process.stop();
  });

  test('when retention overtakes a stalled reader its stream ends, and is not holed', async () => {
    const process = await bed.process({ limits: { ringEventsMax: 10 } });
    const workspace = await bed.workspace();
    const stream = process.subscribe(workspace);
    await stream.next();
    await process.record(workspace, 1);
    await process.record(workspace, 100);
    expect(process.live.stats().ringEvents).toBe(10);
    await removeBefore(workspace, 50);
    await expect(endOf(stream)).resolves.toMatchObject({
      code: 'CURSOR_EXPIRED',
      place: { position: 49 },
    });
    await process.stop();
  });

  test('a page holds no more bytes than it may, and at least one event', async () => {
    const process = await bed.process({ limits: { pageBytesMax: 20_000 } });
    const workspace = await bed.workspace();
    const payload = { text: 'x'.repeat(15_000) };
    await process.record(
      workspace,
      upTo(40).map(n => ({ payload: n % 2 === 0 ? payload : {} })),
    );
    const stream = process.subscribe(workspace, { start: 'BEGINNING' });
    expect(positionsOf(await takeUntil(stream, 40))).toEqual(upTo(40));
    expect(process.live.stats().pagesRead).toBeGreaterThan(15);
    await process.stop();
  });

  test('nextBatch takes what is there, at most as many, and is empty at the end', async () => {
    const workspace = await bed.workspace();
    const stream = gateway.subscribe(workspace);
    expect(await stream.nextBatch(10)).toMatchObject([{ kind: 'CAUGHT_UP' }]);
    const waiting = stream.nextBatch(10);
    await gateway.record(workspace, 25);
    const sizes = [(await waiting).length];
    while (sizes.reduce((a, b) => a + b) < 25) sizes.push((await stream.nextBatch(10)).length);
    expect(sizes).toEqual([10, 10, 5]);
    await stream.return();
    expect(await stream.nextBatch(10)).toEqual([]);
  });

  test('several calls of next at once are answered in order', async () => {
    const workspace = await bed.workspace();
    const stream = gateway.subscribe(workspace);
    const asked = upTo(5).map(() => stream.next());
    await stream.ready;
    await gateway.record(workspace, 4);
    const taken = await Promise.all(asked);
    expect(taken.map(({ value }) => value?.place.position)).toEqual([0, 1, 2, 3, 4]);
  });
});

describe('how a stream ends', () => {
  test('an abort in the middle of a wait releases its reader at once and leaves nothing behind', async () => {
    const process = await bed.process();
    const workspace = await bed.workspace();
    const aborts = upTo(100).map(() => new AbortController());
    const streams = aborts.map(({ signal }) => process.subscribe(workspace, { signal, tag: 1 }));
    await Promise.all(streams.map(stream => stream.next()));
    const waiting = streams.map(stream => stream.next());
    expect(process.live.stats().subscribers).toBe(100);
    aborts.forEach(abort => abort.abort());
    for (const result of await Promise.all(waiting)) expect(result.done).toBe(true);
    expect(process.live.isWanted(workspace)).toBe(false);
    expect(process.live.tags().size).toBe(0);
    expect(process.live.stats()).toMatchObject({ subscribers: 0, workspaces: 0, ringBytes: 0 });
    await process.stop();
  });

  test('return in the middle of a wait releases its reader at once', async () => {
    const stream = gateway.subscribe(await bed.workspace());
    await stream.next();
    const waiting = stream.next();
    await stream.return();
    expect(await stream.next()).toEqual({ done: true, value: undefined });
    expect(await waiting).toEqual({ done: true, value: undefined });
  });

  test('a signal that was aborted before opens nothing', async () => {
    const before = gateway.live.stats().subscribers;
    const stream = gateway.subscribe(await bed.workspace(), { signal: AbortSignal.abort() });
    expect((await stream.next()).done).toBe(true);
    expect(gateway.live.stats().subscribers).toBe(before);
  });

  test('GOING_AWAY carries the place after what was handed out, and nothing is lost there', async () => {
    const process = await bed.process();
    const workspace = await bed.workspace();
    const waiting = process.subscribe(workspace, { types: ['other'] });
    const busy = process.subscribe(workspace);
    await Promise.all([waiting.next(), busy.next()]);
    const released = endOf(waiting);
    await process.record(workspace, 10);
    await takeUntil(busy, 4);
    process.live.endAll(new GatewayError('GOING_AWAY', 'The gateway is stopping.'));
    expect(await released).toMatchObject({ code: 'GOING_AWAY', place: { position: 10 } });
    const error = await endOf(busy);
    expect(error).toMatchObject({ code: 'GOING_AWAY', retryAfterS: 1, place: { position: 4 } });
    await process.stop();
    const { cursor } = (error as StreamEnded).publicExtensions(eventCursors('e', workspace));
    const start = eventCursors('e', workspace).decodePosition(String(cursor));
    const taken = await takeUntil(gateway.subscribe(workspace, { start }), 10);
    expect(positionsOf(taken)).toEqual(upTo(10, 5));
  });

  test('ending by tag ends the streams of a key and no others', async () => {
    const workspace = await bed.workspace();
    const [one, two] = [
      gateway.subscribe(workspace, { tag: 'a' }),
      gateway.subscribe(workspace, { tag: 'b' }),
    ];
    await Promise.all([one.next(), two.next()]);
    const ended = endOf(one);
    const error = new GatewayError('KEY_REVOKED', 'The key of this stream was revoked.');
    expect(gateway.live.end(({ tag }) => tag === 'a', error)).toBe(1);
    expect(await ended).toMatchObject({ code: 'KEY_REVOKED' });
    await gateway.record(workspace, 1);
    expect((await two.next()).value?.kind).toBe('EVENT');
  });

  test('more streams than the process, a workspace or a key may have are refused', async () => {
    const process = await bed.process({ limits: { streamsMax: 4, streamsPerTagMax: 2 } });
    const [workspace, other] = [await bed.workspace(), await bed.workspace()];
    const open = [1, 1, 2].map(tag => process.subscribe(workspace, { tag }));
    await Promise.all(open.map(({ ready }) => ready));
    const refused = process.subscribe(workspace, { tag: 1 });
    await expect(refused.ready).rejects.toMatchObject({ code: 'TOO_MANY_STREAMS' });
    await expect(refused.next()).rejects.toMatchObject({ message: expect.stringMatching(/key/) });
    expect((await refused.next()).done).toBe(true);
    // The last place is for a workspace that has none.
    await expect(process.subscribe(workspace, { tag: 2 }).next()).rejects.toMatchObject({
      message: expect.stringMatching(/this workspace has 3 open/),
    });
    await process.subscribe(other, { tag: 3 }).ready;
    await expect(process.subscribe(other, { tag: 3 }).next()).rejects.toMatchObject({
      message: expect.stringMatching(/This gateway has 4 streams open/),
    });
    // The gateway's own, of a webhook for instance, take no place and are never refused.
    const own = Array.from({ length: 6 }, () => process.subscribe(workspace));
    await Promise.all(own.map(({ ready }) => ready));
    await Promise.all([open[0]!.return(), open[1]!.return()]);
    expect((await process.subscribe(workspace, { tag: 1 }).next()).value?.kind).toBe('CAUGHT_UP');
    await process.stop();
  });

  test('downloads take places of streams, are fewer, and one workspace has never all', async () => {
    const process = await bed.process({ limits: { downloadsMax: 4, streamsPerTagMax: 4 } });
    const [workspaceId, other] = [await bed.workspace(), await bed.workspace()];
    const hold = (id: number, tag: number) =>
      process.live.hold({ workspaceId: id, tag, end: () => undefined });
    const releases = [1, 1, 1].map(tag => hold(workspaceId, tag));
    expect(() => hold(workspaceId, 2)).toThrow(/3 of 4 downloads under way/);
    await process.subscribe(workspaceId, { tag: 1 }).ready;
    await expect(process.subscribe(workspaceId, { tag: 1 }).ready).rejects.toThrow(
      /This key has 4/,
    );
    hold(other, 3);
    releases[0]!();
    releases[0]!();
    expect(() => hold(workspaceId, 2)).toThrow(/3 of 4 downloads/);
    releases[1]!();
    hold(workspaceId, 2);
    await process.stop();
  });

  test('what a predicate throws ends its stream and no other', async () => {
    const workspace = await bed.workspace();
    const fault = new Error('cannot compare');
    const matches = () => {
      throw fault;
    };
    const [bad, good] = [gateway.subscribe(workspace, { matches }), gateway.subscribe(workspace)];
    await Promise.all([bad.next(), good.next()]);
    const ended = endOf(bad);
    await gateway.record(workspace, 1);
    expect(await ended).toBe(fault);
    expect(positionsOf(await takeUntil(good, 1))).toEqual([1]);
  });
});

describe('the order of the log', () => {
  test('a stream shows nothing of a flush before it commits, and never skips it', async () => {
    const process = await bed.process({ pollMs: 5 });
    const workspace = await bed.workspace();
    await process.record(workspace, 1);
    const stream = process.subscribe(workspace, { start: 'BEGINNING' });
    await takeUntil(stream, 1);
    await stream.next();
    let late!: Promise<unknown>;
    await bed.db.upkeep.hold(async connection => {
      await connection.query('begin');
      await flush(connection, workspace, [{}, {}]);
      late = process.record(workspace, 3);
      const blocked = `select count(*) as n from pg_locks where locktype = 'advisory' and not granted
        and database = (select oid from pg_database where datname = current_database())`;
      const isBlocked = async () => (await bed.db.read.query<{ n: number }>(blocked))[0]!.n;
      await expect.poll(isBlocked).toBeGreaterThan(0);
      const early = gateway.subscribe(workspace, { start: 'BEGINNING' });
      expect(positionsOf(await takeUntil(early, 1))).toEqual([1]);
      expect((await early.next()).value).toMatchObject({
        kind: 'CAUGHT_UP',
        place: { position: 1 },
      });
      await connection.query('commit');
    });
    await late;
    expect(positionsOf(await takeUntil(stream, 6))).toEqual(upTo(6, 2));
    await process.stop();
  });

  test('a hole in the log ends its streams rather than being skipped', async () => {
    const process = await bed.process({ pollMs: 5 });
    const workspace = await bed.workspace();
    const stream = process.subscribe(workspace);
    await stream.next();
    await transaction(bed.db.upkeep, async connection => {
      await flush(connection, workspace, [{}, {}, {}, {}, {}]);
      const remove = 'delete from events where workspace_id = $1 and position < 3';
      await connection.query(remove, [workspace]);
    });
    const error = await endOf(stream);
    expect(error).not.toBeInstanceOf(GatewayError);
    expect(String(error)).toMatch(/no event after position 0/);
    await process.stop();
  });
});
