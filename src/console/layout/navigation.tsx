import { useClient } from 'urql';
import { stopPush } from '../api/push.ts';
import { endSession, useSession } from '../api/session.ts';
import { useViewer } from '../api/viewer.ts';
import { PAGE_TITLES, pagesFor } from '../pages/index.tsx';
import { IconButton } from '../parts/button.tsx';
import { Icon } from '../parts/icon.tsx';
import { Link } from '../router/link.tsx';
import { pathTo, useRoute } from '../router/router.ts';
import { setTheme, THEMES, useTheme } from './theme.ts';
import { WorkspaceSwitcher, type Workspace } from './workspace.tsx';

export function Navigation({ workspaces }: { workspaces: readonly Workspace[] }) {
  const { page, workspace } = useRoute();
  const pages = pagesFor(useViewer());
  const to = workspace ?? workspaces[0]?.slug ?? 'default';
  return (
    <header className="sidebar">
      <a className="skip" href="#main">
        Skip to the content
      </a>
      <div className="sidebar-top">
        <Link className="brand" href={pathTo(to, pages[0])}>
          <img src={ICON} alt="" width="22" height="22" />
          Sluice
        </Link>
        <WorkspaceSwitcher workspaces={workspaces} />
      </div>
      <nav aria-label="Pages">
        {pages.map(each => (
          <Link
            key={each}
            href={pathTo(to, each)}
            aria-current={each === page ? 'page' : undefined}
          >
            <Icon name={each} />
            <span>{PAGE_TITLES[each]}</span>
          </Link>
        ))}
      </nav>
      <Tools />
    </header>
  );
}

const ICON = new URL('../icon.svg', import.meta.url).href;

const THEME_ICONS = { auto: 'auto', light: 'sun', dark: 'moon' } as const;
const THEME_NAMES = { auto: 'as the system', light: 'light', dark: 'dark' } as const;

function Tools() {
  const theme = useTheme();
  const client = useClient();
  const { apiKey } = useViewer();
  const { isKept } = useSession();
  const where = isKept ? 'Key kept on this device' : 'Key kept until tabs close';
  // Whoever uses this browser next is told nothing by the key that leaves.
  const signOut = () => void stopPush(client).finally(() => endSession());
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? 'auto';
  return (
    <div className="sidebar-tools">
      {apiKey && (
        <p className="key-name" title={`Signed in with the key ${apiKey.name}`}>
          {apiKey.name}
          <span>{where}</span>
        </p>
      )}
      {/* With an opener the new tab begins with this tab's session, and so with the key. */}
      <a className="button quiet graphiql" href="/graphql" target="_blank" rel="opener">
        <Icon name="external" />
        GraphiQL
      </a>
      <IconButton
        icon={THEME_ICONS[theme]}
        label={`Colours: ${THEME_NAMES[theme]}. Change to ${THEME_NAMES[next]}`}
        onClick={() => setTheme(next)}
      />
      <IconButton icon="signOut" label={`Sign out. ${where}`} onClick={signOut} />
    </div>
  );
}
