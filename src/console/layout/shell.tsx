import { Suspense, useEffect } from 'react';
import { useClient } from 'urql';
import { renewPush } from '../api/push.ts';
import { may, useViewer } from '../api/viewer.ts';
import { PAGE_TITLES, pagesFor, PageView } from '../pages/index.tsx';
import { Empty, Failed, Loading } from '../parts/states.tsx';
import { Link } from '../router/link.tsx';
import { navigate, pathTo, presentAddress, useRoute } from '../router/router.ts';
import { ErrorBoundary } from './error-boundary.tsx';
import { Navigation } from './navigation.tsx';
import { useWorkspaces, WorkspaceProvider, type Workspace } from './workspace.tsx';

/** What is round every page: navigation, and the workspace that the page is about. */
export function Shell() {
  const [{ workspaces, error }, ask] = useWorkspaces();
  const [first] = pagesFor(useViewer());
  const { page, workspace: slug } = useRoute();
  const home = useHome(workspaces);
  useEffect(() => {
    if (slug === null && home !== undefined) navigate(pathTo(home, first), { replace: true });
  }, [slug, home, first]);
  useEffect(() => {
    const present = presentAddress(location.pathname + location.search);
    if (present !== null) navigate(present, { replace: true });
  }, [page]);
  useEffect(() => {
    document.title = `${PAGE_TITLES[page]} · Sluice`;
  }, [page]);

  usePushing();

  if (!workspaces) {
    if (!error) return <Loading />;
    return <Failed error={error} onRetry={() => ask({ requestPolicy: 'network-only' })} />;
  }
  const workspace = workspaces.find(each => each.slug === slug?.toLowerCase());
  return (
    <div className="shell">
      <Navigation workspaces={workspaces} />
      <main id="main" tabIndex={-1}>
        <Content {...{ workspace, home }} />
      </main>
    </div>
  );
}

function Content({
  workspace,
  home,
}: {
  workspace: Workspace | undefined;
  home: string | undefined;
}) {
  const route = useRoute();
  const pages = pagesFor(useViewer());
  if (!workspace) {
    if (route.workspace === null && home !== undefined) return <Loading />;
    return (
      <Empty title={home === undefined ? 'No workspace yet' : 'No such workspace'}>
        {home === undefined ? (
          <p>Make one with the mutation createWorkspace.</p>
        ) : (
          <p>
            This key sees none by that name. <Link href={pathTo(home, pages[0])}>Go to {home}</Link>
          </p>
        )}
      </Empty>
    );
  }
  if (!pages.includes(route.page)) {
    return (
      <Empty title="This key may not read events">
        <p>This page needs a key with the scope EVENTS_READ.</p>
        <p>
          <Link href={pathTo(workspace.slug, pages[0])}>Go to {PAGE_TITLES[pages[0]]}</Link>
        </p>
      </Empty>
    );
  }
  return (
    <WorkspaceProvider value={workspace}>
      <ErrorBoundary key={`${workspace.slug} ${route.page}`}>
        <Suspense fallback={<Loading />}>
          <PageView page={route.page} key={workspace.slug} />
        </Suspense>
      </ErrorBoundary>
    </WorkspaceProvider>
  );
}

/** Keeps this browser's subscription, and opens what its notifications are about. */
function usePushing(): void {
  const client = useClient();
  const mayRead = may(useViewer(), 'EVENTS_READ');
  useEffect(() => {
    if (mayRead) renewPush(client).catch(() => {});
  }, [client, mayRead]);
  useEffect(() => {
    if (!('serviceWorker' in navigator)) return undefined;
    const { serviceWorker } = navigator;
    const open = ({ data }: MessageEvent<{ kind?: string; path?: string }>) => {
      if (data.kind === 'sluice.open' && data.path?.startsWith('/') === true) navigate(data.path);
    };
    serviceWorker.addEventListener('message', open);
    // Without this they wait for the end of loading, where nothing was assigned to `onmessage`.
    serviceWorker.startMessages();
    return () => serviceWorker.removeEventListener('message', open);
  }, []);
}

/** Where one begins: the workspace of the key, `default`, or the first. */
function useHome(workspaces: readonly Workspace[] | undefined): string | undefined {
  const own = useViewer().workspace?.slug;
  const byDefault = workspaces?.find(({ slug }) => slug === 'default') ?? workspaces?.[0];
  return own ?? byDefault?.slug;
}
