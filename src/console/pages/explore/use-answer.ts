import { useEffect, useState } from 'react';
import { useClient, type Client, type CombinedError } from 'urql';
import type { VariablesOf } from '../../api/graphql.ts';
import type { Options } from './options.ts';
import {
  Explore,
  isTopOnly,
  TopGroups,
  topInputOf,
  withGroups,
  type AnswerSource,
  type Bucket,
  type Input,
} from './question.ts';

export interface Answer {
  /** What was chosen when it was asked for. */
  readonly options: Options;
  /** What was asked in the end: with the groups that there are most of, where only these are. */
  readonly input: Input;
  readonly buckets: readonly Bucket[];
  readonly source: AnswerSource | null;
  /** Whether groups with fewer events were left out. */
  readonly isCut: boolean;
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
  /** Null asks nothing. */
  readonly input: Input | null;
}

const NOTHING: Asked = { answer: null, error: null, isWaiting: false };

/** The answer to a question; another `turn` asks the same once more. */
export function useAnswer({ workspace, options, input }: Question, turn: number): Asked {
  const client = useClient();
  const [asked, setAsked] = useState<Asked>(NOTHING);
  const key = input && JSON.stringify(input);
  useEffect(() => {
    if (!input) return setAsked(NOTHING);
    let isOver = false;
    setAsked(({ answer }) => ({ answer, error: null, isWaiting: true }));
    readAnswer(client, { workspace, options, input }).then(
      answer => {
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

async function readAnswer(
  client: Client,
  { workspace, options, input }: Question & { input: Input },
): Promise<Answer> {
  const { group } = options;
  if (!isTopOnly(group)) {
    return { options, isCut: false, ...(await readPages(client, workspace, input)) };
  }
  const { eventAggregates: top } = await ask(
    client.query(TopGroups, { workspace, input: topInputOf(input) }, FRESH),
  );
  // No filter chooses the events without a source or actor.
  const values = top.nodes.map(({ group: [of] }) => of?.value ?? null);
  const named = values.filter(value => value !== null);
  const isCut = top.pageInfo.hasNextPage || named.length < values.length;
  const chosen = withGroups(input, group, named);
  return { options, isCut, ...(await readPages(client, workspace, chosen)) };
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
