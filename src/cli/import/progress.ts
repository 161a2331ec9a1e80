/** How far an import or export is: a bar on a terminal, a line now and then elsewhere. */
import { SingleBar } from 'cli-progress';

export interface Measure {
  readonly events: number;
  /** From 0 to 1; null where the end is not known. */
  readonly part: number | null;
}

export interface Progress {
  stop(): void;
}

const BAR_EVERY_MS = 200;
const LINE_EVERY_MS = 10_000;

/** On standard error: standard output may be data. */
export function showProgress(what: string, measure: () => Measure): Progress {
  const startedMs = performance.now();
  const words = () => inWords(measure(), performance.now() - startedMs);
  if (process.stderr.isTTY !== true) {
    const timer = setInterval(() => {
      process.stderr.write(`${what}: ${Object.values(words()).filter(Boolean).join(', ')}\n`);
    }, LINE_EVERY_MS);
    return { stop: () => clearInterval(timer) };
  }
  const isEndKnown = measure().part !== null;
  const bar = new SingleBar({
    format: isEndKnown
      ? `${what} {bar} {percentage}%  {events}  {rate}  {left}`
      : `${what}  {events}  {rate}`,
    stream: process.stderr,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    barsize: 24,
    hideCursor: true,
    clearOnComplete: true,
    stopOnComplete: false,
  });
  bar.start(1_000, 0, words());
  const timer = setInterval(() => {
    bar.update(Math.floor((measure().part ?? 0) * 1_000), words());
  }, BAR_EVERY_MS);
  return {
    stop() {
      clearInterval(timer);
      bar.stop();
    },
  };
}

function inWords({ events, part }: Measure, elapsedMs: number) {
  const leftMs = part === null || part === 0 ? null : (elapsedMs / part) * (1 - part);
  return {
    events: `${events.toLocaleString('en')} events`,
    rate: `${rateOf(events, elapsedMs).toLocaleString('en')}/s`,
    left: leftMs === null || elapsedMs < 1_000 ? '' : `${timeInWords(leftMs)} left`,
  };
}

export function rateOf(events: number, elapsedMs: number): number {
  return Math.round((events * 1_000) / Math.max(1, elapsedMs));
}

export function timeInWords(ms: number): string {
  const s = Math.ceil(ms / 1_000);
  if (s < 60) return `${s} s`;
  if (s < 3_600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  return `${Math.floor(s / 3_600)} h ${Math.floor((s % 3_600) / 60)} min`;
}
