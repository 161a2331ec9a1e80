/** Acknowledgements of one consumer, in this process: those that come at once share a statement. */
import { LIMITS } from '../core/limits.ts';
import type { Actor } from '../core/principal.ts';
import { RequestBatcher } from './request-batcher.ts';
import type { Settled } from './settler.ts';

export interface Acknowledgement {
  readonly actor: Actor | null;
  readonly tokens: readonly string[];
}

export type Acknowledging = RequestBatcher<Acknowledgement, Settled>;

export function createAcknowledging(
  acknowledge: (actor: Actor | null, tokens: readonly string[]) => Promise<Settled>,
): Acknowledging {
  return new RequestBatcher({
    sizeOf: ({ tokens }) => tokens.length,
    sizeMax: LIMITS.pullEventsMax,
    mayShare: (first, other) => first.actor?.keyId === other.actor?.keyId,
    async run(group) {
      const tokens = new Set(group.flatMap(each => each.tokens));
      return shareOf(group, await acknowledge(group[0].actor, [...tokens]));
    },
  });
}

/** A token counts for who came with it first. */
function shareOf(
  group: readonly Acknowledgement[],
  { expired, ...settled }: Settled,
): readonly Settled[] {
  const gone = new Set(expired);
  return group.map(({ tokens }) => {
    const own = [...new Set(tokens)];
    const late = own.filter(token => gone.has(token));
    for (const token of own) gone.add(token);
    return { ...settled, count: own.length - late.length, expired: late };
  });
}
