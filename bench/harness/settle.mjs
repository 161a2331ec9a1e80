import { createFold } from '../../dist/rollup/fold.js';

/** Folds what is left over, so that one round's work is not done in the next one's time. */
export async function settle({ db }, nowMs = () => Date.now()) {
  const logger = { warn: facts => console.warn(facts) };
  await createFold({ upkeep: db.upkeep, logger, nowMs }).foldNow();
}
