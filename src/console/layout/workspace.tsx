/** The workspace that is looked at, and the ones to choose from. */
import { createContext, use, useId } from 'react';
import { useQuery } from 'urql';
import { graphql, type ResultOf } from '../api/graphql.ts';
import { may, useViewer } from '../api/viewer.ts';
import { navigate, pathTo, useRoute } from '../router/router.ts';

export const WorkspacesQuery = graphql(`
  query Workspaces {
    workspaces(first: 1000) {
      nodes {
        id
        slug
        name
        timeZone
      }
    }
  }
`);

export type Workspace = ResultOf<typeof WorkspacesQuery>['workspaces']['nodes'][number];

const WorkspaceContext = createContext<Workspace | null>(null);
export const WorkspaceProvider = WorkspaceContext.Provider;

/** The workspace in the address bar. Every page is shown for one. */
export function useWorkspace(): Workspace {
  const workspace = use(WorkspaceContext);
  if (!workspace) throw new Error('outside of a workspace');
  return workspace;
}

/** All that the key covers. A key that may not list them sees its own. */
export function useWorkspaces() {
  const viewer = useViewer();
  const mayList = may(viewer, 'EVENTS_READ');
  const [{ data, error }, ask] = useQuery({ query: WorkspacesQuery, pause: !mayList });
  const own = viewer.workspace === null ? [] : [viewer.workspace];
  const workspaces = mayList ? data?.workspaces.nodes : own;
  return [{ workspaces, error }, ask] as const;
}

export function WorkspaceSwitcher({ workspaces }: { workspaces: readonly Workspace[] }) {
  const id = useId();
  const { page, workspace } = useRoute();
  return (
    <div className="workspace-switcher">
      <label className="unseen" htmlFor={id}>
        Workspace
      </label>
      <select
        id={id}
        value={workspace ?? ''}
        onChange={event => navigate(pathTo(event.target.value, page))}
      >
        {workspaces.map(({ slug, name }) => (
          <option key={slug} value={slug}>
            {name}
          </option>
        ))}
      </select>
    </div>
  );
}
