import { performance } from 'node:perf_hooks';

/** Work of streams before input and output have their turn. */
const SLICE_MS = 8;
/** Streams that go on in one turn, of those that wait for one. */
const STREAMS_A_TURN = 16;

/** Keeps many busy streams from holding up everything else of the process, and each other. */
export interface Pace {
  /** Undefined when the caller may go on at once. */
  turn(): Promise<void> | undefined;
}

export function createPace(): Pace {
  const waiting: (() => void)[] = [];
  let startedMs: number | undefined;

  function begin(): void {
    startedMs = undefined;
    for (const go of waiting.splice(0, STREAMS_A_TURN)) go();
    if (waiting.length > 0) setImmediate(begin);
  }

  return {
    turn() {
      const nowMs = performance.now();
      if (startedMs === undefined) {
        startedMs = nowMs;
        if (waiting.length === 0) setImmediate(begin);
      }
      if (waiting.length === 0 && nowMs - startedMs < SLICE_MS) return undefined;
      return new Promise(resolve => waiting.push(resolve));
    },
  };
}
