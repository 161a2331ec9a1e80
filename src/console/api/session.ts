/**
 * The key that this tab works with. It is kept in session storage, so it ends with the tab, and
 * GraphiQL, opened from here, finds it there.
 */
import { createStore, useStore } from './store.ts';

/** GraphiQL's page reads the same place: `src/http/graphiql.ts`. */
const STORED_AT = 'sluice.key';

export interface Session {
  readonly key: string | null;
  /** Why the last one ended, for people; null where they ended it themselves. */
  readonly endedBecause: string | null;
}

const session = createStore<Session>({
  key: sessionStorage.getItem(STORED_AT),
  endedBecause: null,
});

export function currentKey(): string | null {
  return session.get().key;
}

export function useSession(): Session {
  return useStore(session);
}

export function startSession(key: string): void {
  sessionStorage.setItem(STORED_AT, key);
  session.set({ key, endedBecause: null });
}

export function endSession(because: string | null = null): void {
  sessionStorage.removeItem(STORED_AT);
  session.set({ key: null, endedBecause: because });
}
