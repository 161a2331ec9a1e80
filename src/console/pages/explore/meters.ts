/** Counts that are kept ready: the API calls them meters. */
import type { CombinedError } from 'urql';
import { graphql, type ResultOf, type VariablesOf } from '../../api/graphql.ts';
import type { Input } from './question.ts';

export const Meters = graphql(`
  query Meters($workspace: String!) {
    meters(workspace: $workspace, first: 100) {
      nodes {
        id
        name
        filter
        groupBy {
          dimension
          payloadPath
        }
        measures {
          function
          payloadPath
          dimension
        }
        status
        problem
        filledPosition
        targetPosition
        seriesCount
        seriesMax
        overflowed
      }
    }
  }
`);

export const CreateMeter = graphql(`
  mutation CreateMeter($input: CreateMeterInput!) {
    createMeter(input: $input) {
      meter {
        id
      }
    }
  }
`);

export const DeleteMeter = graphql(`
  mutation DeleteMeter($input: DeleteMeterInput!) {
    deleteMeter(input: $input) {
      deletedName
    }
  }
`);

export type ListedMeter = ResultOf<typeof Meters>['meters']['nodes'][number];
export type MeterInput = Omit<VariablesOf<typeof CreateMeter>['input'], 'workspace'>;

/** What would keep a question ready. */
export function meterOf({ filter, groupBy, measures }: Input, title: string): MeterInput {
  const by = (groupBy ?? []).map(nameOfKey);
  return {
    name: by.length === 0 ? title : `${title} by ${by.join(', ')}`,
    ...(filter && { filter }),
    ...(groupBy && { groupBy }),
    ...(measures && { measures }),
  };
}

/** The same as the gateway says it, of a question that it refused. */
export function refusedMeterOf(error: CombinedError): MeterInput | null {
  const meter = error.graphQLErrors[0]?.extensions['meter'];
  return typeof meter === 'object' && meter !== null ? (meter as MeterInput) : null;
}

interface Key {
  readonly dimension?: string | null | undefined;
  readonly payloadPath?: readonly string[] | null | undefined;
}

function nameOfKey({ dimension, payloadPath }: Key): string {
  return dimension?.toLowerCase() ?? payloadPath?.join('.') ?? '';
}

/** In words: what a meter counts. */
export function wordsOf({ filter, groupBy, measures }: ListedMeter): string {
  const what = measures.map(
    ({ function: name, ...of }) => `${name.toLowerCase()} of ${nameOfKey(of)}`,
  );
  const by = groupBy.map(nameOfKey);
  return [
    ['count', ...what].join(', '),
    ...(by.length === 0 ? [] : [`by ${by.join(', ')}`]),
    ...(filter === null ? [] : [`where ${JSON.stringify(filter)}`]),
  ].join(' ');
}
