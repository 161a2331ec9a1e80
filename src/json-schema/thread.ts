/** The thread that checks what would hold up the event loop. Whoever started it may end it. */
import { parentPort } from 'node:worker_threads';
import { createEvaluate } from './evaluate.ts';
import type { FromThread, ToThread } from './schema-thread.ts';

/** Some half a second on an idle machine; the time is for one that is not. */
const evaluate = createEvaluate({ compileUnits: 20_000_000, checkUnits: 20_000_000, ms: 2_000 });

const answer = (message: FromThread) => parentPort?.postMessage(message);
parentPort?.on('message', ({ schema, payload }: ToThread) => answer(evaluate(schema, payload)));
answer('READY');
