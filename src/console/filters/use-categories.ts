import { useQuery } from 'urql';
import { graphql } from '../api/graphql.ts';
import { useWorkspace } from '../layout/workspace.tsx';

const CategoryTypes = graphql(`
  query CategoryTypes($workspace: String!, $filter: EventDefinitionFilter!) {
    eventDefinitions(workspace: $workspace, filter: $filter, first: 1000) {
      nodes {
        name
      }
    }
  }
`);

/** The types that have one of these categories now; undefined while they are asked for. */
export function useCategoryTypes(categories: readonly string[]): readonly string[] | undefined {
  const { slug } = useWorkspace();
  const [{ data, error }] = useQuery({
    query: CategoryTypes,
    variables: { workspace: slug, filter: { categories: [...categories] } },
    pause: categories.length === 0,
  });
  if (categories.length === 0 || error) return NONE;
  return data?.eventDefinitions.nodes.map(({ name }) => name);
}

const NONE: readonly string[] = [];
