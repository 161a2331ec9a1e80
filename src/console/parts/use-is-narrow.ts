import { useSyncExternalStore } from 'react';

/** As in the styles: a phone's width. */
const NARROW = matchMedia('(width < 700px)');

function subscribe(listener: () => void): () => void {
  NARROW.addEventListener('change', listener);
  return () => NARROW.removeEventListener('change', listener);
}

/** Whether the page is as narrow as a phone, where other things come first. */
export function useIsNarrow(): boolean {
  return useSyncExternalStore(subscribe, () => NARROW.matches);
}
