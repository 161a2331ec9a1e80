import { graphql, type VariablesOf } from '../api/graphql.ts';

/** How many events a filter selects. */
export const EventCount = graphql(`
  query EventCount($workspace: String!, $filter: EventFilter!) {
    events(workspace: $workspace, filter: $filter, first: 0) {
      totalCount
    }
  }
`);

export type EventFilter = VariablesOf<typeof EventCount>['filter'];

export const CategoryTypes = graphql(`
  query CategoryTypes($workspace: String!, $filter: EventDefinitionFilter!) {
    eventDefinitions(workspace: $workspace, filter: $filter, first: 1000) {
      nodes {
        name
      }
    }
  }
`);
