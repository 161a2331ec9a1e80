import { may, useViewer } from '../../api/viewer.ts';
import { Notice } from '../../parts/states.tsx';

/** What this key may not do here, and which scope it lacks; nothing where it lacks none. */
export function AccessNotice() {
  const viewer = useViewer();
  if (may(viewer, 'ADMIN')) return null;
  const mayConsume = may(viewer, 'EVENTS_CONSUME');
  const mayRead = may(viewer, 'EVENTS_READ');
  return (
    <Notice>
      <p>
        This key may look at consumers, but not change them or see where webhooks send. That needs
        the scope ADMIN. {!mayConsume && 'To pull events, a worker’s key needs EVENTS_CONSUME. '}
        {!mayRead && 'To look at events and the other pages, a key needs EVENTS_READ. '}
        This one has {viewer.scopes.join(', ')}.
      </p>
    </Notice>
  );
}
