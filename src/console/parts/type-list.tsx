import { useQuery } from 'urql';
import { graphql } from '../api/graphql.ts';
import { useWorkspace } from '../layout/workspace.tsx';

const TypeNames = graphql(`
  query TypeNames($workspace: String!) {
    eventDefinitions(workspace: $workspace, first: 500) {
      nodes {
        name
      }
    }
  }
`);

/** The types of the workspace, for a field to suggest: its `list` is this `id`. */
export function TypeList({ id }: { id: string }) {
  const { slug } = useWorkspace();
  const [{ data }] = useQuery({ query: TypeNames, variables: { workspace: slug } });
  return (
    <datalist id={id}>
      {data?.eventDefinitions.nodes.map(({ name }) => (
        <option key={name} value={name} />
      ))}
    </datalist>
  );
}
