/** Notifications of the browser for events that ask for one. */
import { isPushed } from '../../api/push.ts';
import { createStore, useStore } from '../../api/store.ts';
import type { RecordedEvent } from './documents.ts';

const STORED_AT = 'sluice.notify';
/** No more than one in this time: the last tells of how many there were. */
const PAUSE_MS = 2_000;

export type Notifying = 'on' | 'off' | 'denied' | 'unsupported';

const wanted = createStore(localStorage.getItem(STORED_AT) === 'on');

export function useNotifying(): Notifying {
  const isWanted = useStore(wanted);
  if (!('Notification' in window)) return 'unsupported';
  if (Notification.permission === 'denied') return 'denied';
  return isWanted && Notification.permission === 'granted' ? 'on' : 'off';
}

/** Asks the browser where it has not been asked. */
export async function setNotifying(isOn: boolean): Promise<void> {
  if (isOn) await Notification.requestPermission();
  localStorage.setItem(STORED_AT, isOn ? 'on' : 'off');
  // Through false, so that a refusal is seen too.
  wanted.set(false);
  wanted.set(isOn);
}

let waiting: RecordedEvent[] = [];
let isPausing = false;

/** Unless the gateway pushes them to this browser anyway. */
export function notify(event: RecordedEvent): void {
  if (isPushed()) return;
  waiting.push(event);
  if (!isPausing) tell();
}

function tell(): void {
  const last = waiting.at(-1);
  isPausing = last !== undefined;
  if (!last) return;
  const more = waiting.length > 1 ? ` (and ${waiting.length - 1} more)` : '';
  waiting = [];
  const shown = new Notification(`${last.icon ?? ''} ${last.type}${more}`.trim(), {
    body: last.description ?? [last.subject, last.actor, last.source].filter(Boolean).join(' · '),
    tag: last.eventId,
  });
  shown.onclick = () => {
    window.focus();
    shown.close();
  };
  setTimeout(tell, PAUSE_MS);
}
