import { useMemo } from 'react';
import { Provider, useQuery } from 'urql';
import { createClient } from './api/client.ts';
import { useSession } from './api/session.ts';
import { ViewerProvider, ViewerQuery } from './api/viewer.ts';
import { Shell } from './layout/shell.tsx';
import { SignIn } from './pages/sign-in.tsx';
import { Failed, Loading } from './parts/states.tsx';

/** Signed in or not: the rest is asked for once there is a key. */
export function App() {
  const { key } = useSession();
  const client = useMemo(() => (key === null ? null : createClient(key)), [key]);
  if (!client) return <SignIn />;
  return (
    <Provider value={client}>
      <SignedIn />
    </Provider>
  );
}

function SignedIn() {
  const [{ data, error }, ask] = useQuery({ query: ViewerQuery, requestPolicy: 'cache-first' });
  if (error) return <Failed error={error} onRetry={() => ask({ requestPolicy: 'network-only' })} />;
  if (!data) return <Loading />;
  return (
    <ViewerProvider value={data.viewer}>
      <Shell />
    </ViewerProvider>
  );
}
