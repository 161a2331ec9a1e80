/**
 * Checks payloads by schemas. What is cheap, which nearly everything is, is done at once; what is
 * not goes to a thread. So no schema holds up the event loop, whoever has defined it.
 */
import { LRUCache } from 'lru-cache';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Evaluator, type Answer } from './evaluate.ts';
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
/** Reading a clock for every event would cost more than many checks. */
const UNITS_PER_MS = 40_000;
/** What is done at once holds up the event loop for some 10 ms, then it turns. */
const TURN_UNITS = 400_000;
/** A schema that took too long goes to the thread for this long without another try. */
const COSTLY_MS = 10_000;
const COSTLY_MAX = 1_000;
const TOO_COSTLY: Answer = { kind: 'TOO_COSTLY' };

/** @param onError hears of a thread that failed or was ended. */
export function createSchemaChecker(onError: (error: unknown) => void): SchemaChecker {
  const thread = new SchemaThread(onError);
  const evaluator = new Evaluator(AT_ONCE);
  const costly = new LRUCache<string, true>({ max: COSTLY_MAX, ttl: COSTLY_MS });
  /** Units by which the next turn of the event loop is due. */
  let turnAt = TURN_UNITS;
  let turn: Promise<void> | null = null;

  const atOnce = (job: Job): Answer | Promise<Answer> => {
    const before = evaluator.used;
    const answer = evaluator.evaluate(job.schema, job.payload);
    job.time.leftMs -= (evaluator.used - before) / UNITS_PER_MS;
    if (answer.kind !== 'TOO_COSTLY') return answer;
    costly.set(job.schema, true);
    return thread.run(job);
  };
  const later = async (job: Job): Promise<Answer> => {
    while (evaluator.used > turnAt) {
      turn ??= nextTurn().then(() => {
        turnAt = evaluator.used + TURN_UNITS;
        turn = null;
      });
      await turn;
    }
    return check(job);
  };
  const check = (job: Job): Answer | Promise<Answer> => {
    if (job.time.leftMs <= 0) return TOO_COSTLY;
    if (!isSmall(job) || costly.get(job.schema) === true) return thread.run(job);
    return evaluator.used > turnAt ? later(job) : atOnce(job);
  };
  return { check, stop: () => thread.stop() };
}

function isSmall({ schema, payload }: Job): boolean {
  return schema.length <= SCHEMA_CHARS_AT_ONCE && (payload?.length ?? 0) <= PAYLOAD_CHARS_AT_ONCE;
}
