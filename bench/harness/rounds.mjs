/** Rounds that alternate, so that the machine's moods and a growing log hit all alike. */
import { progress } from './report.mjs';

/**
 * Runs each contestant once a round, in turns forwards and backwards, after one round that does
 * not count. Returns each one's results in the order of the rounds.
 */
export async function alternate(rounds, contestants) {
  const names = Object.keys(contestants);
  const results = Object.fromEntries(names.map(name => [name, []]));
  for (let round = 0; round <= rounds; round++) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      const isWarmUp = round === 0;
      progress(`${isWarmUp ? 'warm-up' : `round ${round} of ${rounds}`}: ${name}`);
      const result = await contestants[name]();
      if (!isWarmUp) results[name].push(result);
    }
  }
  progress('');
  return results;
}

export function median(values) {
  return percentile(values, 0.5);
}

/** The middle of the two where the number of values is even and the share a half. */
export function percentile(values, share) {
  if (values.length === 0) return NaN;
  const sorted = values.toSorted((a, b) => a - b);
  if (share === 0.5 && sorted.length % 2 === 0) {
    return (sorted[sorted.length / 2 - 1] + sorted[sorted.length / 2]) / 2;
  }
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}
