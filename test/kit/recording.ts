import { randomUUID } from 'node:crypto';
import type { EventInput } from '../../src/core/event.ts';
import { uuidV7 } from '../../src/core/isomorphic.ts';
import type { Workspace } from '../../src/core/workspace.ts';
import { createDatabase, type Database } from '../../src/db/client.ts';
import { ensurePartitions } from '../../src/db/partitions.ts';
import { createSchemaChecker } from '../../src/json-schema/checker.ts';
import { DefinitionCache } from '../../src/record/definitions.ts';
import { createRecordEvents, type RecordEvents } from '../../src/record/record.ts';
import { Writers, type Recorded } from '../../src/record/writers.ts';
import { createWorkspaceAdmin } from '../../src/security/workspace-admin.ts';
import { createTestDatabase, type TestDatabase } from './database.ts';
import { unaudited } from './unaudited.ts';

/** A writing side of a gateway without its doors: several may stand on one database. */
export interface Recording extends AsyncDisposable {
  readonly db: Database;
  readonly record: RecordEvents;
  readonly writers: Writers;
  readonly definitions: DefinitionCache;
  readonly errors: unknown[];
  readonly recorded: Recorded[];
  /** A new workspace with a unique slug. */
  workspace(settings?: Partial<Workspace>): Promise<Workspace>;
}

/**
 * Tests with these parts check what happens to events, also on a busy machine. `test/faults` measures
 * how long callers wait.
 */
const PATIENCE_MS = 30_000;

export async function startRecording(url: string): Promise<Recording> {
  const db = createDatabase({ url, waitMs: PATIENCE_MS, writeTimeoutMs: PATIENCE_MS });
  const errors: unknown[] = [];
  const recorded: Recorded[] = [];
  const definitions = new DefinitionCache(db.write, () => Date.now());
  const schemas = createSchemaChecker(error => errors.push(error));
  await ensurePartitions(db.upkeep);
  const writers = new Writers({
    connection: db.flush,
    ensurePartitions: async () => {
      await ensurePartitions(db.upkeep);
    },
    staleDefinitions: entries => definitions.stale(entries),
    onRecorded: what => recorded.push(what),
    onError: error => errors.push(error),
    nowMs: () => Date.now(),
    answerWithinMs: PATIENCE_MS,
  });
  const record = createRecordEvents({
    write: db.write,
    writers,
    definitions,
    schemas,
    now: () => new Date(),
    nowMs: () => Date.now(),
    newId: () => uuidV7(Date.now(), randomUUID()),
  });
  const admin = createWorkspaceAdmin(db.write, unaudited);
  return {
    db,
    record,
    writers,
    definitions,
    errors,
    recorded,
    workspace: ({ slug = `w-${randomUUID()}`, ...settings } = {}) =>
      admin.create({ ...settings, slug }, null),
    async [Symbol.asyncDispose]() {
      await writers.stop();
      await schemas.stop();
      await db.stop();
    },
  };
}

/** A database with one recording side on it. */
export async function startRecordingDatabase(): Promise<Recording & { database: TestDatabase }> {
  const database = await createTestDatabase();
  const recording = await startRecording(database.url);
  return {
    ...recording,
    database,
    async [Symbol.asyncDispose]() {
      await recording[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    },
  };
}

export function anEvent(input: Partial<EventInput> = {}): EventInput {
  return { type: 'test.event', ...input };
}
