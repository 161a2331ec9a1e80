import { useEffect, useState } from 'react';
import { useClient, type Client, type CombinedError } from 'urql';
import type { VariablesOf } from '../../api/graphql.ts';
import { needsProperty, type Options, type Timeframe } from './options.ts';
import {
  Explore,
  filterWith,
  groupFilter,
  hasManyGroups,
  TopGroups,
  type AnswerSource,
  type Bucket,
  type Input,
} from './question.ts';

/** What a group makes in the whole time, as the gateway counted it. */
export interface Group {
  /** Null for events without a value. */
  readonly value: string | null;
  readonly count: number;
  /** Null for no number. */
  readonly total: number | null;
}

/** The groups that are not shown for themselves, counted as one. */
export interface Others {
  /** How many groups they are. */
  readonly groups: number;
  readonly count: number;
  readonly total: number | null;
  readonly buckets: readonly Bucket[];
}

export interface Answer {
  /** What was chosen when it was asked for. */
  readonly options: Options;
  readonly timeframe: Timeframe;
  /** What was asked in the end: with the groups that are shown, where only some are. */
  readonly input: Input;
  /** The greatest first. */
  readonly groups: readonly Group[];
  readonly others: Others | null;
  readonly buckets: readonly Bucket[];
  readonly source: AnswerSource | null;
  /** What was asked at first, of all groups. */
  readonly question: Input;
  readonly tookMs: number;
}

export interface Asked {
  /** The latest answer, also while the next is waited for. */
  readonly answer: Answer | null;
  readonly error: CombinedError | null;
  readonly isWaiting: boolean;
}

interface Question {
  readonly workspace: string;
  readonly options: Options;
  readonly timeframe: Timeframe | null;
  /** Null asks nothing. */
  readonly input: Input | null;
}

const NOTHING: Asked = { answer: null, error: null, isWaiting: false };

/** The answer to a question; another `turn` asks the same once more. */
export function useAnswer({ workspace, options, timeframe, input }: Question, turn: number): Asked {
  const client = useClient();
  const [asked, setAsked] = useState<Asked>(NOTHING);
  const key = input && JSON.stringify([input, options.every, options.groups]);
  useEffect(() => {
    if (!input || !timeframe) return setAsked(NOTHING);
    let isOver = false;
    setAsked(({ answer }) => ({ answer, error: null, isWaiting: true }));
    const startedMs = performance.now();
    readAnswer(client, { workspace, options, timeframe, input }).then(
      found => {
        const tookMs = performance.now() - startedMs;
        const answer = { ...found, question: input, tookMs };
        if (!isOver) setAsked({ answer, error: null, isWaiting: false });
      },
      (error: CombinedError) => {
        if (!isOver) setAsked({ answer: null, error, isWaiting: false });
      },
    );
    return () => {
      isOver = true;
    };
    // The key stands for the input, and the input for the options.
  }, [client, workspace, key, turn]);
  return asked;
}

/** Groups of a kind that has few: all of them are asked for, to know which have the measure. */
const FEW_MAX = 1_000;

async function readAnswer(
  client: Client,
  { workspace, options, timeframe, input }: Question & { timeframe: Timeframe; input: Input },
): Promise<Omit<Answer, 'question' | 'tookMs'>> {
  const top = async (asked: Input, first: number) => {
    const sorted: Input = { ...asked, orderBy: 'COUNT_DESC' };
    const variables = { workspace, input: sorted, first };
    const { eventAggregates } = await ask(client.query(TopGroups, variables, FRESH));
    const nodes = eventAggregates.nodes.filter(({ isOther }) => !isOther);
    const groups = nodes.map(({ group: [of], count, measures: [measure] }) => ({
      value: of?.value ?? null,
      count,
      total: options.measure === 'count' ? count : (measure?.value ?? null),
    }));
    return { groups, totalCount: eventAggregates.totalCount ?? groups.length };
  };
  const buckets = (asked: Input) =>
    readPages(client, workspace, { ...asked, granularity: options.every, fill: 'ZERO' });

  const isMany = hasManyGroups(options);
  const found = await top(input, isMany ? options.groups + 1 : FEW_MAX);
  const measured = withMeasure(found.groups, options);
  const all = isMany ? found.totalCount : measured.length;
  // One that is left over is shown as well, rather than “1 other”.
  if (all <= options.groups + 1 && measured.length === all) {
    return { options, timeframe, groups: measured, others: null, ...(await buckets(input)) };
  }
  const groups = measured.slice(0, options.groups).filter(({ value }) => value !== null);
  const chosen = groupFilter(
    options,
    groups.flatMap(({ value }) => value ?? []),
  );
  const { groupBy, filter, ...whole } = input;
  const rest: Input = { ...whole, ...filterWith(filter, { not: chosen }) };
  const [shown, restBuckets, restTotal] = await Promise.all([
    buckets({ ...whole, ...(groupBy && { groupBy }), ...filterWith(filter, chosen) }),
    buckets(rest),
    top(rest, 1),
  ]);
  const { count = 0, total = null } = restTotal.groups[0] ?? {};
  const others = { groups: all - groups.length, count, total, buckets: restBuckets.buckets };
  return { options, timeframe, groups, others, ...shown };
}

/** Sums by their size; everything else as the gateway has it, by the number of events. */
function withMeasure(groups: readonly Group[], options: Options): readonly Group[] {
  const measured = needsProperty(options) ? groups.filter(({ total }) => total !== null) : groups;
  if (options.measure !== 'sum') return measured;
  return measured.toSorted((a, b) => (b.total ?? 0) - (a.total ?? 0));
}

async function readPages(
  client: Client,
  workspace: string,
  input: Input,
): Promise<Pick<Answer, 'input' | 'buckets' | 'source'>> {
  const buckets: Bucket[] = [];
  let after: string | null = null;
  for (;;) {
    const variables: VariablesOf<typeof Explore> = { workspace, input, after };
    const { eventAggregates: page } = await ask(client.query(Explore, variables, FRESH));
    buckets.push(...page.nodes);
    after = page.pageInfo.endCursor;
    if (!page.pageInfo.hasNextPage) return { input, buckets, source: page.source };
  }
}

const FRESH = { requestPolicy: 'network-only' } as const;

/** @throws CombinedError */
async function ask<Data>(
  asked: PromiseLike<{ data?: Data | undefined; error?: CombinedError | undefined }>,
): Promise<Data> {
  const { data, error } = await asked;
  if (error) throw error;
  return data as Data;
}
