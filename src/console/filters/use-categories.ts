import { useQuery } from 'urql';
import { useWorkspace } from '../layout/workspace.tsx';
import { CategoryTypes } from './documents.ts';

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
