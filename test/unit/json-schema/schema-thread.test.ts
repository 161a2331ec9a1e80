import { afterEach, expect, test } from 'vitest';
import type { Answer } from '../../../src/json-schema/evaluate.ts';
import { SchemaThread } from '../../../src/json-schema/schema-thread.ts';

const errors: unknown[] = [];
const thread = new SchemaThread(error => errors.push(error));
afterEach(() => {
  errors.length = 0;
});

const run = (job: { workspaceId?: number; schema: unknown; payload?: unknown; leftMs?: number }) =>
  thread.run({
    workspaceId: job.workspaceId ?? 1,
    schema: typeof job.schema === 'string' ? job.schema : JSON.stringify(job.schema),
    payload: JSON.stringify(job.payload ?? {}),
    time: { leftMs: job.leftMs ?? 60_000 },
  });

const FITS: Answer = { kind: 'CHECKED', mismatches: [] };

test('a job that makes the thread fail gets an answer, and the next one a new thread', async () => {
  // Not JSON: the thread does not expect it, and fails.
  expect(await run({ schema: '{' })).toEqual({ kind: 'TOO_COSTLY' });
  expect(errors.length).toBeGreaterThan(0);
  expect(await run({ schema: { type: 'object' } })).toEqual(FITS);
});

test('what a request has no time left for is not begun', async () => {
  expect(await run({ schema: {}, leftMs: 0 })).toEqual({ kind: 'TOO_COSTLY' });
});

test('a workspace that uses the thread much does not keep others waiting', async () => {
  const costly = { allOf: Array.from({ length: 4_000 }, () => ({ not: { const: 'x' } })) };
  const list = { l: Array.from({ length: 20_000 }, (_, i) => i) };
  const order: string[] = [];
  const jobs = Array.from({ length: 8 }, () =>
    run({ workspaceId: 1, schema: costly, payload: list }).then(() => order.push('costly')),
  );
  const others = Array.from({ length: 8 }, () =>
    run({ workspaceId: 2, schema: { type: 'object' } }).then(() => order.push('cheap')),
  );
  await Promise.all([...jobs, ...others]);
  // The one that had begun, and then all cheap ones before the next.
  expect(order.lastIndexOf('cheap')).toBeLessThanOrEqual(9);
});

test('stopping answers what waits', async () => {
  const waiting = [1, 2, 3].map(() => run({ schema: { type: 'object' } }));
  await thread.stop();
  for (const answer of await Promise.all(waiting))
    expect(answer.kind).toMatch(/TOO_COSTLY|CHECKED/);
});
