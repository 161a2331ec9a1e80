/** Where each view of this page stands in the address bar. */
import { pathTo } from '../../router/router.ts';

export function consumersPath(workspace: string): string {
  return pathTo(workspace, 'consumers');
}

export function consumerPath(workspace: string, name: string): string {
  return pathTo(workspace, 'consumers', [name]);
}

/** The page of events with one of them open. */
export function eventPath(workspace: string, eventId: string): string {
  return pathTo(workspace, 'events', [], { event: eventId });
}
