/** The thread that checks what would hold up the event loop. Whoever started it may end it. */
import { parentPort } from 'node:worker_threads';
import { Evaluator } from './evaluate.ts';
import type { FromThread, ToThread } from './schema-thread.ts';

/** Some half a second on an idle machine; the time is for one that is not. */
const evaluator = new Evaluator({
  compileUnits: 20_000_000,
  checkUnits: 20_000_000,
  ms: 4_000,
});

const answer = (message: FromThread) => parentPort?.postMessage(message);
parentPort?.on('message', ({ schema, payload }: ToThread) =>
  answer(evaluator.evaluate(schema, payload)),
);
answer('READY');
