import { useEffect } from 'react';

const EVERY_MS = 5_000;

/** What `useQuery` gives to ask once more. */
type Ask = (options: { requestPolicy: 'network-only' }) => void;

/** Asks again every few seconds, as long as somebody looks. */
export function useRepeat(ask: Ask): void {
  useEffect(() => {
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') ask({ requestPolicy: 'network-only' });
    }, EVERY_MS);
    return () => clearInterval(timer);
  }, [ask]);
}
