/** The pages, each loaded when it is first shown. */
import { lazy } from 'react';
import { may, type Viewer } from '../api/viewer.ts';
import { PAGES, type Page } from '../router/router.ts';

export const PAGE_TITLES: Readonly<Record<Page, string>> = {
  events: 'Events',
  explore: 'Explore',
  definitions: 'Definitions',
  consumers: 'Consumers',
  notifications: 'Notifications',
  settings: 'Settings',
  status: 'Status',
};

/** The pages that a key may look at: a worker's sees consumers alone. The first is where it begins. */
export function pagesFor(viewer: Viewer): readonly [Page, ...Page[]] {
  return may(viewer, 'EVENTS_READ') ? PAGES : ['consumers'];
}

const VIEWS = {
  events: lazy(() =>
    import('./events/page.tsx').then(({ EventsPage }) => ({ default: EventsPage })),
  ),
  explore: lazy(() =>
    import('./explore/page.tsx').then(({ ExplorePage }) => ({ default: ExplorePage })),
  ),
  definitions: lazy(() =>
    import('./definitions/page.tsx').then(({ DefinitionsPage }) => ({ default: DefinitionsPage })),
  ),
  consumers: lazy(() =>
    import('./consumers/page.tsx').then(({ ConsumersPage }) => ({ default: ConsumersPage })),
  ),
  notifications: lazy(() =>
    import('./notifications/page.tsx').then(({ NotificationsPage }) => ({
      default: NotificationsPage,
    })),
  ),
  settings: lazy(() =>
    import('./settings/page.tsx').then(({ SettingsPage }) => ({ default: SettingsPage })),
  ),
  status: lazy(() =>
    import('./status/page.tsx').then(({ StatusPage }) => ({ default: StatusPage })),
  ),
};

export function PageView({ page }: { page: Page }) {
  const View = VIEWS[page];
  return <View />;
}
