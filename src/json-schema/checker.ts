/**
 * Checks payloads by schemas. What is cheap, which nearly everything is, is done at once; what is
 * not goes to a thread. So no schema holds up the event loop, whoever has defined it.
 */
import { LRUCache } from 'lru-cache';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createEvaluate, type Answer } from './evaluate.ts';
import { SchemaThread, type Job } from './schema-thread.ts';

export interface SchemaChecker {
  /**
   * At once, or later where it takes longer. What it takes is taken from the job's time; without
   * any left, nothing is checked and the answer is TOO_COSTLY.
   */
  check(job: Job): Answer | Promise<Answer>;
  stop(): Promise<void>;
}

/** Some milliseconds at most. */
const AT_ONCE = { compileUnits: 300_000, checkUnits: 200_000, ms: 20 };
const SCHEMA_CHARS_AT_ONCE = 16_384;
const PAYLOAD_CHARS_AT_ONCE = 65_536;
/** What is done at once holds up the event loop this long, then it turns. */
const TURN_MS_MAX = 10;
/** A schema that took too long goes to the thread for this long without another try. */
const COSTLY_MS = 10_000;
const COSTLY_MAX = 1_000;
const TOO_COSTLY: Answer = { kind: 'TOO_COSTLY' };

/** @param onError hears of a thread that failed or was ended. */
export function createSchemaChecker(onError: (error: unknown) => void): SchemaChecker {
  const thread = new SchemaThread(onError);
  const evaluate = createEvaluate(AT_ONCE);
  const costly = new LRUCache<string, true>({ max: COSTLY_MAX, ttl: COSTLY_MS });
  let spentMs = 0;
  let turn: Promise<void> | null = null;

  const atOnce = (job: Job): Answer | Promise<Answer> => {
    const startedMs = performance.now();
    const answer = evaluate(job.schema, job.payload);
    const ms = performance.now() - startedMs;
    spentMs += ms;
    job.time.leftMs -= ms;
    if (answer.kind !== 'TOO_COSTLY') return answer;
    costly.set(job.schema, true);
    return thread.run(job);
  };
  const later = async (job: Job): Promise<Answer> => {
    while (spentMs > TURN_MS_MAX) {
      turn ??= nextTurn().then(() => {
        spentMs = 0;
        turn = null;
      });
      await turn;
    }
    return check(job);
  };
  const check = (job: Job): Answer | Promise<Answer> => {
    if (job.time.leftMs <= 0) return TOO_COSTLY;
    if (!isSmall(job) || costly.get(job.schema) === true) return thread.run(job);
    return spentMs > TURN_MS_MAX ? later(job) : atOnce(job);
  };
  return { check, stop: () => thread.stop() };
}

function isSmall({ schema, payload }: Job): boolean {
  return schema.length <= SCHEMA_CHARS_AT_ONCE && (payload?.length ?? 0) <= PAYLOAD_CHARS_AT_ONCE;
}
