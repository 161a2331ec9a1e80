/* Shows what the gateway pushes to this browser, and opens what it is about. It answers no requests. */

const ICON = '/console/icon-192.png';

self.addEventListener('install', () => self.skipWaiting());
self.addEventListener('activate', event => event.waitUntil(self.clients.claim()));

self.addEventListener('push', event => {
  const { title, body, at, tag, path } = saidBy(event.data);
  const timestamp = Date.parse(at);
  event.waitUntil(
    self.registration.showNotification(title, {
      body,
      tag,
      icon: ICON,
      badge: ICON,
      data: { path },
      ...(Number.isNaN(timestamp) ? {} : { timestamp }),
    }),
  );
});

self.addEventListener('notificationclick', event => {
  event.notification.close();
  event.waitUntil(open(ownPath(event.notification.data?.path)));
});

/** A browser ends a subscription whose messages show nothing: so something is shown in any case. */
function saidBy(data) {
  const said = { title: 'Sluice', body: '', at: '', tag: '', path: '/' };
  try {
    return { ...said, ...data.json() };
  } catch {
    return said;
  }
}

/** Of this origin, whatever was sent. */
function ownPath(path) {
  const { origin } = self.location;
  const url = new URL(typeof path === 'string' ? path : '/', origin);
  // A path that begins with two slashes names a host.
  return url.origin === origin ? url.pathname.replace(/^\/+/, '/') + url.search : '/';
}

/** In a page of the console that is open, else in a new one. */
async function open(path) {
  const pages = await self.clients.matchAll({ type: 'window', includeUncontrolled: true });
  const page = pages.find(({ url }) => {
    const { pathname } = new URL(url);
    return pathname === '/' || pathname.startsWith('/w/');
  });
  if (page === undefined) return self.clients.openWindow(path);
  page.postMessage({ kind: 'sluice.open', path });
  return page.focus();
}
