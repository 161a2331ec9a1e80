/**
 * Tells a caller how it stands with its limits, in the headers of the answer.
 * @see https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-ratelimit-headers-11
 */
import type { LimitStanding } from '../core/quota.ts';

/** Whose answer has headers. */
export interface Told {
  setHeader?(name: string, value: string): void;
  /** What it was told, by the names of the limits. */
  standings?: Map<string, LimitStanding> | undefined;
}

/** In the place of what was told of the same limits before. */
export function tellStandings(caller: Told, news: readonly LimitStanding[]): void {
  if (caller.setHeader === undefined) return;
  const standings = (caller.standings ??= new Map<string, LimitStanding>());
  for (const standing of news) standings.set(standing.name, standing);
  let policy = '';
  let limits = '';
  for (const { name, limit, windowS, left, resetS } of standings.values()) {
    const separator = policy === '' ? '' : ', ';
    policy += `${separator}"${name}";q=${limit};w=${windowS}`;
    limits += `${separator}"${name}";r=${left};t=${resetS}`;
  }
  caller.setHeader('ratelimit-policy', policy);
  caller.setHeader('ratelimit', limits);
}
