/**
 * Whether a threshold is crossed: matching events are counted in steps of its time, by when they
 * were recorded. So it is judged alike whoever counts, and when: a gateway that is behind finds what
 * one that is not would have found. Pure.
 */
import type { News, NotificationThreshold } from './notification.ts';

/** A step, as a number since the epoch, and how many events fell into it. */
export type Counts = readonly (readonly [step: number, count: number])[];

export interface Crossing {
  readonly counts: Counts;
  /** Whether it is crossed: it is told of when that begins. */
  readonly isCrossed: boolean;
}

/** Steps of the time: an event counts for up to one step longer. */
const STEPS = 60;

export function stepMsOf({ withinMs }: NotificationThreshold): number {
  return Math.max(1_000, Math.ceil(withinMs / STEPS));
}

/** Events within the time before an instant. */
export function countWithin(counts: Counts, threshold: NotificationThreshold, at: Date): number {
  const { last, first } = stepsUpTo(threshold, at);
  return counts.reduce((sum, [step, n]) => (step >= first && step <= last ? sum + n : sum), 0);
}

function stepsUpTo(threshold: NotificationThreshold, at: Date) {
  const stepMs = stepMsOf(threshold);
  const last = Math.floor(at.getTime() / stepMs);
  return { last, first: last - Math.ceil(threshold.withinMs / stepMs) };
}

/** Counts events, in the order of their positions, and tells where they cross the threshold. */
export function judgeEvents(
  { counts, isCrossed }: Crossing,
  threshold: NotificationThreshold,
  events: readonly { readonly position: number; readonly recordedAt: Date }[],
): Crossing & { readonly news: readonly News[] } {
  const news: News[] = [];
  let now = { counts, isCrossed };
  for (const { position, recordedAt } of events) {
    const added = add(now.counts, threshold, recordedAt);
    const count = countWithin(added, threshold, recordedAt);
    const isEnough = count >= threshold.count;
    const isUpward = threshold.comparison === 'AT_LEAST';
    if (isUpward && isEnough && !now.isCrossed) {
      news.push({ kind: 'AT_LEAST', position, recordedAt, count });
    }
    // That there are fewer is found out when time passes, not when one comes.
    now = { counts: added, isCrossed: isUpward ? isEnough : now.isCrossed && !isEnough };
  }
  return { ...now, news };
}

/**
 * Judges FEWER_THAN at an instant up to which every event was counted.
 * @param since when none is missing from; before as much time has passed nothing is told
 */
export function judgeTime(
  { counts, isCrossed }: Crossing,
  threshold: NotificationThreshold,
  { at, since }: { readonly at: Date; readonly since: Date },
): Crossing & { readonly news: readonly News[] } {
  const isKnown = at.getTime() - threshold.withinMs >= since.getTime();
  if (threshold.comparison !== 'FEWER_THAN' || !isKnown) return { counts, isCrossed, news: [] };
  const count = countWithin(counts, threshold, at);
  const isFewer = count < threshold.count;
  const isNew = isFewer && !isCrossed;
  const news: News = { kind: 'FEWER_THAN', position: 0, recordedAt: at, count };
  return { counts, isCrossed: isFewer, news: isNew ? [news] : [] };
}

function add(counts: Counts, threshold: NotificationThreshold, at: Date): Counts {
  const step = Math.floor(at.getTime() / stepMsOf(threshold));
  const newest = Math.max(step, ...counts.map(([each]) => each));
  const oldest = newest - Math.ceil(threshold.withinMs / stepMsOf(threshold));
  const others = counts.filter(([each]) => each !== step && each >= oldest);
  const before = counts.find(([each]) => each === step)?.[1] ?? 0;
  return [...others, [step, before + 1]];
}

export function readCounts(text: string): Counts {
  return JSON.parse(text) as Counts;
}
