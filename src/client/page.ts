/** Tells when the page of a browser is hidden or left, and may not come back. */

interface EventTargetLike {
  addEventListener(type: string, listener: () => void): void;
  removeEventListener(type: string, listener: () => void): void;
}

interface Surroundings extends Partial<EventTargetLike> {
  readonly document?: EventTargetLike & { readonly visibilityState: string };
}

/** Does nothing outside of pages. Returns what takes the listener off again. */
export function whenPageHides(listener: () => void): () => void {
  const { document, addEventListener, removeEventListener } = globalThis as Surroundings;
  if (document === undefined || addEventListener === undefined) return () => {};
  const onVisibility = () => document.visibilityState === 'hidden' && listener();
  document.addEventListener('visibilitychange', onVisibility);
  addEventListener('pagehide', listener);
  return () => {
    document.removeEventListener('visibilitychange', onVisibility);
    removeEventListener?.('pagehide', listener);
  };
}
