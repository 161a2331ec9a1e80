import { useState } from 'react';
import { useClient } from 'urql';
import { problemOf } from '../../api/problem.ts';
import { Discard, Resubmit, type Problem } from './documents.ts';

export type Action = 'RESUBMIT' | 'DISCARD';

/** What became of the events so far. */
export interface Handled {
  readonly action: Action;
  readonly total: number;
  readonly done: number;
  /** Recorded, or discarded. */
  readonly settled: number;
  /** By id: what is wrong with those that stay, as of now. */
  readonly problems: ReadonlyMap<string, readonly Problem[]>;
  /** Why it broke off; null where it did not. */
  readonly failure: string | null;
}

export interface Handling {
  readonly isBusy: boolean;
  readonly handled: Handled | null;
  forget(): void;
  handle(action: Action, ids: readonly string[]): Promise<void>;
}

/** Events of one request: few, so that one sees it go on. */
const CHUNK = 10;

/** Resubmits and discards, part by part. */
export function useHandling(onDone: () => void): Handling {
  const client = useClient();
  const [isBusy, setIsBusy] = useState(false);
  const [handled, setHandled] = useState<Handled | null>(null);

  async function resubmit(ids: readonly string[]): Promise<Part> {
    const { data, error } = await client.mutation(Resubmit, { ids: [...ids] });
    if (!data) return failed(error);
    const { receipts } = data.resubmitQuarantinedEvents;
    const kept = receipts
      .map(({ status, problems }, at) => ({ id: ids[at] ?? '', status, problems }))
      .filter(({ status }) => status !== 'RECORDED' && status !== 'DUPLICATE');
    const problems = kept.map(({ id, problems: found }) => [id, found] as const);
    return { settled: receipts.length - kept.length, problems, failure: null };
  }

  async function discard(ids: readonly string[]): Promise<Part> {
    const { data, error } = await client.mutation(Discard, { ids: [...ids] });
    if (!data) return failed(error);
    return { settled: data.discardQuarantinedEvents.discardedCount, problems: [], failure: null };
  }

  async function handle(action: Action, ids: readonly string[]): Promise<void> {
    let so: Handled = { action, total: ids.length, ...NOTHING };
    setIsBusy(true);
    setHandled(so);
    for (let at = 0; at < ids.length && so.failure === null; at += CHUNK) {
      const chunk = ids.slice(at, at + CHUNK);
      so = joined(
        so,
        await (action === 'RESUBMIT' ? resubmit(chunk) : discard(chunk)),
        chunk.length,
      );
      setHandled(so);
    }
    setIsBusy(false);
    onDone();
  }

  return { isBusy, handled, forget: () => setHandled(null), handle };
}

interface Part {
  readonly settled: number;
  readonly problems: readonly (readonly [string, readonly Problem[]])[];
  readonly failure: string | null;
}

const NOTHING = { done: 0, settled: 0, problems: new Map<string, Problem[]>(), failure: null };

function failed(error: Parameters<typeof problemOf>[0] | undefined): Part {
  const problem = error && problemOf(error);
  const failure = problem ? `${problem.title}. ${problem.advice}` : 'That did not work.';
  return { settled: 0, problems: [], failure };
}

function joined(handled: Handled, part: Part, done: number): Handled {
  return {
    ...handled,
    done: handled.done + (part.failure === null ? done : 0),
    settled: handled.settled + part.settled,
    problems: new Map([...handled.problems, ...part.problems]),
    failure: part.failure,
  };
}
