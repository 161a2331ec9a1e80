/** Whether this process can record and read, asked often and by many. */
import type { Pool } from '../db/client.ts';
import { partitionsAhead } from '../db/partitions.ts';

/** Fewer whole partitions ahead would soon stop all recording. */
const PARTITIONS_AHEAD_MIN = 2;
/** An answer serves everybody for this long. */
const KEPT_MS = 1_000;

/** Why nothing can be recorded or read right now; empty when all is well. */
export type NotReady = () => Promise<readonly string[]>;

/** Asks by a connection of its own, so that it waits behind nothing, and at most once a second. */
export function createReadiness(probe: Pick<Pool, 'query'>, nowMs: () => number): NotReady {
  let answer: Promise<readonly string[]> | undefined;
  let untilMs = Infinity;
  return () => {
    if (answer !== undefined && nowMs() < untilMs) return answer;
    untilMs = Infinity;
    answer = look(probe).finally(() => (untilMs = nowMs() + KEPT_MS));
    return answer;
  };
}

async function look(probe: Pick<Pool, 'query'>): Promise<readonly string[]> {
  try {
    const ahead = await partitionsAhead(probe);
    return ahead < PARTITIONS_AHEAD_MIN ? ['Partitions for the time to come are missing.'] : [];
  } catch {
    return ['The database does not answer.'];
  }
}
