import { setTimeout as sleep } from 'node:timers/promises';
import { describeInput, type Input } from './requests.ts';

interface Stall {
  readonly wallMs: number;
  readonly busyMs: number;
  /** What was on its way then. */
  readonly suspects: readonly Input[];
}

const RECENT = 12;
const KEPT = 5;
const WORTH_MS = 150;

/** Follows the lines that `stalls.mjs` writes into a gateway's log. */
export class Stalls {
  readonly #log: () => string;
  readonly #running = new Set<Input>();
  #recent: Input[] = [];
  #read: number;
  #longest: Stall[] = [];
  #wallMs = 0;
  #busyMs = 0;

  constructor(log: () => string) {
    this.#log = log;
    this.#read = log().length;
  }

  /** @returns to be called when it is answered */
  during(input: Input): () => void {
    this.#running.add(input);
    return () => {
      this.#look();
      this.#running.delete(input);
      this.#recent = [input, ...this.#recent].slice(0, RECENT);
    };
  }

  /** Milliseconds of its own work in which nothing else could run. */
  get longestBusyMs(): number {
    this.#look();
    return this.#busyMs;
  }

  summary(): string {
    const busyMs = this.longestBusyMs;
    return `longest stall of the event loop ${busyMs} ms busy (${this.#wallMs} ms on the clock; below 50 is not told)`;
  }

  /** Sends the suspects of the longest stalls again, one by one, and tells how long each stalls. */
  async culprits(send: (input: Input) => Promise<unknown>): Promise<string> {
    const told: string[] = [];
    for (const { busyMs, suspects } of this.#longest) {
      told.push(`a stall of ${busyMs} ms:`);
      for (const suspect of suspects) {
        const before = this.#log().length;
        await send(suspect);
        await sleep(30);
        const again = stallsIn(this.#log().slice(before));
        const longest = Math.max(0, ...again.map(each => each.busyMs));
        if (longest > 80) told.push(`  ${longest} ms again: ${describeInput(suspect)}`);
      }
    }
    return told.join('\n');
  }

  #look(): void {
    const log = this.#log();
    const end = log.lastIndexOf('\n') + 1;
    if (end <= this.#read) return;
    for (const { wallMs, busyMs } of stallsIn(log.slice(this.#read, end))) {
      this.#wallMs = Math.max(this.#wallMs, wallMs);
      this.#busyMs = Math.max(this.#busyMs, busyMs);
      if (busyMs < WORTH_MS) continue;
      const suspects = [...this.#running, ...this.#recent];
      this.#longest = [...this.#longest, { wallMs, busyMs, suspects }]
        .sort((a, b) => b.busyMs - a.busyMs)
        .slice(0, KEPT);
    }
    this.#read = end;
  }
}

function stallsIn(log: string): { wallMs: number; busyMs: number }[] {
  return [...log.matchAll(/"stall":\{"wallMs":(\d+),"busyMs":(\d+)\}/g)].map(
    ([, wallMs, busyMs]) => ({ wallMs: Number(wallMs), busyMs: Number(busyMs) }),
  );
}
